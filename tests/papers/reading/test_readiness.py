"""Whether an edition has what it should be made from, and how the sources stand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from papers.models import SourceRun
from papers.reading import readiness
from tests.papers.reading.source_runs import THURSDAY, TUESDAY, WEDNESDAY, at, run

pytestmark = pytest.mark.django_db

FREEZE = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)  # of Friday's edition: lists of Tuesday to Thursday


@pytest.fixture(autouse=True)
def huggingface(settings: Any) -> None:
    settings.NEWSLETTER_SOURCES = ["huggingface"]


@pytest.fixture
def arxiv(settings: Any) -> None:
    settings.NEWSLETTER_SOURCES, settings.NEWSLETTER_ARXIV_CATEGORIES = ["arxiv"], ["cs.CL"]


def ready(now: datetime = FREEZE, *, since: datetime | None = None) -> tuple[bool, list[tuple[str, str]]]:
    found = readiness.ready(freeze=FREEZE, since=since or now, now=now)
    return found.awaited, [(state.verdict, state.text) for state in found.states]


def test_without_sources_every_edition_is_ready(settings: Any) -> None:
    settings.NEWSLETTER_SOURCES = []
    assert ready() == (False, [])


def test_an_edition_waits_until_each_of_its_lists_was_read_shortly_before() -> None:
    for name in (TUESDAY, WEDNESDAY, THURSDAY):
        run(name, at(23, 50, day=19))
    assert ready()[0]
    for name in (TUESDAY, WEDNESDAY):
        run(name, at(0, 16))
    assert ready()[0]
    run(THURSDAY, at(0, 17))
    assert ready() == (False, [("ok", "read at 00:17 UTC")])


def test_it_waits_for_what_failed_but_not_for_ever() -> None:
    run(TUESDAY, at(0, 16))
    run(WEDNESDAY, at(0, 16))
    run(THURSDAY, at(23, 40, day=19))
    run(THURSDAY, at(0, 17), "failed")
    told = [("failed", "not read since Thursday 19 November, 23:40 UTC")]
    assert ready(at(1, 59), since=at(0, 30)) == (True, told)
    assert ready(at(2), since=at(0, 30)) == (False, told)
    # A machine that was off at the freeze has its time too.
    assert ready(at(9), since=at(9))[0]


def test_a_source_that_never_answered_is_told_as_that() -> None:
    assert ready(at(2), since=at(0, 30)) == (False, [("failed", "never read")])
    run(THURSDAY, at(0, 17), "failed")
    assert ready(at(2), since=at(0, 30)) == (False, [("failed", "never read")])


def test_stale_and_partial_readings_are_answers() -> None:
    run(TUESDAY, at(0, 16))
    run(WEDNESDAY, at(0, 16), "partial")
    run(THURSDAY, at(23, 40, day=19))
    assert ready()[0]
    run(THURSDAY, at(0, 17), "stale")
    assert ready() == (False, [("stale", "stale since Thursday 19 November, 23:40 UTC")])
    run(THURSDAY, at(0, 20))
    assert ready() == (False, [("partial", "read in part at 00:20 UTC")])


def test_a_reading_that_broke_off_is_waited_for_too() -> None:
    for name in (TUESDAY, WEDNESDAY):
        run(name, at(0, 16))
    run(THURSDAY, at(0, 16), "partial", retry_at=at(0, 21))
    told = [("partial", "read in part at 00:16 UTC")]
    assert ready(at(1, 59), since=at(0, 30)) == (True, told)
    assert ready(at(2), since=at(0, 30)) == (False, told)


def test_a_feed_that_was_read_when_it_was_made_serves_the_next_edition(arxiv: None) -> None:
    assert ready()[0]
    run("cs.CL", at(5, 1, day=19), day=date(2026, 11, 19))
    assert ready() == (False, [("ok", "read at 05:01 UTC")])


def test_a_feed_that_was_asked_for_before_it_was_made_does_not_count(arxiv: None) -> None:
    run("cs.CL", at(5, 1, day=19), day=date(2026, 11, 18))
    assert ready() == (True, [("failed", "not read since Thursday 19 November, 05:01 UTC")])
    run("cs.CL", at(12, day=19), "stale", day=date(2026, 11, 18))
    assert ready() == (False, [("stale", "stale since Thursday 19 November, 05:01 UTC")])


def test_a_failure_takes_nothing_away_from_the_good_reading_before_it() -> None:
    for name in (TUESDAY, WEDNESDAY, THURSDAY):
        run(name, at(0, 16))
    run(THURSDAY, at(1, 17), "failed", retry_at=at(1, 22))
    assert ready(at(1, 20), since=at(0, 30)) == (False, [("ok", "read at 00:16 UTC")])


def test_a_stale_list_that_will_be_asked_again_is_waited_for() -> None:
    for name in (TUESDAY, WEDNESDAY):
        run(name, at(0, 16))
    run(THURSDAY, at(23, 40, day=19))
    run(THURSDAY, at(0, 15), "stale", retry_at=at(0, 20))
    told = [("stale", "stale since Thursday 19 November, 23:40 UTC")]
    assert ready(at(0, 31), since=at(0, 30)) == (True, told)
    assert ready(at(2), since=at(0, 30)) == (False, told)
    run(THURSDAY, at(0, 21), "failed", retry_at=at(0, 26))
    assert ready(at(0, 31), since=at(0, 30)) == (True, told)


def test_it_waits_no_longer_than_its_day() -> None:
    late = datetime(2026, 11, 20, 23, 50, tzinfo=UTC)
    waits = [
        readiness.ready(freeze=late, since=late, now=late + timedelta(minutes=n)).awaited for n in (4, 5)
    ]
    assert waits == [True, False]


def test_the_desk_hears_of_all_readings_and_of_the_latest_fault() -> None:
    for day, minute, read in ((TUESDAY, 16, 32), (WEDNESDAY, 17, 42), (THURSDAY, 18, 45)):
        run(day, at(0, minute), read_count=read)
    (state,) = readiness.ready(freeze=FREEZE, since=FREEZE, now=FREEZE).states
    assert (state.text, state.detail) == ("read at 00:18 UTC", "119 records in 3 readings")
    for day, minute, told in ((WEDNESDAY, 21, "late"), (TUESDAY, 20, "early")):
        SourceRun.objects.filter(target=day).delete()
        run(day, at(0, minute), "failed")
        SourceRun.objects.filter(target=day).update(message=told)
    (state,) = readiness.ready(freeze=FREEZE, since=FREEZE, now=FREEZE).states
    assert (state.verdict, state.detail) == ("failed", "late")


def test_a_run_from_the_future_hides_nothing() -> None:
    for name in (TUESDAY, WEDNESDAY, THURSDAY):
        run(name, at(9, day=25))
    assert ready() == (True, [("failed", "never read")])
