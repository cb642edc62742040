"""The one word and the one sentence on a finished reading."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from papers.reading.verdicts import Outcome, judge

THURSDAY, FRIDAY, SATURDAY = date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MORNING = datetime(2026, 11, 20, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({"read": 33}, ("ok", "33 records")),
        ({"read": 1}, ("ok", "1 record")),
        ({"list_day": SATURDAY}, ("quiet", "Saturday: Hugging Face has no list at weekends")),
        ({"now": MORNING}, ("quiet", "nothing is listed yet")),
        ({}, ("stale", "the list of Friday 20 November is empty, though weekdays have one")),
        (
            {"now": MORNING, "most_before": 7},
            ("stale", "the list of Friday 20 November is empty, where there were 7 before"),
        ),
        (
            {"read": 33, "list_of": THURSDAY},
            (
                "stale",
                "the list of Friday 20 November was asked for, but it is the list of Thursday 19 November",
            ),
        ),
        (
            {"read": 33, "rejected": 2, "first_reject": "paper.id is missing"},
            ("partial", "2 of 33 records could not be read: paper.id is missing"),
        ),
        (
            {"read": 50, "error": "example.org sent nothing for 30 s."},
            ("partial", "it broke off after 50 records: example.org sent nothing for 30 s."),
        ),
        ({"read": 3, "most_before": 33}, ("partial", "only 3 records came, where there were 33 before")),
        ({"read": 17, "most_before": 33}, ("ok", "17 records")),
        (
            {"error": "example.org answered with status 500."},
            ("failed", "example.org answered with status 500."),
        ),
        (
            {"read": 2, "rejected": 2, "first_reject": "the item is text, not an object"},
            ("failed", "none of 2 records could be read: the item is text, not an object"),
        ),
    ],
)
def test_a_reading_of_a_list(told: dict[str, Any], verdict: tuple[str, str]) -> None:
    found = judge(Outcome(**{"source": "huggingface", "now": NOON, "list_day": FRIDAY, **told}))
    assert (found.word, found.sentence) == verdict


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({"read": 90, "feed_date": FRIDAY}, ("ok", "90 records")),
        (
            {"read": 90, "feed_date": THURSDAY},
            ("stale", "the feed is dated Thursday 19 November, though that of Friday 20 November is due"),
        ),
        # Friday's was made at 05:00 UTC and may be late.
        (
            {"read": 90, "feed_date": THURSDAY, "now": datetime(2026, 11, 20, 10, tzinfo=UTC)},
            ("ok", "90 records"),
        ),
        (
            {"feed_date": SATURDAY, "now": datetime(2026, 11, 21, 12, tzinfo=UTC), "most_before": 90},
            ("quiet", "Saturday: arXiv announces nothing for this day"),
        ),
        (
            {"read": 90, "feed_date": date(2026, 11, 22)},
            ("stale", "the feed is dated Sunday 22 November, which is still to come"),
        ),
        (
            {"read": 90, "feed_date": SATURDAY},
            ("stale", "the feed is dated Saturday 21 November, which is still to come"),
        ),
        # Friday's is made at 05:00 UTC.
        (
            {"read": 90, "feed_date": FRIDAY, "now": MORNING},
            ("stale", "the feed is dated Friday 20 November, which is still to come"),
        ),
        (
            {"read": 90, "feed_date": SATURDAY, "now": datetime(2026, 11, 21, 12, tzinfo=UTC)},
            ("stale", "the feed is dated Saturday 21 November, when arXiv announces nothing"),
        ),
        ({"feed_date": FRIDAY}, ("quiet", "nothing was announced in this category")),
        (
            {"feed_date": FRIDAY, "most_before": 90},
            ("stale", "the feed of Friday 20 November is empty, though arXiv announces then"),
        ),
        ({}, ("stale", "the feed is empty and bears no date")),
    ],
)
def test_a_reading_of_a_feed(told: dict[str, Any], verdict: tuple[str, str]) -> None:
    found = judge(Outcome(**{"source": "arxiv", "now": NOON, "is_feed": True, **told}))
    assert (found.word, found.sentence) == verdict


@pytest.mark.parametrize(
    ("told", "again"),
    [
        ({"read": 33}, False),
        ({"read": 33, "rejected": 2}, False),
        ({}, False),
        ({"most_before": 7}, True),
        ({"read": 33, "list_of": THURSDAY}, True),
        ({"read": 3, "most_before": 33}, True),
        ({"read": 2, "rejected": 2}, True),
        ({"read": 2, "error": "example.org sent nothing for 30 s."}, True),
        ({"is_early": True, "error": "example.org answered with status 400."}, True),
    ],
)
def test_what_may_pass_soon_is_asked_for_again(told: dict[str, Any], again: bool) -> None:
    found = judge(Outcome(**{"source": "huggingface", "now": NOON, "list_day": FRIDAY, **told}))
    assert found.again is again


def test_single_papers_that_are_all_gone_are_no_failure_of_the_source() -> None:
    gone = "Hugging Face has no such paper any more"
    told: dict[str, Any] = {"read": 2, "rejected": 2, "first_reject": gone, "is_singles": True}
    found = judge(Outcome(source="huggingface", now=NOON, **told))
    assert (found.word, found.again) == ("partial", False)
    assert found.sentence == f"2 of 2 records could not be read: {gone}"
