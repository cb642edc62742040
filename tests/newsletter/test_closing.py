"""When an edition is closed: nothing of it to come, nobody without a row, and every row settled."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from newsletter import heartbeat
from newsletter.delivery import planning
from newsletter.delivery.closing import balance, close_if_done
from newsletter.models import Delivery, Edition, Slot, Subscriber
from tests.factories import make_delivery, make_edition, make_subscriber

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def utc(number: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of November 2026; the 20th is a Friday."""
    return datetime(2026, 11, number, hour, minute, tzinfo=UTC)


def press(number: int, **fields: Any) -> Edition:
    return make_edition(date=date(2026, 11, number), frozen_at=utc(number, 0, 30), **fields)


def reader(**fields: Any) -> Subscriber:
    return make_subscriber(**{"now": utc(1), "timezone": "UTC", **fields})


def tick(now: datetime) -> None:
    """Plan, send everything, and close what is done."""
    planning.plan_due(now=now)
    Delivery.objects.filter(state="pending").update(state="accepted", settled_at=now)
    for edition in Edition.objects.filter(state="sending").order_by("date"):
        close_if_done(edition, now=now)


def states() -> list[tuple[int, str]]:
    return [(edition.date.day, edition.state) for edition in Edition.objects.order_by("date")]


def test_where_nobody_chose_an_hour_an_edition_closes_once_it_is_sent() -> None:
    edition = press(20)
    row = make_delivery(edition, reader())
    planning.plan_due(now=utc(20, 1))
    assert not close_if_done(edition, now=utc(20, 1))
    for state in ("claimed", "handoff"):
        Delivery.objects.filter(pk=row.pk).update(state=state)
        assert not close_if_done(edition, now=utc(20, 1))
    Delivery.objects.update(state="accepted")
    assert close_if_done(edition, now=utc(20, 1, 5))
    edition.refresh_from_db()
    assert (edition.state, edition.closed_at) == ("closed", utc(20, 1, 5))
    assert not close_if_done(edition, now=utc(20, 2))


def test_an_edition_waits_for_later_hours_until_the_next_is_released() -> None:
    press(20)
    reader(hour=7)
    reader(hour=22)
    for hour in (1, 8, 22, 23):
        tick(utc(20, hour))
        assert states() == [(20, "sending")]
    assert Delivery.objects.count() == 2
    tick(utc(21, 0, 40))  # the next is not out yet: who comes now would still get this one
    assert states() == [(20, "sending")]
    press(21)
    tick(utc(21, 0, 45))
    assert states() == [(20, "closed"), (21, "sending")]


def test_an_edition_without_successor_waits_for_days_off_to_end() -> None:
    press(20)
    workdays = reader(weekdays=31)
    saturdays = reader(weekdays=32)
    for number in (20, 21, 22):
        tick(utc(number, 1))
        tick(utc(number, 23))
    assert states() == [(20, "sending")]
    press(23)
    tick(utc(23, 1))
    assert states() == [(20, "closed"), (23, "sending")]
    rows = Delivery.objects.order_by("due_at").values_list("subscriber", "edition__date__day", "state")
    assert list(rows) == [
        (workdays.pk, 20, "accepted"),
        (saturdays.pk, 20, "accepted"),  # on Saturday at 23:00
        (workdays.pk, 23, "accepted"),
    ]


def test_a_weekly_reader_keeps_no_edition_open_and_gets_them_all() -> None:
    who = reader(hour=7, weekdays=1)
    for number in range(16, 24):
        press(number)
        tick(utc(number, 0, 45))
        tick(utc(number, 7))
    assert states() == [(number, "closed") for number in range(16, 23)] + [(23, "sending")]
    windows = Delivery.objects.filter(subscriber=who).order_by("due_at").values_list("first_on", "last_on")
    assert [(one.day, two.day) for one, two in windows] == [(16, 16), (17, 23)]


