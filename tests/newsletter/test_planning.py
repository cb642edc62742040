"""Planning on PostgreSQL, tick by tick: who gets which editions when."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import RFC_4122

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from newsletter.delivery import expiring, owed, planning
from newsletter.delivery.buckets import buckets
from newsletter.models import Delivery, Edition, Slot, Subscriber
from tests.factories import make_delivery, make_edition, make_subscriber

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORKDAYS = 31
BERLIN = {"timezone": "Europe/Berlin", "hour": 7}


def day(number: int) -> date:
    """A day of November 2026; the 20th is a Friday."""
    return date(2026, 11, number)


def utc(number: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, number, hour, minute, tzinfo=UTC)


def press(number: int, *, late: timedelta = timedelta(), **fields: Any) -> Edition:
    """The edition of this day, frozen in time and released then or later."""
    frozen = utc(number, 0, 30)
    return make_edition(date=day(number), frozen_at=frozen, released_at=frozen + late, **fields)


def reader(**fields: Any) -> Subscriber:
    return make_subscriber(**{"now": utc(1), "timezone": "UTC", **fields})


def ledger(who: Subscriber | None = None) -> list[str]:
    """ "20 06:00: 19 to 20 pending" for each row: when it was due, its window and its state."""
    rows = Delivery.objects.order_by("due_at", "pk")
    if who:
        rows = rows.filter(subscriber=who)
    return [f"{row.due_at:%d %H:%M}: {row.first_on:%d} to {row.last_on:%d} {row.state}" for row in rows]


def ticks(*moments: datetime, settle: str = "accepted") -> None:
    """A tick at each moment; what waits is sent before the next."""
    for moment in moments:
        expiring.expire(now=moment)
        planning.plan_due(now=moment)
        Delivery.objects.filter(state="pending").update(state=settle, covers=settle == "accepted")


def test_a_reader_is_planned_at_their_own_hour_and_once() -> None:
    press(20)
    berlin, tokyo = reader(**BERLIN), reader(timezone="Asia/Tokyo", hour=12)
    planned = [planning.plan_due(now=utc(20, hour, minute)) for hour in (1, 3, 5, 6, 7) for minute in (0, 1)]
    assert planned == [0, 0, 1, 0, 0, 0, 1, 0, 0, 0]
    assert ledger(tokyo) == ["20 03:00: 20 to 20 pending"]
    assert ledger(berlin) == ["20 06:00: 20 to 20 pending"]
    assert list(Slot.objects.order_by("due_at").values_list("timezone", "hour", "planned")) == [
        ("Asia/Tokyo", 12, 1),
        ("Europe/Berlin", 7, 1),
    ]
    assert Edition.objects.get().state == "sending"


def test_without_an_hour_a_reader_is_due_when_the_edition_is_out() -> None:
    who = reader(hour=None)
    press(20, late=2 * HOUR)
    assert [planning.plan_due(now=utc(20, 2, 29)), planning.plan_due(now=utc(20, 2, 31))] == [0, 1]
    assert ledger(who) == ["20 02:30: 20 to 20 pending"]


def test_a_reader_on_weekdays_gets_fridays_and_saturdays_papers_on_monday() -> None:
    for number in (19, 20, 21):
        press(number)
    at_midnight = reader(hour=0, weekdays=WORKDAYS)  # before the day's own edition
    at_release = reader(hour=None, weekdays=WORKDAYS)
    ticks(*(utc(number, hour, 31) for number in (20, 21, 22, 23) for hour in (0, 23)))
    assert ledger(at_midnight) == ["20 00:00: 19 to 19 accepted", "23 00:00: 20 to 21 accepted"]
    assert ledger(at_release)[1:] == ["20 00:30: 20 to 20 accepted", "23 23:00: 21 to 21 accepted"]


def test_a_weekly_reader_gets_the_week() -> None:
    for number in range(9, 24):
        press(number, state="closed" if number < 16 else "frozen")
    who = reader(hour=7, weekdays=1)
    ticks(*(utc(number, 8) for number in range(16, 24)))
    assert ledger(who) == ["16 07:00: 10 to 16 accepted", "23 07:00: 17 to 23 accepted"]


def test_switching_between_daily_and_weekly_repeats_nothing() -> None:
    who = reader(hour=7)
    days = iter(range(9, 24))

    def run(until: int) -> None:
        for number in days:
            press(number)
            ticks(utc(number, 8))
            if number == until:
                return

    run(11)
    Subscriber.objects.update(weekdays=1, active_from=utc(11, 9))  # weekly, on Mondays
    run(18)
    Subscriber.objects.update(weekdays=127, active_from=utc(18, 9))
    run(20)
    assert ledger(who) == [
        "09 07:00: 09 to 09 accepted",
        "10 07:00: 10 to 10 accepted",
        "11 07:00: 11 to 11 accepted",
        "16 07:00: 12 to 16 accepted",
        "19 07:00: 17 to 19 accepted",
        "20 07:00: 20 to 20 accepted",
    ]


@pytest.mark.parametrize(
    ("new", "then"),
    [
        ({"hour": 10}, "21 10:00: 21 to 21 accepted"),  # the 20th is covered: no second mail at ten
        ({"hour": 5}, "21 05:00: 21 to 21 accepted"),
        ({"timezone": "America/New_York"}, "21 12:00: 21 to 21 accepted"),
    ],
)
def test_whoever_moves_their_hour_gets_each_edition_once(new: dict[str, Any], then: str) -> None:
    press(20)
    who = reader(hour=7)
    ticks(utc(20, 7))
    Subscriber.objects.update(active_from=utc(20, 8), **new)
    ticks(*(utc(20, hour) for hour in range(8, 24)))
    press(21)
    ticks(*(utc(21, hour) for hour in range(1, 24)))
    assert ledger(who) == ["20 07:00: 20 to 20 accepted", then]


def test_whoever_moves_to_an_hour_that_is_past_is_covered_by_the_next_mail() -> None:
    press(20)
    who = reader(hour=17)
    ticks(utc(20, 6))
    Subscriber.objects.update(hour=7, active_from=utc(20, 9))
    ticks(utc(20, 10), utc(20, 18))
    press(21)
    ticks(utc(21, 8))
    assert ledger(who) == ["21 07:00: 21 to 21 accepted"]
    make_delivery(press(19, state="closed"), who, state="accepted", due_at=utc(19, 17))
    Delivery.objects.filter(last_on=day(21)).delete()
    Slot.objects.all().delete()
    ticks(utc(21, 8))
    assert ledger(who)[1:] == ["21 07:00: 20 to 21 accepted"]


def test_a_pause_ends_with_what_came_meanwhile_at_most_seven() -> None:
    short, long = reader(hour=7, paused_until=day(12)), reader(hour=7, paused_until=day(20))
    first = press(9, state="closed")
    for who in (short, long):
        make_delivery(first, who, state="accepted", due_at=utc(9, 7))
    for number in range(10, 22):
        press(number)
        ticks(utc(number, 8))
    assert ledger(short)[1:3] == ["12 07:00: 10 to 12 accepted", "13 07:00: 13 to 13 accepted"]
    assert ledger(long)[1:] == ["20 07:00: 14 to 20 accepted", "21 07:00: 21 to 21 accepted"]


def test_a_reader_whose_mail_was_refused_gets_its_edition_with_the_next() -> None:
    who = reader(hour=7)
    make_delivery(press(19, state="closed"), who, state="accepted", due_at=utc(19, 7))
    press(20)
    ticks(utc(20, 7), settle="rejected")
    press(21)
    ticks(utc(21, 7))
    assert ledger(who)[1:] == ["20 07:00: 20 to 20 rejected", "21 07:00: 20 to 21 accepted"]


def test_confirming_owes_only_what_is_due_afterwards() -> None:
    press(20)
    early, late = reader(hour=7), reader(hour=7, active_from=utc(20, 7, 1), confirmed_at=utc(20, 7, 1))
    ticks(*(utc(20, hour) for hour in range(7, 24)))
    press(21)
    ticks(utc(21, 7))
    assert ledger(early)[0] == "20 07:00: 20 to 20 accepted"
    assert ledger(late) == ["21 07:00: 21 to 21 accepted"]


def test_nothing_is_covered_that_froze_before_a_reader_came_back() -> None:
    who = reader(hour=7, weekdays=WORKDAYS, confirmed_at=utc(18, 12))
    make_delivery(press(12, state="closed"), who, state="accepted", due_at=utc(12, 7))
    for number in (17, 18, 19):
        press(number, state="closed")
    press(20)
    ticks(utc(20, 7))
    assert ledger(who)[1:] == ["20 07:00: 19 to 20 accepted"]


def test_a_late_release_reaches_whose_hour_was_not_long_ago_and_others_with_the_next() -> None:
    readers = {hour: reader(hour=hour) for hour in (3, 5, 13)}
    first = press(19, state="closed")
    for hour, who in readers.items():
        make_delivery(first, who, state="accepted", due_at=utc(19, hour))
    press(20, late=10 * HOUR)
    ticks(utc(20, 10), utc(20, 10, 31), utc(20, 13))
    press(21)
    ticks(*(utc(21, hour) for hour in (3, 5, 13)))
    assert [ledger(readers[hour])[1:] for hour in (3, 5, 13)] == [
        ["21 03:00: 20 to 21 accepted"],
        ["20 05:00: 20 to 20 accepted", "21 05:00: 21 to 21 accepted"],
        ["20 13:00: 20 to 20 accepted", "21 13:00: 21 to 21 accepted"],
    ]


def test_a_late_release_is_no_second_mail_for_the_same_moment() -> None:
    """A weekly reader was due at seven, when Monday's edition still waited for approval."""
    who = reader(hour=7, weekdays=1)
    press(21)
    ticks(utc(23, 7))
    press(23, late=8 * HOUR)
    ticks(utc(23, 8, 31), utc(23, 12))
    assert ledger(who) == ["23 07:00: 21 to 21 accepted"]


