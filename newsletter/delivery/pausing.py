"""A reader's pause keeps back what was planned before it, too: skipped, and owed again afterwards."""

from collections.abc import Collection
from datetime import date, datetime

from newsletter.models import Delivery, Edition, Subscriber
from newsletter.schedule import zone_or_utc

PAUSED = "reader is paused"
# What a waiting row says that goes out all the same: its reader, or an editor, named it after the pause.
ASKED_FOR = "asked for by name"

State = Delivery.State


def skip_waiting(reader: Subscriber, *, now: datetime) -> int:
    """Skip the mails of a reader who paused that nobody has handed over; return how many.

    For the transaction that holds the reader's row and writes the pause: gates wait for that, and then find
    no row that is claimed. A later mail covers what these would have.
    """
    if reader.paused_until is None or reader.paused_until <= _day_of(now, reader):
        return 0
    rows = Delivery.objects.filter(subscriber=reader, state__in=[State.PENDING, State.CLAIMED])
    return rows.update(
        state=State.SKIPPED, reason=PAUSED, covers=False, settled_at=now, token=None, lease_until=None
    )


def asked_for(edition: Edition, reader: Subscriber) -> None:
    """Let the reader's row go out although they paused; in the transaction that planned it."""
    Delivery.objects.filter(edition=edition, subscriber=reader, state=State.PENDING).update(reason=ASKED_FOR)


def paused_after_all(numbers: Collection[int]) -> set[int]:
    """Which of these rows came due within a pause: a planner that was at work wrote them while their reader
    paused, so `skip_waiting` did not see them. For who has claimed them; one query."""
    rows = Delivery.objects.filter(pk__in=numbers).select_related("subscriber")
    return {
        row.pk
        for row in rows.only("due_at", "subscriber__paused_until", "subscriber__timezone")
        if (until := row.subscriber.paused_until) and _day_of(row.due_at, row.subscriber) < until
    }


def _day_of(moment: datetime, reader: Subscriber) -> date:
    return moment.astimezone(zone_or_utc(reader.timezone)).date()
