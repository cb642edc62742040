"""The SQL that plans a slot says of a thousand readers at once what the pure model says of each."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.delivery import owed, planning
from newsletter.delivery.buckets import Bucket
from newsletter.delivery.calendar import run_of
from newsletter.models import Delivery, Edition, Subscriber
from newsletter.schedule import CUT_OFF, Slot
from newsletter.windows import Habits, Row, first_on, is_owed
from tests.factories import make_delivery, make_edition, make_subscriber

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TODAY = date(2026, 11, 20)  # a Friday
FREEZE = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 20, 6, tzinfo=UTC)  # seven in Berlin
SLOT = Slot(AT, TODAY, 16, ZONE, 7)

moments = st.one_of(
    st.none(), st.integers(-200, 200).map(lambda hours: AT + timedelta(hours=hours)), st.just(AT)
)
readers = st.builds(
    Habits,
    weekdays=st.one_of(st.sampled_from([127, 31, 16, 1, 64]), st.integers(1, 127)),
    confirmed_at=moments,
    active_from=moments,
    paused_until=st.one_of(st.none(), st.integers(-9, 3).map(lambda days: TODAY + days * DAY)),
)
# Ledgers: (days back, length of the window, covers, whether it was due at this very moment)
ledgers = st.lists(
    st.tuples(st.integers(-2, 12), st.integers(1, 4), st.booleans(), st.booleans()), max_size=5
)


def rows_of(ledger: Sequence[tuple[int, int, bool, bool]], editions: dict[date, Edition]) -> list[Row]:
    """Rows as planning writes them: one for an edition, windows that do not overlap, no moment twice."""
    rows: list[Row] = []
    for back, length, covers, now in sorted(ledger, reverse=True):
        last = TODAY - back * DAY
        first = last - (length - 1) * DAY
        after = max((row.last_on for row in rows if row.covers), default=date.min)
        if last not in editions or any(row.last_on == last for row in rows) or (covers and last <= after):
            continue
        # Only an earlier edition can have been due at this moment: a later one had not frozen yet.
        if now and back > 0 and not any(row.due_at == AT for row in rows):
            rows.append(Row(max(first, after + DAY), last, AT, covers))
        else:
            rows.append(Row(max(first, after + DAY), last, AT - (back + 3) * DAY, covers))
    return rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(-2, 12), unique=True, max_size=13),
    st.lists(st.tuples(readers, ledgers), min_size=1, max_size=12),
    st.booleans(),
)
def test_the_statement_plans_whom_the_model_plans(
    days: list[int], people: list[tuple[Habits, list[tuple[int, int, bool, bool]]]], late: bool
) -> None:
    slot = Slot(AT, TODAY, 16, ZONE, None if late else 7, late)
    with transaction.atomic():
        editions = {}
        for back in {*days, 0}:
            day = TODAY - back * DAY
            state = "sending" if back == 0 else "closed"
            editions[day] = make_edition(date=day, state=state, frozen_at=FREEZE - back * DAY)
        run = run_of(editions[TODAY])
        expected = {}
        for habits, ledger in people:
            rows = rows_of(ledger, editions)
            reader = make_subscriber(timezone=ZONE.key, hour=slot.hour, **_columns(habits))
            for row in rows:
                _save(row, reader, editions)
            if is_owed(habits, run.issue, slot, rows):
                expected[reader.pk] = first_on(habits, run.issue, run.in_reach(slot), rows)
        bucket = Bucket(ZONE.key, slot.hour)
        before = set(Delivery.objects.values_list("pk", flat=True))
        written = owed.insert_at_once(run.edition, [(bucket, slot)], run.in_reach(slot), now=AT, shared=True)
        found = Delivery.objects.exclude(pk__in=before)
        assert dict(found.values_list("subscriber_id", "first_on")) == expected
        assert written == {bucket: len(expected)}
        assert {row.last_on for row in found} <= {TODAY}
        transaction.set_rollback(True)


def _columns(habits: Habits) -> dict[str, Any]:
    return {
        "weekdays": habits.weekdays,
        "confirmed_at": habits.confirmed_at,
        "active_from": habits.active_from,
        "paused_until": habits.paused_until,
    }


def _save(row: Row, reader: Subscriber, editions: dict[date, Edition]) -> None:
    make_delivery(
        editions[row.last_on],
        reader,
        state="accepted" if row.covers else "rejected",
        first_on=row.first_on,
        covers=row.covers,
        due_at=row.due_at,
    )


def test_a_planned_row_says_all_that_a_sender_needs() -> None:
    edition = make_edition(date=TODAY, state="sending", frozen_at=FREEZE)
    reader = make_subscriber(timezone="Europe/Berlin", hour=7, now=AT)
    now = AT + timedelta(seconds=30)
    assert planning.plan(edition, now=now) == 1
    (row,) = Delivery.objects.all()
    found = {name: getattr(row, name) for name in ("state", "reason", "covers", "attempts", "settled_at")}
    assert found == {"state": "pending", "reason": "", "covers": True, "attempts": 0, "settled_at": None}
    assert (row.subscriber, row.edition, row.mix) == (reader, edition, reader.mix)
    assert (row.first_on, row.last_on, row.due_at, row.expires_at) == (TODAY, TODAY, AT, AT + CUT_OFF)
    assert (row.planned_at, row.token, row.lease_until, row.next_at) == (now, None, None, None)


def test_other_zones_and_hours_are_not_planned_at_a_slot() -> None:
    edition = make_edition(date=TODAY, state="sending", frozen_at=FREEZE)
    for zone, hour in (("Europe/Paris", 7), ("Europe/Berlin", 8), ("Europe/Berlin", None)):
        make_subscriber(timezone=zone, hour=hour, now=AT)
    here = make_subscriber(timezone="Europe/Berlin", hour=7, now=AT)
    run = run_of(edition)
    planned = owed.insert_at_once(
        edition, [(Bucket("Europe/Berlin", 7), SLOT)], run.in_reach(SLOT), now=AT, shared=False
    )
    assert planned == {Bucket("Europe/Berlin", 7): 1}
    assert list(Delivery.objects.values_list("subscriber_id", flat=True)) == [here.pk]


def test_zones_that_are_due_at_once_are_planned_at_once_and_counted_apart() -> None:
    edition = make_edition(date=TODAY, state="sending", frozen_at=FREEZE)
    there = {"Europe/Paris": 2, "Europe/Berlin": 1, "Europe/London": 1}
    for zone, number in there.items():
        for _ in range(number):
            make_subscriber(timezone=zone, hour=7, now=AT)
    run = run_of(edition)
    slots = [(Bucket(zone, 7), SLOT) for zone in ("Europe/Paris", "Europe/Berlin", "Europe/Rome")]
    planned = owed.insert_at_once(edition, slots, run.in_reach(SLOT), now=AT, shared=False)
    assert planned == {Bucket("Europe/Paris", 7): 2, Bucket("Europe/Berlin", 7): 1}
    assert Delivery.objects.count() == 3