def test_what_was_not_planned_in_time_is_written_as_expired_and_covered_later() -> None:
    press(20)
    early, late = reader(hour=3), reader(hour=7)
    ticks(utc(20, 9))
    assert ledger() == ["20 03:00: 20 to 20 expired", "20 07:00: 20 to 20 accepted"]
    expired = Delivery.objects.get(subscriber=early)
    assert (expired.covers, expired.reason, expired.settled_at) == (False, owed.TOO_LATE, utc(20, 9))
    make_delivery(press(19, state="closed"), early, state="accepted", due_at=utc(19, 3))
    press(21)
    ticks(utc(21, 8))
    assert ledger(early)[1:] == ["20 03:00: 20 to 20 expired", "21 03:00: 20 to 21 accepted"]
    assert ledger(late)[1:] == ["21 07:00: 21 to 21 accepted"]


def test_what_waits_past_its_cut_off_expires_and_what_is_under_way_does_not() -> None:
    edition = press(20, state="sending")
    rows = {
        state: make_delivery(edition, reader(), state=state, due_at=utc(20, 1), expires_at=utc(20, 7))
        for state in ("pending", "claimed", "handoff", "accepted", "in_doubt")
    }
    refused = make_delivery(edition, reader(), reason="busy", expires_at=utc(20, 7))
    waits = make_delivery(edition, reader(), expires_at=utc(20, 7, 1))
    assert [expiring.expire(now=utc(20, 6, 59)), expiring.expire(now=utc(20, 7))] == [0, 2]
    assert {state: row for state, row in rows.items() if not _is_as_before(row)}.keys() == {"pending"}
    refused.refresh_from_db()
    assert (refused.state, refused.covers, refused.reason) == ("expired", False, f"{owed.TOO_LATE}: busy")
    waits.refresh_from_db()
    assert waits.state == "pending"


