"""Whose turn it is to tick: one of many at once, the next when it is due, and anybody where one is dead."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError

from newsletter import tasks, turns
from papers.models import Mark
from tests.celery_queue import tasks_waiting

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def every_minute(settings: Any) -> None:
    settings.NEWSLETTER_TICK_SECONDS = 60


def tick(seconds: float, *, dies: bool = False) -> bool:
    """Take the turn and end it, unless the process dies; whether it was this one's turn."""
    taken = turns.take(now=at(seconds))
    if taken and not dies:
        turns.over(began=at(seconds))
    return taken


@pytest.mark.django_db
def test_a_tick_is_skipped_for_half_an_interval_after_one_that_ended() -> None:
    assert [tick(s) for s in (0, 1, 29.9, 30, 59, 60)] == [True, False, False, True, False, True]


@pytest.mark.django_db
def test_whatever_is_dead_no_more_than_one_and_a_half_intervals_lie_between_two_ticks() -> None:
    """One worker's timer, and a beat that ticks at another second of each minute and is dead from then on."""
    for apart in range(1, 60):
        Mark.objects.all().delete()
        assert tick(0)  # the beat, which never ticks again
        worker = [second for second in (apart, apart + 60) if tick(second)]
        assert 30 <= worker[0] < 90


@pytest.mark.django_db
def test_one_that_died_is_waited_for_ten_seconds_only() -> None:
    assert tick(0, dies=True)
    assert [tick(s) for s in (0.1, 9.9, 10, 11)] == [False, False, True, False]


@pytest.mark.django_db
def test_where_ticks_are_seconds_apart_a_dead_one_counts_for_half_of_that(settings: Any) -> None:
    settings.NEWSLETTER_TICK_SECONDS = 2
    assert tick(0, dies=True)
    assert [tick(s) for s in (0.9, 1)] == [False, True]


@pytest.mark.django_db
def test_the_end_of_a_long_tick_does_not_end_the_turn_of_the_next() -> None:
    assert turns.take(now=at(0))
    assert turns.take(now=at(60))
    turns.over(began=at(0))
    assert Mark.objects.values_list("at", "position").get() == (at(60), 0)


@pytest.mark.django_db
def test_a_clock_that_was_ahead_stops_nobody() -> None:
    assert tick(3600)
    assert tick(0)


@pytest.mark.django_db(transaction=True)
def test_of_ten_workers_at_once_one_ticks() -> None:
    def one(_number: int) -> bool:
        try:
            return tick(0)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        assert sum(threads.map(one, range(10))) == 1


@pytest.mark.django_db
def test_a_task_whose_turn_it_is_not_does_nothing(broker: str) -> None:
    tasks.tick()
    assert tasks_waiting() == ["newsletter.tasks.send_outbox", "newsletter.tasks.drain"]
    tasks.tick()
    assert tasks_waiting() == []


@pytest.mark.django_db
def test_a_tick_that_fails_still_wakes_the_senders_and_keeps_no_other_away(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*, now: datetime) -> None:
        raise RuntimeError("the sources table is locked")

    monkeypatch.setattr("newsletter.heartbeat.edition.open_next", fail)
    with pytest.raises(RuntimeError):
        tasks.tick()
    assert tasks_waiting() == ["newsletter.tasks.send_outbox", "newsletter.tasks.drain"]
    assert turns.take(now=timezone.now())


@pytest.mark.django_db
def test_a_tick_that_cannot_wake_the_senders_keeps_no_other_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_options: Any) -> None:
        raise OperationalError("the broker does not answer")

    monkeypatch.setattr(tasks.drain, "apply_async", fail)
    monkeypatch.setattr(tasks.send_outbox, "apply_async", fail)
    with pytest.raises(OperationalError):
        tasks.tick()
    assert turns.take(now=timezone.now())


@pytest.mark.django_db
def test_a_failure_gives_back_its_own_turn_only() -> None:
    assert turns.take(now=at(0))
    assert turns.take(now=at(60))
    turns.give_back(began=at(0))
    assert not turns.take(now=at(61))
