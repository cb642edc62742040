"""The tick, called at chosen moments: what it makes, what it says of days that went by, whom it plans."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from newsletter import edition, heartbeat
from newsletter.models import Delivery, Edition
from tests.factories import make_paper, make_subscriber

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)
DUE = datetime(2026, 11, 20, 0, 31, tzinfo=UTC)


def days() -> list[tuple[date, str]]:
    return list(Edition.objects.order_by("date").values_list("date", "state"))


def test_nothing_is_frozen_before_its_moment() -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    pulse = heartbeat.beat(now=DUE - timedelta(minutes=2))
    assert (pulse, days()) == (heartbeat.Pulse(None, 0), [(DAY, "open")])


def test_a_due_edition_is_frozen_and_planned_once_and_the_next_is_opened() -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    make_subscriber(now=DUE - timedelta(days=1))
    assert [heartbeat.beat(now=DUE).planned, heartbeat.beat(now=DUE).planned] == [1, 0]
    assert days() == [(DAY, "sending"), (DAY + timedelta(days=1), "open")]


def test_a_day_that_went_by_is_missed_and_can_still_be_built() -> None:
    heartbeat.beat(now=DUE - timedelta(minutes=2))
    later = DUE + timedelta(days=9)
    heartbeat.beat(now=later)
    assert days()[0] == (DAY, "missed")
    make_paper(listed_on=DAY - timedelta(days=1))
    assert edition.build(DAY, now=later).state == "frozen"


def test_who_comes_after_the_freeze_waits_for_the_next_edition() -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    there = make_subscriber(now=DUE, active_from=DUE - timedelta(hours=1))
    heartbeat.beat(now=DUE)
    make_subscriber(now=DUE, active_from=DUE + timedelta(hours=1))
    heartbeat.beat(now=DUE + timedelta(hours=2))
    assert list(Delivery.objects.values_list("subscriber", flat=True)) == [there.pk]


def test_readers_of_the_demo_are_mailed_to_files_only(settings: Any) -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    make_subscriber(now=DUE - timedelta(days=1), origin="demo")
    assert heartbeat.beat(now=DUE).planned == 0
    settings.EMAIL_BACKEND = "newsletter.filemail.EmailBackend"
    assert heartbeat.beat(now=DUE).planned == 1
