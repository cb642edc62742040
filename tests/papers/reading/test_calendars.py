"""When Hugging Face has a list, and when arXiv announces."""

from datetime import UTC, date, datetime, timedelta

import pytest

from papers.reading import calendars


def utc(day: int, hour: int = 0, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_hugging_face_has_lists_from_monday_to_friday() -> None:
    week = [date(2026, 11, 16) + timedelta(days=n) for n in range(7)]
    assert [calendars.has_list(day) for day in week] == [True] * 5 + [False] * 2
    assert calendars.why_no_list(date(2026, 11, 21)) == "Saturday: Hugging Face has no list at weekends"


@pytest.mark.parametrize(
    ("now", "begun"),
    [(utc(19, 11, 59), False), (utc(19, 12), True), (utc(20, 1), True), (utc(18, 23), False)],
)
def test_a_list_may_be_empty_until_noon(now: datetime, begun: bool) -> None:
    assert calendars.list_should_have_begun(date(2026, 11, 19), now=now) is begun
    assert not calendars.list_should_have_begun(date(2026, 11, 15), now=now)  # a Sunday


def test_arxiv_announces_from_sunday_to_thursday_so_feeds_are_dated_monday_to_friday() -> None:
    week = [date(2026, 11, 15) + timedelta(days=n) for n in range(7)]  # from a Sunday
    assert [calendars.announces(day) for day in week] == [True] * 5 + [False] * 2
    assert [calendars.has_feed(day) for day in week] == [False] + [True] * 5 + [False]


# The evenings that arXiv's page on availability named for these years and that fall on its announcing days.
DEFERRED = {
    2023: [(1, 16), (6, 19), (7, 4), (9, 4), (11, 23), (12, 25), (12, 27)],
    2025: [(1, 1), (1, 20), (6, 19), (7, 6), (9, 1), (11, 27)],
}


@pytest.mark.parametrize("year", DEFERRED)
def test_the_holidays_that_arxiv_named_are_holidays(year: int) -> None:
    assert [day for day in DEFERRED[year] if calendars.announces(date(year, *day))] == []


@pytest.mark.parametrize("year", DEFERRED)
def test_hardly_any_other_evening_before_christmas_is_taken_for_a_holiday(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(357)]
    wrong = [(d.month, d.day) for d in days if calendars.is_arxiv_holiday(d) and d.weekday() not in (4, 5)]
    assert sorted(set(wrong) - set(DEFERRED[year])) == ([(1, 1)] if year == 2023 else [])


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (utc(20, 4, 59), date(2026, 11, 19)),  # winter: midnight in New York is 05:00 UTC
        (utc(20, 5), date(2026, 11, 20)),
        (utc(22, 12), date(2026, 11, 20)),  # Sunday: Friday's
        (utc(27, 12), date(2026, 11, 26)),  # the evening of Thanksgiving is left out
        (utc(17, 3, 59, month=6), date(2026, 6, 16)),  # summer: 04:00 UTC
        (utc(17, 4, month=6), date(2026, 6, 17)),
    ],
)
def test_the_newest_feed_that_should_be_there(now: datetime, day: date) -> None:
    assert calendars.latest_feed(now) == day


def test_on_holidays_a_feed_is_worth_asking_for_though_it_may_be_missing() -> None:
    thanksgiving, sunday = utc(27, 12), utc(29, 12)
    assert calendars.latest_possible_feed(thanksgiving) == calendars.latest_possible_feed(sunday)
    assert calendars.latest_possible_feed(thanksgiving) == date(2026, 11, 27)


def test_a_late_feed_has_some_hours() -> None:
    assert calendars.latest_feed(utc(20, 10, 59), grace=calendars.FEED_GRACE) == date(2026, 11, 19)
    assert calendars.latest_feed(utc(20, 11), grace=calendars.FEED_GRACE) == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("day", "since", "until"),
    [
        (date(2026, 11, 16), utc(12, 19), utc(13, 19)),  # Monday: Thursday to Friday
        (date(2026, 11, 17), utc(13, 19), utc(16, 19)),  # Tuesday: Friday to Monday
        (date(2026, 11, 18), utc(16, 19), utc(17, 19)),
        (date(2026, 11, 20), utc(18, 19), utc(19, 19)),
    ],
)
def test_what_a_feed_announces_was_submitted_between_two_closings(
    day: date, since: datetime, until: datetime
) -> None:
    assert calendars.submission_window(day) == (since, until)
