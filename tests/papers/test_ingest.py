from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from newsletter.models import Edition, EditionPaper
from papers.ingest import IngestReport, ingest, merge
from papers.models import Observation, Paper, PaperTopic, SourceRun, Topic
from papers.sources.record import PaperRecord, Reading, Reject, SourceError

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


def record(title: str = "A Title", source: str = "huggingface", **told: Any) -> PaperRecord:
    return PaperRecord(source=source, title=title, **told)


def save(*records: PaperRecord | Reject, **told: Any) -> IngestReport:
    return ingest(records, source="test", target="a file", **{"now": NOW, **told})


def counts(report: IngestReport) -> tuple[int, ...]:
    return report.read, report.new, report.updated, report.unchanged, report.rejected


def in_edition(paper: Paper, day: int) -> EditionPaper:
    edition = Edition.objects.create(date=date(2026, 5, day))
    return EditionPaper.objects.create(
        edition=edition, paper=paper, rank=1, score=1.0, terms=[], matches=[], card={}
    )


def test_what_a_source_does_not_tell_stays_null() -> None:
    save(record("Bare", source="capture"))
    paper = Paper.objects.get()
    unknown = {f.name for f in Paper._meta.concrete_fields if getattr(paper, f.attname) is None}
    assert unknown == {
        "arxiv_id",
        "arxiv_version",
        "abstract",
        "authors",
        "author_count",
        "organization_slug",
        "organization_name",
        "published_on",
        "categories",
        "primary_category",
        "keywords",
        "ai_summary",
        "github_url",
        "project_url",
        "thumbnail_url",
        "doi",
        "journal_ref",
        "comment",
        "submitted_by",
        "upvotes",
        "num_comments",
        "github_stars",
        "observed_at",
    }


def test_each_record_is_new_updated_unchanged_or_rejected() -> None:
    seen = record(arxiv_id="2605.00001", reading=Reading(NOW, upvotes=1))
    more = record(arxiv_id="2605.00001", reading=Reading(NOW + timedelta(hours=1), upvotes=2))
    assert counts(save(seen, seen, more, record("???"), Reject("item 9", "no title"))) == (5, 1, 1, 1, 2)
    assert counts(save(seen, more)) == (2, 0, 0, 2, 0)


def test_a_run_tells_what_happened() -> None:
    save(record(), Reject("item 2", "title is missing", "id: 1"))
    (run,) = SourceRun.objects.all()
    assert (run.source, run.target, run.read_count, run.new_count, run.rejected_count) == (
        "test",
        "a file",
        2,
        1,
        1,
    )
    assert run.rejects == [{"position": "item 2", "reason": "title is missing", "excerpt": "id: 1"}]
    assert (run.verdict, run.started_at) == ("partial", NOW)
    assert run.finished_at is not None


def test_a_source_that_breaks_keeps_what_came_before() -> None:
    def breaking() -> Any:
        yield record("First")
        raise SourceError("the line went dead")

    with pytest.raises(SourceError):
        ingest(breaking(), source="test", target="x", now=NOW)
    assert [paper.title for paper in Paper.objects.all()] == ["First"]
    run = SourceRun.objects.get()
    assert (run.verdict, run.message, run.new_count) == ("failed", "the line went dead", 1)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"published_on": date(2026, 6, 1)}, "the date 2026-06-01 lies in the future"),
        ({"listed_on": date(2027, 1, 1)}, "the list day 2027-01-01 lies in the future"),
        (
            {"reading": Reading(NOW + timedelta(days=9), upvotes=1)},
            "observed_at 2026-05-29 lies in the future",
        ),
        ({"title": "\u2026!"}, "the title holds no letter or digit"),
    ],
)
def test_what_cannot_be_is_rejected(told: dict[str, Any], reason: str) -> None:
    report = save(record(**{"title": "T", "position": "item 1", **told}), record("Good"))
    assert [(reject.position, reject.reason) for reject in report.rejects] == [("item 1", reason)]
    assert [paper.title for paper in Paper.objects.all()] == ["Good"]


