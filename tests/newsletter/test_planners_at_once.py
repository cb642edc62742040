"""Planning by several at once, and cut short: it is as by one, and never by halves."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from newsletter.delivery import closing, expiring, owed, planning
from newsletter.delivery.ledger import Ledger
from newsletter.models import Delivery, Edition, Slot, Subscriber
from tests.newsletter.test_planning import day, press, reader, utc

pytestmark = pytest.mark.django_db(transaction=True)


def test_five_planners_at_once_write_what_one_would() -> None:
    press(19)
    press(20)
    readers = [reader(timezone=zone, hour=hour) for zone in ("UTC", "Europe/Berlin") for hour in (5, 6, None)]
    readers += [reader(hour=6, weekdays=16) for _ in range(20)]
    start = Barrier(5)

    def planner() -> int:
        start.wait()
        try:
            return planning.plan_due(now=utc(20, 6, 30))
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        counts = [future.result() for future in [pool.submit(planner) for _ in range(5)]]
    rows = list(Delivery.objects.values_list("subscriber", "edition__date", "first_on"))
    assert sum(counts) == len(rows) == len(set(rows))
    assert sum(Slot.objects.values_list("planned", flat=True)) == len(rows)
    newest = Delivery.objects.filter(edition__date=day(20))
    assert newest.count() == len(readers)
    for who in readers:
        windows = sorted(
            Delivery.objects.filter(subscriber=who, covers=True).values_list("first_on", "last_on")
        )
        assert all(one[1] < two[0] for one, two in pairwise(windows))


def test_a_reader_who_is_erased_while_a_slot_is_planned_costs_nobody_else_their_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    press(20)
    stays, goes = reader(hour=6), reader(hour=6)
    insert = owed.insert_at_once

    def erase() -> None:
        Subscriber.objects.filter(pk=goes.pk).delete()
        connection.close()

    def insert_and_erase(*args: Any, **kwargs: Any) -> Any:
        planned = insert(*args, **kwargs)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(erase).result()
        return planned

    monkeypatch.setattr(owed, "insert_at_once", insert_and_erase)
    planning.plan_due(now=utc(20, 6))
    edition = Edition.objects.get()
    claimed = Ledger(edition).claim(10, now=utc(20, 6))
    assert [row.subscriber_id for row in claimed] == [stays.pk]
    # What is left of the other is nobody's, and ends by itself.
    expiring.expire(now=utc(20, 13))
    assert list(Delivery.objects.exclude(state="claimed").values_list("state", flat=True)) == ["expired"]


def test_rows_and_mark_of_a_slot_are_written_together_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    press(20)
    reader(hour=6)

    class Killed(Exception):
        pass

    def kill(name: str) -> None:
        raise Killed(name)

    with monkeypatch.context() as patch, pytest.raises(Killed, match="before-plan-commit"):
        patch.setattr(planning, "failpoint", kill)
        planning.plan_due(now=utc(20, 6))
    assert (Delivery.objects.count(), Slot.objects.count()) == (0, 0)
    assert planning.plan_due(now=utc(20, 6)) == 1
    assert (Delivery.objects.count(), Slot.objects.count()) == (1, 1)


def test_nobody_waits_for_a_planner_at_work_but_who_plans_by_hand() -> None:
    edition = press(20)
    reader(hour=6)

    def tick() -> tuple[int, bool]:
        try:
            return planning.plan_due(now=utc(20, 6)), closing.close_if_done(edition, now=utc(20, 6))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            planning.keep_planners_out()
            assert pool.submit(tick).result(timeout=30) == (0, False)
        assert pool.submit(tick).result(timeout=30) == (1, False)
