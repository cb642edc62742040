"""What is due at chosen moments, and whether an edition has what it should be made from."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import SourceRecord, SourceRun
from papers.reading import duties, pacing
from papers.reading.targets import LEFT_OUT
from tests.factories import make_paper

pytestmark = pytest.mark.django_db

FREEZE = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)  # of Friday's edition: lists of Tuesday to Thursday
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (f"2026-11-{day}" for day in (17, 18, 19, 20))


@pytest.fixture(autouse=True)
def huggingface(settings: Any) -> None:
    """One source, all of whose lists up to Monday's were read when they were over."""
    settings.NEWSLETTER_SOURCES = ["huggingface"]
    for day in range(2, 17):
        run(f"2026-11-{day:02}", at(0, 16, day=day + 1))


@pytest.fixture
def arxiv(settings: Any) -> None:
    settings.NEWSLETTER_SOURCES, settings.NEWSLETTER_ARXIV_CATEGORIES = ["arxiv"], ["cs.CL"]


def at(hour: int, minute: int = 0, day: int = 20) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def run(target: str, started: datetime, verdict: str = "ok", **fields: Any) -> SourceRun:
    source = fields.pop("source", "arxiv" if target[0].isalpha() else "huggingface")
    if verdict:
        fields = {"finished_at": started + timedelta(seconds=9), **fields}
    return SourceRun.objects.create(
        source=source, target=target, started_at=started, verdict=verdict, message="as told", **fields
    )


def due(now: datetime) -> list[str]:
    return [target.name for target in duties.due(now=now)]


def ready(now: datetime = FREEZE, *, since: datetime | None = None) -> tuple[bool, list[tuple[str, str]]]:
    found = duties.ready(freeze=FREEZE, since=since or now, now=now)
    return found.awaited, [(state.verdict, state.text) for state in found.states]


def test_at_first_everything_of_the_window_is_due_oldest_first_and_no_weekend() -> None:
    assert due(at(14)) == [TUESDAY, WEDNESDAY, THURSDAY, FRIDAY]
    run(TUESDAY, at(0, 16, day=18))
    assert due(at(14, day=21)) == [WEDNESDAY, THURSDAY, FRIDAY]  # on a Saturday
    run(WEDNESDAY, at(0, 16, day=19))
    run(THURSDAY, at(0, 16, day=20))
    assert due(at(14, day=23)) == [FRIDAY, "2026-11-23"]  # on a Monday


def test_lists_of_two_weeks_that_nobody_read_when_they_were_over_come_last() -> None:
    SourceRun.objects.all().delete()
    run("2026-11-09", at(0, 16, day=10), "failed")
    run("2026-11-10", at(23, 50, day=10))
    run("2026-11-11", at(0, 0, day=12), "stale")
    run("2026-11-12", at(9, day=14), "partial")
    earlier = ["2026-11-06", "2026-11-09", "2026-11-10", "2026-11-13", "2026-11-16"]
    assert due(at(14)) == [TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, *earlier]
    run("2026-11-10", at(14), "failed", retry_at=at(14, 5))
    assert "2026-11-10" not in due(at(14, 4)) and "2026-11-10" in due(at(14, 5))


def test_a_list_is_read_again_when_its_time_has_passed(settings: Any) -> None:
    for name in (TUESDAY, WEDNESDAY, THURSDAY, FRIDAY):
        run(name, at(14))
    assert due(at(14, 59)) == []
    assert due(at(15)) == [TUESDAY, WEDNESDAY, THURSDAY, FRIDAY]
    settings.NEWSLETTER_FETCH_MINUTES = 30
    assert due(at(14, 30)) == [TUESDAY, WEDNESDAY, THURSDAY, FRIDAY]


def test_shortly_before_the_freeze_the_last_three_lists_are_read_once_more() -> None:
    for name in (TUESDAY, WEDNESDAY, THURSDAY, FRIDAY):
        run(name, at(0, 5))
    assert due(at(0, 14)) == []
    assert due(at(0, 15)) == [TUESDAY, WEDNESDAY, THURSDAY]
    for name in (TUESDAY, WEDNESDAY, THURSDAY):
        run(name, at(0, 16))
    assert due(at(0, 29)) == []


def test_the_last_reading_is_tried_though_the_source_failed_lately_unless_it_asked_for_rest() -> None:
    for name in (TUESDAY, WEDNESDAY, THURSDAY, FRIDAY):
        run(name, at(0, 5), "failed", retry_at=at(1, 5))
    assert [due(at(0, 14)), due(at(0, 15))] == [[], [TUESDAY, WEDNESDAY, THURSDAY]]
    pacing.rest("huggingface", 1800, now=at(0, 5))
    assert due(at(0, 15)) == []


@pytest.mark.parametrize(("freeze_at", "moment"), [("00:05", at(0)), ("00:30", at(0, 15)), ("07:15", at(7))])
def test_the_last_reading_is_never_before_midnight(settings: Any, freeze_at: str, moment: datetime) -> None:
    settings.NEWSLETTER_FREEZE_AT = freeze_at
    assert duties.fresh_from(duties.freeze_moment(date(2026, 11, 20))) == moment


def test_what_is_under_way_or_has_failed_lately_is_not_due() -> None:
    run(TUESDAY, at(14), "", claimed_until=at(14, 5))
    run(WEDNESDAY, at(14), "failed", retry_at=at(14, 10))
    run(THURSDAY, at(13), "ok")
    run(FRIDAY, at(12), "failed", retry_at=at(13))
    assert due(at(14, 1)) == [THURSDAY, FRIDAY]
    assert due(at(14, 5)) == [TUESDAY, THURSDAY, FRIDAY]
    assert due(at(14, 10)) == [TUESDAY, WEDNESDAY, THURSDAY, FRIDAY]
    pacing.rest("huggingface", 600, now=at(14, 10))
    assert [due(at(14, 19)), len(due(at(14, 20)))] == [[], 4]