def test_a_record_that_the_database_refuses_costs_only_itself() -> None:
    good = [record(f"Good {n}") for n in range(6)]
    report = save(*good[:3], record("Bad", doi="x" * 201, position="item 4"), *good[3:])
    assert counts(report) == (7, 6, 0, 0, 1)
    assert report.rejects[0].position == "item 4"
    assert "cannot be saved" in report.rejects[0].reason


def test_sources_are_ranked_and_versions_beat_each_other() -> None:
    save(
        record("From arXiv v2", source="arxiv", arxiv_id="2605.00001", arxiv_version=2, abstract="Short."),
        record(
            "From arXiv v1", source="arxiv", arxiv_id="2605.00001", arxiv_version=1, abstract="Much longer."
        ),
        record(
            "From HF",
            arxiv_id="2605.00001",
            abstract="The longest of all abstracts.",
            github_url="https://a.org/",
        ),
    )
    paper = Paper.objects.get()
    assert (paper.title, paper.abstract, paper.arxiv_version) == ("From arXiv v2", "Short.", 2)
    assert paper.github_url == "https://a.org/"


def test_list_days_of_attention_come_first_and_archives_are_marked() -> None:
    announced = record(source="arxiv", arxiv_id="2605.00001", listed_on=date(2026, 5, 4))
    save(record("Archive", source="capture"), listed_on=date(2026, 5, 11))
    save(record("Archive 2", source="capture"))
    save(announced)
    told = dict(Paper.objects.values_list("title", "listed_on"))
    assert told == {"Archive": date(2026, 5, 11), "Archive 2": date(2026, 5, 20), "A Title": date(2026, 5, 4)}
    save(
        record(arxiv_id="2605.00001", listed_on=date(2026, 5, 19)),
        record(arxiv_id="2605.00001", listed_on=date(2026, 5, 18)),
    )
    assert Paper.objects.get(arxiv_id="2605.00001").listed_on == date(2026, 5, 18)
    assert sorted(Paper.objects.values_list("title", "from_archive")) == [
        ("A Title", False),
        ("Archive", True),
        ("Archive 2", True),
    ]


def test_dated_counts_beat_undated_ones_and_each_count_is_the_latest_known() -> None:
    def seen(moment: datetime | None, **told: int) -> PaperRecord:
        return record(arxiv_id="2605.00001", reading=Reading(moment, **told))

    early, late = NOW - timedelta(hours=9), NOW - timedelta(hours=2)
    save(
        seen(None, upvotes=99, num_comments=5), seen(late, upvotes=7), seen(early, upvotes=3, github_stars=8)
    )
    paper = Paper.objects.get()
    assert (paper.upvotes, paper.num_comments, paper.github_stars, paper.observed_at) == (7, 5, 8, late)
    assert Observation.objects.count() == 3


def test_an_editors_columns_and_filings_are_left_alone() -> None:
    save(record(arxiv_id="2605.00001"))
    Paper.objects.update(pinned=True, boost=0.5, hidden=True, editor_note="Look.")
    topic = Topic.objects.create(slug="mine", name="Mine")
    paper = Paper.objects.get()
    PaperTopic.objects.create(paper=paper, topic=topic, score=1, decision="added")
    save(record("Another Title", source="arxiv", arxiv_id="2605.00001", abstract="New."))
    paper.refresh_from_db()
    assert (paper.title, paper.pinned, paper.boost, paper.hidden, paper.editor_note) == (
        "Another Title",
        True,
        0.5,
        True,
        "Look.",
    )
    assert paper.filings.get(topic=topic).decision == "added"


