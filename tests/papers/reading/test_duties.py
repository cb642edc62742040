"""What is due at chosen moments."""

from datetime import date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import SourceRecord, SourceRun
from papers.reading import duties, pacing
from papers.reading.targets import LEFT_OUT
from papers.reading.timetable import freeze_moment, fresh_from
from tests.factories import make_paper
from tests.papers.reading.source_runs import FRIDAY, THURSDAY, TUESDAY, WEDNESDAY, at, run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def huggingface(settings: Any) -> None:
    """One source, all of whose lists up to Monday's were read when they were over."""
    settings.NEWSLETTER_SOURCES = ["huggingface"]
    for day in range(2, 17):
        run(f"2026-11-{day:02}", at(0, 16, day=day + 1))


@pytest.fixture
def arxiv(settings: Any) -> None:
    settings.NEWSLETTER_SOURCES, settings.NEWSLETTER_ARXIV_CATEGORIES = ["arxiv"], ["cs.CL"]


def due(now: datetime) -> list[str]:
    return [target.name for target in duties.due(now=now)]


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
    assert fresh_from(freeze_moment(date(2026, 11, 20))) == moment


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


def test_without_sources_nothing_is_due(settings: Any) -> None:
    settings.NEWSLETTER_SOURCES = []
    assert due(at(14)) == []


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