def _is_as_before(row: Delivery) -> bool:
    return Delivery.objects.filter(pk=row.pk, state=row.state, covers=True).exists()


def test_an_edition_that_comes_after_its_successor_goes_alone() -> None:
    who = reader(hour=None)
    press(21)
    ticks(utc(21, 1))
    press(20, late=30 * HOUR)
    ticks(utc(21, 7))
    assert ledger(who) == ["21 00:30: 21 to 21 accepted", "21 06:30: 20 to 20 accepted"]


def test_by_hand_everybody_gets_the_edition_whom_no_mail_covers_it() -> None:
    edition = press(20)
    night, paused = reader(hour=23), reader(paused_until=day(30))
    monday, new = reader(weekdays=1, hour=7), reader(active_from=utc(20, 12))
    has_it = reader(hour=7)
    make_delivery(press(21, state="closed"), has_it, state="accepted", first_on=day(19))
    left = reader(state="unsubscribed")
    now = utc(20, 12)
    assert planning.plan(edition, now=now, late_too=True) == 3
    planned = Delivery.objects.filter(edition=edition, due_at=now, expires_at=now + 6 * HOUR)
    assert {row.subscriber for row in planned} == {night, monday, new}
    assert planning.plan(edition, now=now, late_too=True, only=paused) == 1
    assert planning.plan(edition, now=now, late_too=True, only=left) == 0