def test_two_rows_that_turn_out_one_keep_the_older_one_and_its_editors_word() -> None:
    save(record("Second Name", source="capture", reading=Reading(None, num_comments=2)))
    old = Paper.objects.get()
    Paper.objects.update(pinned=True)
    save(record("First Name", arxiv_id="2605.00001"))
    save(record("Second Name", source="arxiv", arxiv_id="2605.00001"))
    paper = Paper.objects.get()
    assert (paper.pk, paper.arxiv_id, paper.pinned, paper.num_comments) == (old.pk, "2605.00001", True, 2)


def test_a_paper_in_an_edition_keeps_its_row() -> None:
    save(record("Second Name", source="capture"))
    save(record("First Name", arxiv_id="2605.00001"))
    younger = Paper.objects.get(arxiv_id="2605.00001")
    entry = in_edition(younger, 19)
    save(record("Second Name", source="arxiv", arxiv_id="2605.00001"))
    assert [paper.pk for paper in Paper.objects.all()] == [younger.pk]
    entry.refresh_from_db()
    assert entry.paper_id == younger.pk


def test_two_papers_in_editions_both_stand_and_wait_for_a_curator() -> None:
    save(record("Second Name", source="capture"))
    save(record("First Name", arxiv_id="2605.00001"))
    for day, paper in enumerate(Paper.objects.order_by("pk"), start=18):
        in_edition(paper, day)
    save(record("Second Name", source="arxiv", arxiv_id="2605.00001"))
    assert list(Paper.objects.order_by("pk").values_list("arxiv_id", "needs_review")) == [
        (None, True),
        ("2605.00001", False),
    ]
    with pytest.raises(ValueError, match="Both papers have been in an edition"):
        merge(*Paper.objects.order_by("pk"))


def test_a_curators_merge_holds_whatever_is_imported_later() -> None:
    card = record("Shared", source="capture", reading=Reading(None, num_comments=4))
    ids = [record("Shared", arxiv_id=f"2605.0000{n}") for n in (1, 2)]
    save(card, *ids)
    alone = Paper.objects.get(arxiv_id=None)
    kept = merge(alone, Paper.objects.get(arxiv_id="2605.00002"))
    assert (kept.arxiv_id, kept.num_comments, kept.needs_review) == ("2605.00002", 4, False)
    save(card, *ids, record("Shared", source="jsonl"))
    assert sorted(Paper.objects.values_list("arxiv_id", "num_comments")) == [
        ("2605.00001", None),
        ("2605.00002", 4),
    ]


def test_a_merge_of_two_ids_frees_the_card_that_could_not_choose() -> None:
    save(record("Shared", source="capture"), *(record("Shared", arxiv_id=f"2605.0000{n}") for n in (1, 2)))
    one, two = (Paper.objects.get(arxiv_id=f"2605.0000{n}") for n in (1, 2))
    merge(one, two)
    (paper,) = Paper.objects.all()
    assert (paper.arxiv_id, paper.needs_review, paper.records.count()) == ("2605.00002", False, 3)
    save(record("Shared", source="arxiv", arxiv_id="2605.00001"))
    assert [paper.arxiv_id for paper in Paper.objects.all()] == ["2605.00002"]


def test_a_paper_entered_by_hand_is_found_by_its_id() -> None:
    by_hand = Paper.objects.create(title="By Hand", title_key="byhand", title_hash="0", arxiv_id="2605.00001")
    assert counts(save(record("From HF", arxiv_id="2605.00001"))) == (1, 0, 1, 0, 0)
    assert list(Paper.objects.values_list("pk", "title")) == [(by_hand.pk, "From HF")]


def test_a_batch_costs_few_queries_whatever_its_size() -> None:
    User.objects.count()
    costs = []
    for first, size in ((0, 3), (1_000, 200)):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            save(
                *(
                    record(f"Paper {n}", arxiv_id=f"2605.{n:05}", reading=Reading(NOW, upvotes=n))
                    for n in range(first, first + size)
                )
            )
        costs.append(len(queries))
    assert costs[1] == costs[0] <= 30
