"""The order of imports never changes the result, and importing twice changes nothing."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from papers.ingest import ingest
from papers.models import Paper, SourceRecord
from papers.sources.record import PaperRecord, Reading
from tests.papers import canonical

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


def at(hour: int) -> datetime:
    return datetime(2026, 5, 19, hour, tzinfo=UTC)


def huggingface(
    arxiv_id: str, title: str, hour: int | None = None, upvotes: int = 1, **fields: object
) -> PaperRecord:
    moment = None if hour is None else at(hour)
    return PaperRecord(
        source="huggingface",
        title=title,
        arxiv_id=arxiv_id,
        read_at=moment,
        reading=Reading(moment, upvotes=upvotes),
        **fields,  # type: ignore[arg-type]
    )


def capture(
    title: str, abstract: str = "Words.", comments: int | None = None, **fields: object
) -> PaperRecord:
    reading = None if comments is None else Reading(None, num_comments=comments)
    return PaperRecord(
        source="capture",
        title=title,
        abstract=abstract,
        reading=reading,
        **fields,  # type: ignore[arg-type]
    )


# A title that two ids share, titles that change between versions, joins that turn out ambiguous later.
TRICKY = [
    capture("Shared Title", comments=2),
    capture("Shared title!", "More words than before.", comments=3),
    huggingface("2605.00001", "Shared Title", 3, 5, listed_on=date(2026, 5, 19)),
    huggingface("2605.00002", "Shared $Title$", 3, 7),
    capture("Early Name", comments=1, published_on=date(2026, 5, 2), published_inferred=True),
    capture("Early Name", "A fuller abstract of it.", published_on=date(2025, 5, 2)),
    huggingface("2605.00003", "Early Name", 3, 9, listed_on=date(2026, 5, 19)),
    PaperRecord(
        source="arxiv", title="Late Name", arxiv_id="2605.00003", arxiv_version=2, categories=("cs.LG",)
    ),
    capture("Late Name", comments=4),
    PaperRecord(source="arxiv", title="Early Name", arxiv_id="2605.00003", arxiv_version=1, withdrawn=True),
    huggingface("2605.00003", "Early Name", 8, 30, listed_on=date(2026, 5, 18)),
    huggingface("2605.00003", "Early Name", 8, 31, github_url="https://example.org/a"),
    huggingface("2605.00003", "Early Name", None, 12),
    PaperRecord(source="jsonl", title="Shared Title", reading=Reading(at(4), upvotes=2)),
    PaperRecord(source="jsonl", title="Late Name", author_count=4),
    PaperRecord(source="jsonl", title="Early Name", arxiv_id="2605.00004"),
    capture("Nobody Else", organization_slug="lab", organization_name="The Lab"),
    capture("Nobody Else", organization_slug="lab"),
]


def importing(records: list[PaperRecord], cuts: int) -> None:
    size = max(1, len(records) // (cuts + 1))
    for start in range(0, len(records), size):
        ingest(records[start : start + size], source="test", target="part", now=NOW)


class AnyOrder(TestCase):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        order=st.permutations(range(len(TRICKY))),
        again=st.lists(st.sampled_from(range(len(TRICKY))), max_size=6),
        cuts=st.integers(0, len(TRICKY)),
        left_out=st.sets(st.sampled_from(range(len(TRICKY))), max_size=12),
    )
    def test_any_order_with_repetitions_gives_the_same_database(
        self, order: list[int], again: list[int], cuts: int, left_out: set[int]
    ) -> None:
        chosen = [index for index in range(len(TRICKY)) if index not in left_out]
        ingest([TRICKY[index] for index in chosen], source="test", target="at once", now=NOW)
        expected = canonical.database()
        SourceRecord.objects.all().delete()
        Paper.objects.all().delete()
        wanted = [
            *(index for index in order if index in chosen),
            *(index for index in again if index in chosen),
        ]
        importing([TRICKY[index] for index in wanted], cuts)
        assert canonical.database() == expected
        importing([TRICKY[index] for index in wanted], 0)
        assert canonical.database() == expected


@pytest.mark.django_db
def test_the_tricky_records_end_as_the_rules_say() -> None:
    ingest(TRICKY, source="test", target="all", now=NOW)
    papers = {
        (paper.arxiv_id, paper.title): (paper.needs_review, sorted({r.source for r in paper.records.all()}))
        for paper in Paper.objects.all()
    }
    assert papers == {
        ("2605.00001", "Shared Title"): (False, ["huggingface"]),
        ("2605.00002", "Shared $Title$"): (False, ["huggingface"]),
        (None, "Shared Title"): (True, ["capture", "jsonl"]),
        ("2605.00003", "Late Name"): (False, ["arxiv", "capture", "huggingface", "jsonl"]),
        ("2605.00004", "Early Name"): (False, ["jsonl"]),
        (None, "Early Name"): (True, ["capture"]),
        (None, "Nobody Else"): (False, ["capture"]),
    }
    late = Paper.objects.get(arxiv_id="2605.00003")
    assert (late.upvotes, late.num_comments, late.observed_at) == (31, 4, at(8))
    assert (late.listed_on, late.from_archive, late.withdrawn) == (date(2026, 5, 18), False, False)
    early = Paper.objects.get(arxiv_id=None, title="Early Name")
    assert (early.published_on, early.published_inferred, early.num_comments) == (date(2025, 5, 2), False, 1)


@pytest.mark.django_db
def test_an_id_adopts_the_older_row_of_its_title_and_gives_it_back_when_a_second_id_has_it() -> None:
    ingest([capture("Shared Title", comments=2)], source="test", target="1", now=NOW)
    old = Paper.objects.get()
    ingest([TRICKY[2]], source="test", target="2", now=NOW)
    assert list(Paper.objects.values_list("pk", "arxiv_id", "num_comments")) == [(old.pk, "2605.00001", 2)]
    ingest([TRICKY[3]], source="test", target="3", now=NOW)
    alone = Paper.objects.get(arxiv_id=None)
    assert (alone.num_comments, alone.needs_review, alone.from_archive) == (2, True, True)
    assert Paper.objects.get(arxiv_id="2605.00001").num_comments is None
