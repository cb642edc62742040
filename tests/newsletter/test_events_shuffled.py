"""Ten thousand events of a provider, three times over and in any order, end as they do once and in order."""

import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.db import connection

from newsletter.events import on_tracking
from newsletter.models import Delivery, Edition, Event, Subscriber, Suppression
from tests.factories import make_delivery, make_edition, make_subscriber

pytestmark = pytest.mark.django_db(transaction=True)
EVENTS = 10_000 if os.environ.get("CRASH") == "full" else 240
# What a provider may tell of one mail, in the order in which it would happen; None: no reason is given.
STORIES: Sequence[Sequence[tuple[str, str | None]]] = (
    [("queued", None), ("sent", None), ("delivered", None), ("opened", None), ("clicked", None)],
    [("queued", None), ("deferred", None), ("delivered", None)],
    [("sent", None), ("deferred", None), ("bounced", RejectReason.BOUNCED)],
    [("rejected", RejectReason.INVALID)],
    [("rejected", RejectReason.SPAM)],
    [("sent", None), ("bounced", RejectReason.TIMED_OUT), ("delivered", None)],
    [("sent", None), ("failed", None), ("bounced", RejectReason.BOUNCED)],
    [("delivered", None), ("complained", RejectReason.SPAM)],
    [("delivered", None), ("opened", None), ("unsubscribed", None)],
    [("delivered", None), ("unsubscribed", None), ("complained", RejectReason.SPAM)],
    [("delivered", None), ("bounced", RejectReason.BOUNCED), ("complained", RejectReason.SPAM)],
    [("delivered", None), ("bounced", RejectReason.BOUNCED), ("unsubscribed", None)],
)
STATES = (Delivery.State.ACCEPTED, Delivery.State.IN_DOUBT, Delivery.State.HANDOFF)


def tell(deliveries: Sequence[Delivery], number: int) -> list[AnymailTrackingEvent]:
    """`number` events of these deliveries, each story in its order."""
    began = datetime(2026, 11, 20, 6, tzinfo=UTC)
    told: list[AnymailTrackingEvent] = []
    for place, delivery in enumerate(deliveries):
        for step, (kind, reason) in enumerate(STORIES[place % len(STORIES)]):
            told.append(
                AnymailTrackingEvent(
                    event_type=getattr(EventType, kind.upper()),
                    event_id=f"{place}-{step}",
                    timestamp=began + timedelta(seconds=60 * step + place),
                    message_id=f"provider-{place}",
                    metadata={"delivery_id": str(delivery.public_id)},
                    recipient=delivery.subscriber.email,
                    reject_reason=reason,
                    esp_event={},
                )
            )
    return told[:number]


def ending(told: Sequence[AnymailTrackingEvent]) -> dict[str, Any]:
    """Everything that is left in the database once these events came, in words that name no row and no time.

    The events are undone afterwards.
    """
    with undone():
        for event in told:
            on_tracking(None, event, "Test")
        rows = Delivery.objects.order_by("pk")
        return {
            "deliveries": list(
                rows.values_list("state", "reason", "outcome", "message_id", "token", "lease_until", "covers")
            ),
            "readers": list(Subscriber.objects.order_by("pk").values_list("email", "state")),
            "suppressed": sorted(Suppression.objects.values_list("address_hash", "reason")),
            "events": sorted(
                Event.objects.values_list("event_id", "event_type", "delivery", "timestamp", "reject_reason")
            ),
            "editions": list(Edition.objects.values_list("state", "closed_at")),
        }


@contextmanager
def undone() -> Iterator[None]:
    """Put the tables back as they were; not by a transaction, so that each event commits as in earnest."""
    tables = [model._meta.db_table for model in (Edition, Subscriber, Delivery)]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"CREATE TEMPORARY TABLE {table}_before AS TABLE {table}")
        yield
        cursor.execute(f"TRUNCATE newsletter_suppression, {', '.join(tables)} CASCADE")
        for table in tables:
            cursor.execute(f"INSERT INTO {table} TABLE {table}_before")
            cursor.execute(f"DROP TABLE {table}_before")


def test_events_three_times_over_and_shuffled_end_as_once_in_order() -> None:
    edition = make_edition(date=date(2026, 11, 20), state=Edition.State.CLOSED_WITH_IN_DOUBT)
    stories = EVENTS // min(map(len, STORIES))
    needed = 0
    deliveries = []
    for place in range(stories):
        if needed >= EVENTS:
            break
        needed += len(STORIES[place % len(STORIES)])
        deliveries.append(make_delivery(edition, make_subscriber(), state=STATES[place % len(STATES)]))
    told = tell(deliveries, EVENTS)
    assert len(told) == EVENTS
    in_order = ending(told)
    assert {outcome for _, _, outcome, *_ in in_order["deliveries"]} > {"delivered", "bounced", "complained"}
    assert len(in_order["events"]) == EVENTS
    shuffled = told * 3
    random.shuffle(shuffled)
    again = ending(shuffled)
    for name, rows in in_order.items():
        assert again[name] == rows, name