def test_a_feed_is_due_until_that_of_the_day_is_there(settings: Any) -> None:
    settings.NEWSLETTER_SOURCES, settings.NEWSLETTER_ARXIV_CATEGORIES = ["arxiv"], ["cs.CL", "cs.LG"]
    for category in ("cs.CL", "cs.LG"):
        run(category, at(5, 1, day=19), day=date(2026, 11, 19))
        for day in (17, 18):
            run(category, at(5, 1, day=day), day=date(2026, 11, day))
    assert due(at(4, 59)) == []
    assert due(at(5)) == ["cs.CL", "cs.LG"]
    run("cs.CL", at(5, 1), day=date(2026, 11, 20))
    run("cs.LG", at(5, 1), day=date(2026, 11, 19))  # not made yet
    assert [due(at(5, 30)), due(at(6, 1))] == [[], ["cs.LG"]]
    run("cs.LG", at(6, 1), day=date(2026, 11, 20))
    assert [due(at(23)), due(at(23, day=22)), due(at(5, day=23))] == [[], [], ["cs.CL", "cs.LG"]]


def test_a_feed_that_came_in_part_is_read_again(arxiv: None) -> None:
    for day in (17, 18, 19):
        run("cs.CL", at(5, 1, day=day), day=date(2026, 11, day))
    run("cs.CL", at(5, 1), "partial", day=date(2026, 11, 20))
    assert [due(at(6)), due(at(6, 1))] == [[], ["cs.CL"]]


def test_feeds_that_were_never_read_are_asked_for_by_their_days(arxiv: None) -> None:
    run("cs.CL", at(5, 1, day=17), day=date(2026, 11, 17))
    run("cs.CL", at(5, 1, day=18), day=date(2026, 11, 17))  # not made yet, and then the machine was off
    assert due(at(4, 59)) == ["cs.CL", "cs.CL 2026-11-18"]  # Thursday's feed is there still
    assert due(at(9)) == ["cs.CL", "cs.CL 2026-11-18", "cs.CL 2026-11-19"]
    run("cs.CL 2026-11-18", at(9), day=date(2026, 11, 18))
    run("cs.CL 2026-11-19", at(9), "failed", day=date(2026, 11, 19), retry_at=at(9, 5))
    assert [due(at(9, 4)), due(at(9, 5))] == [["cs.CL"], ["cs.CL", "cs.CL 2026-11-19"]]


def test_a_run_from_the_future_hides_nothing() -> None:
    for name in (TUESDAY, WEDNESDAY, THURSDAY, FRIDAY):
        run(name, at(9, day=25))
    run(TUESDAY, at(14), "", claimed_until=at(17))
    assert due(at(15)) == [TUESDAY, WEDNESDAY, THURSDAY, FRIDAY]
    assert ready() == (True, [("failed", "never read")])


def test_without_sources_nothing_is_due_and_every_edition_is_ready(settings: Any) -> None:
    settings.NEWSLETTER_SOURCES = []
    assert (due(at(14)), ready()) == ([], (False, []))


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
    waits = [duties.ready(freeze=late, since=late, now=late + timedelta(minutes=n)).awaited for n in (4, 5)]
    assert waits == [True, False]


def test_papers_off_their_lists_are_asked_for_once_however_late(arxiv: None, settings: Any) -> None:
    settings.NEWSLETTER_SOURCES = ["huggingface"]
    paper = make_paper(listed_on=date(2026, 11, 19), observed_at=at(20, day=19))
    SourceRecord.objects.create(
        paper=paper, source="huggingface", identity="a", title_keys=[], payload={}, first_read_on=at(0).date()
    )
    for name in (TUESDAY, WEDNESDAY, THURSDAY, FRIDAY):
        run(name, at(9))
    run(LEFT_OUT, at(0, 14), source="huggingface")
    assert due(at(9, 1)) == [LEFT_OUT]
    run(LEFT_OUT, at(9, 1), "failed", source="huggingface", retry_at=at(9, 6))
    assert [due(at(9, 5)), due(at(9, 6))] == [[], [LEFT_OUT]]
    run(LEFT_OUT, at(9, 6), "partial", source="huggingface")
    assert due(at(9, 59)) == []


def test_a_tick_asks_few_questions_however_many_runs_there_are() -> None:
    asked = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            due(at(14))
        asked.append(len(queries))
        for name in (TUESDAY, WEDNESDAY, THURSDAY, FRIDAY):
            for hour in range(10):
                run(name, at(hour))
    # Once all lists were read, papers that left them are looked for.
    assert asked == [7, 8, 8]


def test_the_desk_hears_of_all_readings_and_of_the_latest_fault() -> None:
    for day, minute, read in ((TUESDAY, 16, 32), (WEDNESDAY, 17, 42), (THURSDAY, 18, 45)):
        run(day, at(0, minute), read_count=read)
    (state,) = duties.ready(freeze=FREEZE, since=FREEZE, now=FREEZE).states
    assert (state.text, state.detail) == ("read at 00:18 UTC", "119 records in 3 readings")
    for day, minute, told in ((WEDNESDAY, 21, "late"), (TUESDAY, 20, "early")):
        SourceRun.objects.filter(target=day).delete()
        run(day, at(0, minute), "failed")
        SourceRun.objects.filter(target=day).update(message=told)
    (state,) = duties.ready(freeze=FREEZE, since=FREEZE, now=FREEZE).states
    assert (state.verdict, state.detail) == ("failed", "late")