def test_a_zone_that_is_none_is_planned_by_utc_and_told(caplog: pytest.LogCaptureFixture) -> None:
    press(20)
    who = reader(timezone="Mars/Base", hour=7)
    ticks(utc(20, 7))
    assert ledger(who) == ["20 07:00: 20 to 20 accepted"]
    assert "Readers are planned by UTC: 'Mars/Base' is no time zone" in caplog.text


def test_the_pairs_of_zone_and_hour_are_those_of_active_readers() -> None:
    for zone, hour, state in [
        ("UTC", 7, "active"),
        ("UTC", 7, "active"),
        ("UTC", None, "active"),
        ("Asia/Tokyo", 0, "active"),
        ("Asia/Tokyo", 5, "pending"),
        ("America/Lima", 5, "unsubscribed"),
    ]:
        reader(timezone=zone, hour=hour, state=state)
    assert [(one.timezone, one.hour) for one in buckets()] == [("Asia/Tokyo", 0), ("UTC", 7), ("UTC", None)]


def _count(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        work()
    return len(queries)


def test_planning_takes_as_many_queries_for_one_reader_as_for_fifty() -> None:
    counts = []
    for number, readers in ((18, 1), (19, 50)):
        press(number)
        Edition.objects.filter(date__lt=day(number)).update(state="closed")
        for _ in range(readers):
            reader(**BERLIN)
        counts.append([_count(lambda n=number, m=m: planning.plan_due(now=utc(n, 6, m))) for m in (0, 1)])  # type: ignore[misc]
    assert counts[0] == counts[1]
    assert counts[0][1] == 6  # editions, pairs, one to start it, two for its neighbours, marks


def test_a_closed_edition_plans_nobody() -> None:
    edition = press(20)
    planning.plan_due(now=utc(20, 6))
    edition.state = "closed"
    edition.save()
    reader(hour=6)
    assert planning.plan(edition, now=utc(20, 6)) == 0
    assert planning.plan(edition, now=utc(20, 6), late_too=True) == 0


def test_public_ids_are_uuids_of_version_7_that_carry_the_time_of_planning() -> None:
    press(20)
    for _ in range(3):
        reader()
    planning.plan_due(now=utc(20, 1))
    ids = list(Delivery.objects.values_list("public_id", flat=True))
    assert [(one.version, one.variant) for one in ids] == 3 * [(7, RFC_4122)]
    assert {one.int >> 80 for one in ids} == {int(utc(20, 1).timestamp() * 1000)}
    assert len({one.int & (1 << 36) - 1 for one in ids}) == 3, "each has random bits of its own"
