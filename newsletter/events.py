"""What the mail provider tells later, by Anymail's tracking signal: kept once, acted on only to mail less.

An event counts for the delivery that it names, and only where its address is that delivery's reader. Event
and effect are committed together: a provider that hears no 200 sends the event again, and a repeated one does
nothing.
"""

import hashlib
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from anymail.signals import EventType, RejectReason
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from newsletter import staying
from newsletter.addresses import AddressError, parse_address
from newsletter.delivery.decisions import close_without_doubt
from newsletter.models import Delivery, Event, Subscriber
from newsletter.suppression import suppress

logger = logging.getLogger(__name__)

# What is known of a delivery only gets worse: the provider's events come late and in any order. No two are
# alike, or the order would decide.
STRENGTH = {
    "": 0,
    EventType.DELIVERED: 1,
    EventType.FAILED: 2,
    EventType.REJECTED: 3,
    EventType.BOUNCED: 4,
    EventType.COMPLAINED: 5,
}
# The provider has the mail, whatever we know of our call: from these states it could be sent again.
UNPROVEN = (
    Delivery.State.PENDING,
    Delivery.State.CLAIMED,
    Delivery.State.HANDOFF,
    Delivery.State.IN_DOUBT,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


def on_tracking(sender: object, event: Any, esp_name: str, **_: object) -> None:
    """Receive one `AnymailTrackingEvent`; drop one about somebody else than the delivery's reader."""
    delivery = _delivery_of(event)
    if delivery is not None and delivery.subscriber.email_key != _key(event.recipient):
        logger.warning(
            "%s told %r of delivery %s with another address: ignored",
            esp_name,
            _clean(event.event_type, 20),
            delivery.public_id,
        )
        return
    now = timezone.now()
    with transaction.atomic():
        # Whoever leaves or comes back now waits, as with every change of a reader.
        reader = _lock_reader(delivery)
        facts = _facts(event, delivery if reader else None)
        _row, new = Event.objects.get_or_create(event_id=_event_id(event, esp_name), defaults=facts)
        if new and reader is not None and delivery is not None:
            _mark(delivery, event, now=now)
            _tighten(reader, event, now=now)


def _delivery_of(event: Any) -> Delivery | None:
    """The delivery whose id travelled in the mail's metadata, else the one of this message id."""
    metadata = event.metadata if isinstance(event.metadata, Mapping) else {}
    rows = Delivery.objects.select_related("subscriber")
    if metadata.get("delivery_id"):
        try:
            return rows.filter(public_id=UUID(str(metadata["delivery_id"]))).first()
        except ValueError:
            return None
    return _by_message_id(rows, event)


def _by_message_id(rows: QuerySet[Delivery], event: Any) -> Delivery | None:
    bare = _clean(event.message_id, 200).strip("<> ")
    if not bare:
        return None
    # The Message-ID that we set stands in angle brackets, and providers differ in giving them back.
    found = list(rows.filter(message_id__in=[bare, f"<{bare}>"])[:2])
    return found[0] if len(found) == 1 else None


def _lock_reader(delivery: Delivery | None) -> Subscriber | None:
    if delivery is None:
        return None
    readers = Subscriber.objects.select_for_update(no_key=True)
    return readers.filter(pk=delivery.subscriber_id).first()


def _event_id(event: Any, esp_name: str) -> str:
    """A name that a repetition of the same event has too: the provider's own, else made of what it says."""
    kind = f"{_clean(esp_name, 30)}:{_clean(event.event_type, 20)}"
    own = _clean(event.event_id, 1000)
    if own and len(own) <= 140:
        return f"{kind}:{own}"
    told = [own, event.message_id, event.recipient, event.timestamp]
    return f"{kind}:{hashlib.sha256(repr([str(part) for part in told]).encode()).hexdigest()}"


def _facts(event: Any, delivery: Delivery | None) -> dict[str, Any]:
    """The columns of the Event. The reader's address is taken out: events outlive an erased reader."""
    description = _clean(event.description, 2000)
    address = re.escape(_clean(event.recipient, 320))
    if address:
        description = re.sub(address, "(the reader)", description, flags=re.IGNORECASE)
    timestamp = event.timestamp
    if isinstance(timestamp, datetime) and timezone.is_naive(timestamp):
        timestamp = timestamp.replace(tzinfo=UTC)
    return {
        "event_type": _clean(event.event_type, 20),
        "timestamp": timestamp,
        "delivery": delivery,
        "reject_reason": _clean(event.reject_reason, 40),
        "description": description[:500],
    }


def _mark(delivery: Delivery, event: Any, *, now: datetime) -> None:
    """Record on the ledger that the provider has the mail, and the worst that is known of it."""
    row = Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    proven = row.state in UNPROVEN
    if proven:
        row.state, row.reason = Delivery.State.ACCEPTED, "the provider told of it"
        row.token, row.lease_until, row.next_at = None, None, None
        row.settled_at = now
        row.message_id = _clean(event.message_id, 200) or row.message_id
    if STRENGTH.get(event.event_type, 0) > STRENGTH.get(row.outcome, 0):
        row.outcome = event.event_type
    row.save()
    if proven:
        close_without_doubt(row.edition_id)


def _tighten(reader: Subscriber, event: Any, *, now: datetime) -> None:
    """Stop mailing where the event asks for it. Nothing here ever makes anybody mailed again."""
    kind, reason = event.event_type, event.reject_reason
    if kind == EventType.COMPLAINED or (kind == EventType.REJECTED and reason == RejectReason.SPAM):
        _suppress(reader, EventType.COMPLAINED)
    elif kind in (EventType.BOUNCED, EventType.REJECTED) and _is_for_good(event):
        _suppress(reader, EventType.BOUNCED)
    elif EventType.UNSUBSCRIBED in (kind, reason):
        staying.unsubscribe(reader.pk, now=now)


def _suppress(reader: Subscriber, reason: str) -> None:
    suppress(reader.email_key, reason)
    # Who left stays "unsubscribed": lifting the suppression later must not make them active.
    left = Subscriber.State.UNSUBSCRIBED
    Subscriber.objects.filter(pk=reader.pk).exclude(state=left).update(state=Subscriber.State.SUPPRESSED)


def _is_for_good(event: Any) -> bool:
    """Whether a bounce says that the address will not work tomorrow either."""
    if event.reject_reason not in (RejectReason.BOUNCED, RejectReason.INVALID):
        return False
    # Anymail has one word for hard and soft bounces; Postmark, Brevo, Mandrill, MailerSend and SES have two.
    raw = event.esp_event if isinstance(event.esp_event, Mapping) else {}
    bounce = raw.get("bounce")
    words = [raw.get("Type"), raw.get("event"), raw.get("type")]
    words.append(bounce.get("bounceType") if isinstance(bounce, Mapping) else None)
    return not any(re.search("soft|transient", str(word), re.IGNORECASE) for word in words)


def _key(recipient: object) -> str | None:
    try:
        return parse_address(str(recipient or "")).key
    except AddressError:
        return None


def _clean(value: object, longest: int) -> str:
    """One line that PostgreSQL takes; providers pass on what mail servers of any kind said."""
    return "" if value is None else _CONTROL.sub(" ", str(value)).strip()[:longest]
