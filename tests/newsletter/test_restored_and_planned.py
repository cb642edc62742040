"""After a restore, the ticks plan on: nobody again for what may have left, everybody for what is new."""

from datetime import UTC, date, datetime, timedelta

import pytest

from newsletter import editorial, heartbeat
from newsletter.delivery import restoring
from newsletter.marks import LAST_TICK
from newsletter.models import Delivery, Edition, Subscriber
from papers.models import Mark
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber

pytestmark = pytest.mark.django_db

WEDNESDAY = date(2026, 11, 18)
BACKUP = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)


def at(day: int, hour: int, minute: int = 1) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def reader(hour: int, **fields: int) -> Subscriber:
    return make_subscriber(now=LONG_AGO, hour=hour, timezone="UTC", **fields)


def printed(day: int, state: str = "closed") -> Edition:
    frozen = at(day, 0, 30)
    day_of = date(2026, 11, day)
    return make_edition(date=day_of, papers=[(make_paper(), [])], state=state, frozen_at=frozen)


def windows(reader: Subscriber) -> list[tuple[str, date, date]]:
    rows = Delivery.objects.filter(subscriber=reader).order_by("last_on")
    return list(rows.values_list("state", "first_on", "last_on"))


def test_only_those_whose_hour_is_yet_to_come_get_the_edition_that_was_being_sent() -> None:
    Mark.objects.create(name=LAST_TICK, at=BACKUP)
    tuesday, wednesday = printed(17), printed(18, "sending")
    early, noon, late = reader(2), reader(9), reader(18)
    make_delivery(wednesday, early, state="accepted")
    for one in (noon, late):
        make_delivery(tuesday, one, state="accepted")
    restoring.quarantine(BACKUP, now=at(18, 12))
    editorial.resume(wednesday.pk, now=at(18, 13))
    heartbeat.beat(now=at(18, 13))
    heartbeat.beat(now=at(18, 18))
    told = date(2026, 11, 17)
    assert windows(early) == [("accepted", WEDNESDAY, WEDNESDAY)]
    assert windows(noon) == [("accepted", told, told), ("in_doubt", WEDNESDAY, WEDNESDAY)]
    assert windows(late) == [("accepted", told, told), ("pending", WEDNESDAY, WEDNESDAY)]


def test_the_next_digest_of_a_weekly_reader_begins_after_what_may_have_left() -> None:
    Mark.objects.create(name=LAST_TICK, at=BACKUP)
    for day in (16, 17, 18):
        printed(day)
    weekly = reader(9, weekdays=0b0010000)  # Fridays
    restoring.quarantine(BACKUP, now=at(20, 12))
    make_paper(listed_on=date(2026, 11, 20))
    heartbeat.beat(now=at(21, 0, 31))
    editorial.approve(Edition.objects.get(date=date(2026, 11, 21)).pk, now=at(21, 1))
    for day in range(21, 27):
        make_paper(listed_on=date(2026, 11, day))
        heartbeat.beat(now=at(day + 1, 0, 31))
    heartbeat.beat(now=at(27, 9))
    doubt = ("in_doubt", date(2026, 11, 16), WEDNESDAY)
    assert windows(weekly) == [doubt, ("pending", date(2026, 11, 21), date(2026, 11, 27))]
    missed = Edition.objects.filter(state="missed").order_by("date").values_list("date", flat=True)
    assert list(missed) == [WEDNESDAY + timedelta(days=n) for n in (1, 2)]
