"""Which papers an edition takes, in which order, and that it is frozen once."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings

from newsletter import edition
from newsletter.models import Edition, EditionPaper
from papers.models import Observation, Paper
from papers.reading.timetable import freeze_moment
from tests.factories import file_under, make_paper, make_topic

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
YESTERDAY = DAY - timedelta(days=1)


def seen(paper: Paper, upvotes: int, *, at: datetime | None = None) -> Paper:
    Observation.objects.create(paper=paper, source="huggingface", observed_at=at, upvotes=upvotes)
    return paper


def voted(title: str, upvotes: int, **fields: Any) -> Paper:
    paper = make_paper(title=title, upvotes=upvotes, listed_on=YESTERDAY, **fields)
    return seen(paper, upvotes, at=datetime(2026, 11, 19, 20, tzinfo=UTC))


def titles(day: date = DAY, *, now: datetime = NOW) -> list[str]:
    return [entry.card["title"] for entry in edition.build(day, now=now).entries.order_by("rank")]


def test_papers_stand_in_the_order_of_their_votes_and_the_entry_says_why() -> None:
    agents, theory = make_topic(slug="agents", name="Agents"), make_topic(slug="theory", name="Theory")
    few, many = voted("Few", 5), voted("Many", 50)
    file_under(many, theory, score=0.4, evidence=["bound"])
    file_under(many, agents, score=0.9, evidence=["agent", "tool use"])
    built = edition.build(DAY, now=NOW)
    assert (built.state, built.number, built.frozen_at, built.candidate_count) == ("frozen", 1, NOW, 2)
    first, second = built.entries.order_by("rank")
    assert [(first.rank, first.paper), (second.rank, second.paper)] == [(1, many), (2, few)]
    assert first.score > second.score
    assert first.matches == [
        {"topic": "agents", "name": "Agents", "score": 0.9, "evidence": ["agent", "tool use"]},
        {"topic": "theory", "name": "Theory", "score": 0.4, "evidence": ["bound"]},
    ]
    assert first.terms[0]["name"] == "votes" and first.terms[0]["text"].startswith("50 upvotes")
    assert sum(term["value"] for term in first.terms) == pytest.approx(first.score)
    assert (first.card["title"], first.card["upvotes"], second.matches) == ("Many", 50, [])


def test_an_edition_is_frozen_once() -> None:
    voted("First", 5)
    built = edition.build(DAY, now=NOW)
    voted("Came late", 500)
    again = edition.build(DAY, now=NOW + timedelta(hours=1))
    assert (again.pk, again.frozen_at, again.number) == (built.pk, NOW, 1)
    assert titles() == ["First"]
    assert titles(DAY + timedelta(days=1), now=NOW + timedelta(days=1)) == ["Came late"]
    assert list(Edition.objects.order_by("date").values_list("number", flat=True)) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_two_builders_at_once_make_one_edition() -> None:
    for number in range(5):
        voted(f"Paper {number}", number + 1)
    found: list[tuple[int, int]] = []

    def build() -> None:
        built = edition.build(DAY, now=NOW)
        found.append((built.pk, built.entries.count()))
        connection.close()

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(Edition.objects.get().pk, 5)] * 4


def test_before_the_freeze_moment_there_is_no_edition() -> None:
    with pytest.raises(edition.EditionError) as error:
        edition.build(DAY, now=datetime(2026, 11, 20, 0, 29, 59, tzinfo=UTC))
    assert str(error.value) == "the edition of 2026-11-20 freezes at 2026-11-20 00:30 UTC, not before"
    assert Edition.objects.count() == 0
    assert edition.build(DAY, now=datetime(2026, 11, 20, 0, 30, tzinfo=UTC)).state == "empty"


@override_settings(NEWSLETTER_FREEZE_AT="07:15")
def test_the_freeze_moment_is_a_setting() -> None:
    assert freeze_moment(DAY) == datetime(2026, 11, 20, 7, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "day"), [(datetime(2026, 11, 20, 0, 10, tzinfo=UTC), DAY), (NOW, DAY + timedelta(days=1))]
)
def test_the_next_edition_is_open_for_its_curators(now: datetime, day: date) -> None:
    edition.open_next(now=now)
    edition.open_next(now=now)
    assert list(Edition.objects.values_list("date", "state")) == [(day, "open")]


def test_equals_stand_in_the_order_of_their_title_hash_whatever_the_order_of_import() -> None:
    for name in ("c", "a", "b"):
        voted(f"Paper {name}", 7, title_hash=name * 16)
    assert titles() == ["Paper a", "Paper b", "Paper c"]


def test_a_pinned_paper_leads_though_nobody_voted() -> None:
    voted("Popular", 500)
    make_paper(title="Pinned", upvotes=0, num_comments=0, listed_on=YESTERDAY, pinned=True)
    assert titles() == ["Pinned", "Popular"]


@pytest.mark.parametrize("field", ["hidden", "withdrawn", "needs_review"])
def test_what_an_editor_or_its_authors_took_back_is_left_out(field: str) -> None:
    voted("Stays", 1)
    voted("Goes", 100, pinned=True, **{field: True})
    assert titles() == ["Stays"]


def test_the_window_is_the_three_days_before() -> None:
    for back in range(6):
        make_paper(title=f"{back} days back", listed_on=DAY - timedelta(days=back))
    make_paper(title="Unlisted", listed_on=None)
    assert sorted(titles()) == ["1 days back", "2 days back", "3 days back"]


def test_no_paper_is_in_two_editions() -> None:
    voted("Only once", 9)
    days = [DAY + timedelta(days=later) for later in range(3)]
    taken = [titles(day, now=NOW + timedelta(days=3)) for day in days]
    assert taken == [["Only once"], [], []]
    assert [built.state for built in Edition.objects.order_by("date")] == ["frozen", "empty", "empty"]


@pytest.mark.parametrize(
    ("counts", "taken"),
    [
        ({"upvotes": 0, "num_comments": 0}, False),
        ({"upvotes": None, "num_comments": None}, False),
        ({"upvotes": None, "num_comments": 2}, True),
        ({"upvotes": 0, "num_comments": 0, "github_stars": 3}, True),
        ({"upvotes": None, "num_comments": None, "from_archive": True}, True),
        ({"upvotes": None, "num_comments": None, "pinned": True}, True),
    ],
)
def test_a_paper_without_attention_stays_out_where_others_have_some(
    counts: dict[str, Any], taken: bool
) -> None:
    voted("Popular", 5)
    make_paper(title="Quiet", listed_on=YESTERDAY, **counts)
    assert ("Quiet" in titles()) == taken


@pytest.mark.parametrize(
    ("topic", "filing", "taken"),
    [
        ({"accepts_unvoted": True}, {}, True),
        ({"accepts_unvoted": False}, {}, False),
        ({"accepts_unvoted": True}, {"decision": "removed"}, False),
        ({"accepts_unvoted": True}, {"decision": "added"}, True),
    ],
)
def test_a_topic_may_take_papers_without_attention(
    topic: dict[str, Any], filing: dict[str, Any], taken: bool
) -> None:
    voted("Popular", 5)
    quiet = make_paper(title="Quiet", upvotes=None, num_comments=None, listed_on=YESTERDAY)
    file_under(quiet, make_topic(slug="theory", **topic), **filing)
    assert ("Quiet" in titles()) == taken


def test_where_nobody_counts_votes_every_paper_qualifies() -> None:
    for name in ("a", "b"):
        make_paper(title=name, upvotes=None, num_comments=None, listed_on=YESTERDAY, title_hash=name * 16)
    assert titles() == ["a", "b"]


def test_an_edition_without_papers_is_empty_and_has_no_number() -> None:
    built = edition.build(DAY, now=NOW)
    assert (built.state, built.number, built.candidate_count, built.entries.count()) == ("empty", None, 0, 0)


def test_a_held_edition_is_built_by_whoever_says_so() -> None:
    voted("Waits", 5)
    Edition.objects.create(date=DAY, state="held")
    built = edition.build(DAY, now=NOW)
    assert (built.state, EditionPaper.objects.count()) == ("frozen", 1)


def test_it_takes_the_top_fifty_and_the_top_eight_of_each_topic() -> None:
    topic = make_topic(slug="theory")
    for place in range(1, 81):
        paper = voted(f"Place {place}", 1000 - 10 * place)
        if place > 60:
            file_under(paper, topic)
    expected = [f"Place {place}" for place in [*range(1, 51), *range(61, 69)]]
    assert titles() == expected
    assert Edition.objects.get().candidate_count == 80


def test_removed_filings_and_resting_topics_count_for_nothing() -> None:
    paper = voted("Paper", 5)
    file_under(paper, make_topic(slug="kept"))
    file_under(paper, make_topic(slug="removed"), decision="removed")
    file_under(paper, make_topic(slug="resting", is_active=False))
    matches = edition.build(DAY, now=NOW).entries.get().matches
    assert [match["topic"] for match in matches] == ["kept"]


@pytest.mark.parametrize(
    ("built_at", "order"),
    [
        (NOW, ["Rose early", "Rose late"]),
        (NOW + timedelta(days=5), ["Rose early", "Rose late"]),
        (datetime(2026, 11, 20, 12, tzinfo=UTC), ["Rose late", "Rose early"]),
    ],
)
def test_a_past_day_is_ranked_by_what_was_known_then(built_at: datetime, order: list[str]) -> None:
    voted("Rose early", 20)
    late = voted("Rose late", 10)
    seen(late, 900, at=datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert titles(now=built_at) == order


@pytest.mark.parametrize(("built_on", "upvotes"), [(20, 900), (21, 10)])
def test_the_cards_of_a_past_day_show_the_counts_of_then(built_on: int, upvotes: int) -> None:
    paper = voted("Rose late", 10)
    seen(paper, 900, at=datetime(2026, 11, 20, 9, tzinfo=UTC))
    Paper.objects.filter(pk=paper.pk).update(upvotes=900)
    (entry,) = edition.build(DAY, now=datetime(2026, 11, built_on, 12, tzinfo=UTC)).entries.all()
    counts = {name: entry.card[name] for name in ("upvotes", "num_comments", "github_stars")}
    assert counts == {"upvotes": upvotes, "num_comments": None, "github_stars": None}


def test_the_number_of_queries_does_not_grow_with_the_papers() -> None:
    topic = make_topic(slug="agents")

    def queries(papers: int, day: date) -> int:
        for number in range(papers):
            paper = make_paper(title=f"{day} {number}", listed_on=day - timedelta(days=1))
            file_under(seen(paper, 5), topic)
        with CaptureQueriesContext(connection) as captured:
            assert edition.build(day, now=NOW + timedelta(days=60)).entries.count() == papers
        return len(captured)

    assert queries(1, DAY) == queries(30, DAY + timedelta(days=10))


@pytest.mark.parametrize("spoil", [lambda paper: paper.delete(), lambda paper: paper.save()])
def test_what_happens_to_topics_later_changes_no_frozen_edition(spoil: Callable[[Any], Any]) -> None:
    topic = make_topic(slug="agents", name="Agents")
    file_under(voted("Paper", 5), topic)
    edition.build(DAY, now=NOW)
    topic.name = "Renamed"
    spoil(topic)
    assert [match["name"] for match in EditionPaper.objects.get().matches] == ["Agents"]
