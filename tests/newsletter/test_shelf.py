"""What a week or month has to show: the papers of its editions as they stand now, and what lies beside it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from newsletter.models import Edition
from newsletter.shelf import (
    best_stories,
    contents_by_day,
    contents_of,
    edition_stories,
    papers_by_day,
    spans_beside,
)
from newsletter.spans import Month, Week
from papers.models import Paper
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 11, 16)
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
TODAY = NOW.date()
WEEK = Week.of(MONDAY)


def printed(title: str, *, days: int = 0, score: float = 0, **fields: Any) -> Paper:
    """A paper that alone makes the edition so many days after Monday."""
    paper = make_paper(title=title, trending_score=score, **fields)
    make_edition(date=MONDAY + timedelta(days=days), papers=[(paper, [])])
    return paper


def titles(span: Week | Month, **how: Any) -> list[str]:
    return [story.card["title"] for story in best_stories(span, now=NOW, **how)]


def test_the_best_of_a_week_comes_first_whatever_its_day() -> None:
    for days, score in enumerate((1.2, 2.5, 0.4, 2.1)):
        printed(f"{score}", days=days, score=score)
    printed("the week before", days=-1, score=3)
    printed("the week after", days=7, score=3)
    assert titles(WEEK) == ["2.5", "2.1", "1.2", "0.4"]
    assert titles(WEEK, most=2) == ["2.5", "2.1"]
    assert titles(Month.of(MONDAY)) == ["the week after", "the week before", "2.5", "2.1", "1.2", "0.4"]


def test_a_look_back_has_the_counts_and_the_reason_of_now_and_an_edition_those_of_its_day() -> None:
    paper = printed("A", upvotes=10, num_comments=2, github_stars=None, listed_on=MONDAY - timedelta(days=1))
    told = [{"name": "votes", "value": 2.3, "text": "213 upvotes in 3 days, on course for about 230"}]
    Paper.objects.filter(pk=paper.pk).update(
        upvotes=213, num_comments=None, github_stars=40, trending_terms=told
    )
    (story,) = best_stories(WEEK, now=NOW)
    counts = [story.card[name] for name in ("upvotes", "num_comments", "github_stars")]
    assert (counts, story.why, story.day) == ([213, 2, 40], "213 upvotes in 3 days", MONDAY)
    (then,) = edition_stories(MONDAY)
    assert (then.card["upvotes"], then.why, then.day) == (10, "10 upvotes", MONDAY)


@pytest.mark.parametrize(
    "change",
    [
        {"upvotes": 11},
        {"num_comments": None},
        {"github_stars": 7},
        {"trending_score": 0.5},
        {"trending_terms": [{"name": "votes", "value": 0.5, "text": "11 upvotes"}]},
        {"listed_on": MONDAY},
        {"hidden": True},
        {"withdrawn": True},
    ],
)
def test_the_mark_of_a_day_differs_where_what_is_told_of_its_papers_does(change: dict[str, Any]) -> None:
    paper = printed("A")
    printed("B", days=1)
    before = contents_by_day(WEEK, today=TODAY)
    assert [(day, contents.papers) for day, contents in before.items()] == [
        (MONDAY, 1),
        (MONDAY + timedelta(days=1), 1),
    ]
    assert contents_by_day(WEEK, today=TODAY) == before
    Paper.objects.filter(pk=paper.pk).update(**change)
    after = contents_by_day(WEEK, today=TODAY)
    assert [day for day in before if before[day] != after[day]] == [MONDAY]


def test_what_was_hidden_taken_out_or_not_released_is_in_no_week() -> None:
    printed("hidden", hidden=True)
    taken = printed("taken out", days=1)
    taken.entry.removed_in = 1
    taken.entry.save()
    make_edition(date=MONDAY + timedelta(days=2), papers=[(make_paper(), [])], state="held")
    make_edition(date=MONDAY + timedelta(days=3), papers=[(make_paper(), [])], state="cancelled")
    printed("kept", days=4)
    assert titles(WEEK) == ["kept"]
    assert papers_by_day(WEEK, today=TODAY) == {
        MONDAY: 0,
        MONDAY + timedelta(days=1): 0,
        MONDAY + timedelta(days=3): 0,
        MONDAY + timedelta(days=4): 1,
    }


def test_tomorrow_stays_in_the_drawer() -> None:
    printed("of Monday")
    printed("of Tuesday", days=1)
    monday_morning = datetime(2026, 11, 16, 7, tzinfo=UTC)
    assert [story.card["title"] for story in best_stories(WEEK, now=monday_morning)] == ["of Monday"]
    assert papers_by_day(WEEK, today=MONDAY) == {MONDAY: 1}


def test_a_week_leads_to_the_nearest_weeks_that_have_an_edition() -> None:
    printed("last of the year", days=-320)
    printed("this week")
    make_edition(date=MONDAY + timedelta(days=12), state=Edition.State.EMPTY)
    assert spans_beside(WEEK, today=TODAY) == (Week.parse("2026-W01"), Week.parse("2026-W48"))
    assert spans_beside(Month.parse("2026-11"), today=TODAY) == (Month.parse("2025-12"), None)


def test_a_month_costs_the_same_queries_whatever_it_holds() -> None:
    topic = make_topic()
    for days in range(2):
        make_edition(date=MONDAY + timedelta(days=days), papers=[(make_paper(), [topic])])
    with CaptureQueriesContext(connection) as few:
        best_stories(WEEK, now=NOW)
    for days in range(2, 7):
        make_edition(date=MONDAY + timedelta(days=days), papers=[(make_paper(), [topic]), (make_paper(), [])])
    with CaptureQueriesContext(connection) as many:
        assert len(best_stories(WEEK, now=NOW)) == 12
    assert len(few) == len(many) == 1


def test_the_mark_of_an_edition_differs_where_a_paper_or_its_place_does() -> None:
    paper = printed("A")
    first = contents_of(MONDAY)
    assert (first.papers, contents_of(MONDAY)) == (1, first)
    paper.entry.card |= {"title": "B"}
    paper.entry.save()
    second = contents_of(MONDAY)
    assert second.mark != first.mark
    Paper.objects.filter(pk=paper.pk).update(withdrawn=True)
    assert contents_of(MONDAY).mark != second.mark
    twins = [(make_paper(title=title), []) for title in ("one", "two")]
    edition = make_edition(date=MONDAY + timedelta(days=1), papers=twins)
    before = contents_of(edition.date)
    for entry, rank in zip(edition.entries.order_by("rank"), (12, 11), strict=True):
        entry.rank = rank
        entry.save()
    after = contents_of(edition.date)
    assert (before.papers, after.papers) == (2, 2) and before.mark != after.mark
    assert contents_of(MONDAY + timedelta(days=2)).papers == 0