def test_whoever_was_owed_an_edition_and_has_no_row_gets_one_before_it_closes() -> None:
    """However it came about: here the slot was marked as planned before the reader was there."""
    edition = press(20)
    reader()
    planning.plan_due(now=utc(20, 1))
    Delivery.objects.update(state="accepted")
    forgotten = reader()
    assert not close_if_done(edition, now=utc(20, 2))
    row = Delivery.objects.get(subscriber=forgotten)
    assert (row.state, row.due_at) == ("pending", utc(20, 0, 30))
    assert Slot.objects.get(due_at=utc(20, 0, 30)).planned == 2
    Delivery.objects.update(state="accepted")
    assert close_if_done(edition, now=utc(20, 3))


def test_a_tick_that_began_before_the_release_does_not_close_the_edition() -> None:
    edition = press(20, state="sending")
    reader()
    assert not close_if_done(edition, now=utc(20, 0, 29))
    assert planning.plan(edition, now=utc(20, 0, 30)) == 1


def test_whoever_confirmed_after_the_hour_keeps_nothing_open() -> None:
    edition = press(20)
    reader()
    reader(active_from=utc(20, 5))
    tick(utc(20, 6))
    assert (states(), Delivery.objects.count()) == ([(20, "closed")], 1)
    assert balance(edition).by_state == {"accepted": 1}


@pytest.mark.parametrize(("state", "closed"), [("in_doubt", "closed_with_in_doubt"), ("expired", "closed")])
def test_mails_in_doubt_are_told_by_the_state(state: str, closed: str) -> None:
    edition = press(20, state="sending")
    make_delivery(edition, reader(), state=state, covers=state == "in_doubt")
    make_delivery(edition, reader(), state="accepted")
    assert close_if_done(edition, now=utc(20, 3))
    assert states() == [(20, closed)]
    found = balance(edition)
    assert (found.by_state, found.planned, found.is_even) == ({state: 1, "accepted": 1}, 2, True)


def test_a_balance_with_a_row_that_is_not_settled_is_not_even() -> None:
    edition = press(20, state="sending")
    for state in ("pending", "accepted", "accepted"):
        make_delivery(edition, reader(), state=state)
    found = balance(edition)
    assert (found.by_state, found.planned, found.is_even) == ({"pending": 1, "accepted": 2}, 3, False)


def test_by_hand_an_edition_is_sent_to_everybody_and_closed_without_waiting_for_hours() -> None:
    edition = press(20)
    reader(hour=22)
    reader(hour=None)
    now = utc(20, 12)
    assert not close_if_done(edition, now=now, late_too=True)  # it plans them
    planning.plan(edition, now=now, late_too=True)
    Delivery.objects.update(state="accepted")
    assert close_if_done(edition, now=now, late_too=True)
    assert Delivery.objects.count() == 2


@pytest.mark.parametrize("state", ["held", "frozen", "cancelled", "empty", "missed"])
def test_only_what_is_being_sent_is_closed(state: str) -> None:
    edition = press(20, state=state)
    assert not close_if_done(edition, now=utc(20, 3))
    assert states() == [(20, state)]


def test_the_tick_plans_expires_and_closes() -> None:
    edition = press(20)
    make_delivery(edition, reader(), expires_at=utc(20, 7))
    assert heartbeat.beat(now=utc(20, 6, 59)).planned == 0
    assert Edition.objects.get(date=edition.date).state == "sending"
    heartbeat.beat(now=utc(20, 7))
    assert Edition.objects.get(date=edition.date).state == "closed"
    assert list(Delivery.objects.values_list("state", "covers")) == [("expired", False)]


def _count(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)


def test_closing_takes_as_many_queries_for_one_reader_as_for_fifty() -> None:
    counts = []
    for number, readers in ((18, 1), (19, 50)):
        edition = press(number)
        for _ in range(readers):
            reader()
        planning.plan_due(now=utc(number, 1))
        Delivery.objects.update(state="accepted")
        counts.append(_count(lambda edition=edition, n=number: close_if_done(edition, now=utc(n, 2))))  # type: ignore[misc]
        assert Edition.objects.get(pk=edition.pk).state == "closed"
    assert counts[0] == counts[1]
