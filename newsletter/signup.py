"""Becoming a reader. Each verb locks the reader's row, as leaving does (`newsletter.staying`), which wins.

Verbs that take a bare address answer nothing, so that no caller can tell a known address from an unknown one.
They only write an OutboxMail; `newsletter.outbox` sends it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from newsletter.addresses import Address
from newsletter.inbox_cap import may_be_mailed
from newsletter.models import OutboxMail, Subscriber, TopicMix
from newsletter.reader_row import locked
from newsletter.suppression import suppressed
from newsletter.times import Times, times_after, times_of
from newsletter.tokens import one_off_mail
from newsletter.weekdays import EVERY_DAY

CONFIRM_WITHIN = timedelta(hours=72)
FORGET_AFTER = timedelta(days=14)
# The same wish again within a minute is a second click, not a second wish.
SAME_WISH_WITHIN = timedelta(minutes=1)


class Outcome(Enum):
    """What a confirmation link turned out to be."""

    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    LEFT = "left"  # the reader unsubscribed after asking for it
    BLOCKED = "blocked"  # mail to the address bounced, or was called spam
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Confirmation:
    outcome: Outcome
    subscriber: Subscriber | None = None
    mail: OutboxMail | None = None  # the one with the link


def request_subscription(
    address: Address, mix: TopicMix, *, now: datetime, times: Times | None = None, zone_if_new: str = ""
) -> None:
    """Ask the owner of `address` to confirm `mix`, and `times` where those were chosen. Until then nothing
    changes for a reader who is active.

    `zone_if_new` is for somebody who was never a reader and chose no times.
    """
    if suppressed([address.key]):
        return
    with transaction.atomic():
        # Fifty requests at once for one new address: one row, and the others wait for it here.
        Subscriber.objects.bulk_create(
            [Subscriber(email=address.email, email_key=address.key, mix=mix)], ignore_conflicts=True
        )
        subscriber = locked(email_key=address.key)
        if times is None and zone_if_new and subscriber.confirmed_at is None:
            times = Times(zone_if_new)
        if _may_be_mailed(subscriber, now=now, by_anybody=True):
            _ask_to_confirm(subscriber, mix, times, now=now)


def request_return(subscriber_id: int, *, now: datetime) -> None:
    """Ask a reader who left to confirm the choice they had: the way back from the unsubscribe page."""
    with transaction.atomic():
        subscriber = locked(pk=subscriber_id)
        if _may_be_mailed(subscriber, now=now):
            _ask_to_confirm(subscriber, subscriber.mix, None, now=now)


def request_preferences_link(address: Address, *, now: datetime) -> None:
    """Mail the link to the preferences to an active reader of this address; nothing to anybody else."""
    with transaction.atomic():
        subscriber = Subscriber.objects.select_for_update(no_key=True).filter(email_key=address.key).first()
        if subscriber is None or subscriber.state != Subscriber.State.ACTIVE:
            return
        unsent = subscriber.outbox.filter(kind=OutboxMail.Kind.PREFERENCES, state=OutboxMail.State.PENDING)
        if _may_be_mailed(subscriber, now=now, by_anybody=True) and not unsent.exists():
            OutboxMail.objects.create(subscriber=subscriber, kind=OutboxMail.Kind.PREFERENCES)


def look_up_confirmation(token: str, *, now: datetime) -> Confirmation:
    """Say what pressing the button would do, and change nothing."""
    mail = one_off_mail(OutboxMail.Kind.CONFIRM, token)
    if mail is None:
        return Confirmation(Outcome.UNKNOWN)
    return Confirmation(_outcome(mail, mail.subscriber, now=now), mail.subscriber, mail)


def confirm(token: str, *, now: datetime) -> Confirmation:
    """Put the confirmed choice in force; again is no different from once.

    Lifts `unsubscribed`, never a suppression. What was due before this moment is not owed.
    """
    mail = one_off_mail(OutboxMail.Kind.CONFIRM, token)
    if mail is None:
        return Confirmation(Outcome.UNKNOWN)
    with transaction.atomic():
        subscriber = locked(pk=mail.subscriber_id)
        mail.refresh_from_db()
        outcome = _outcome(mail, subscriber, now=now)
        if outcome is not Outcome.CONFIRMED or mail.used_at is not None:
            return Confirmation(outcome, subscriber, mail)
        _put_in_force(mail, subscriber, now=now)
        mail.used_at = now
        mail.save(update_fields=["used_at"])
    return Confirmation(Outcome.CONFIRMED, subscriber, mail)


def forget_unconfirmed(*, now: datetime) -> int:
    """Delete who asked by the form and never confirmed, with their mails, and return how many."""
    asked_lately = OutboxMail.objects.filter(subscriber=OuterRef("pk"), created_at__gt=now - FORGET_AFTER)
    asked = Subscriber.objects.filter(origin="form", state=Subscriber.State.PENDING)
    silent = asked.filter(created_at__lt=now - FORGET_AFTER)
    with transaction.atomic():
        # Locked, so that somebody who confirms at this moment is not among them.
        locked = silent.exclude(Exists(asked_lately)).select_for_update(skip_locked=True)
        keys = list(locked.values_list("pk", flat=True))
        Subscriber.objects.filter(pk__in=keys).delete()
    return len(keys)


def _put_in_force(mail: OutboxMail, subscriber: Subscriber, *, now: datetime) -> None:
    if mail.mix is not None:
        subscriber.mix = mail.mix
    wished = times_after(mail, subscriber)
    if wished != times_of(subscriber):
        subscriber.timezone, subscriber.hour = wished.timezone, wished.hour
        subscriber.weekdays = wished.weekdays
        # Else a time of theirs that has passed today would be made up for.
        subscriber.active_from = now
    if subscriber.state != Subscriber.State.ACTIVE:
        subscriber.active_from = subscriber.confirmed_at = now
        subscriber.paused_until = None
    subscriber.state = Subscriber.State.ACTIVE
    subscriber.unsubscribed_at = None
    subscriber.save()


def _may_be_mailed(subscriber: Subscriber, *, now: datetime, by_anybody: bool = False) -> bool:
    if subscriber.state == Subscriber.State.SUPPRESSED:
        return False
    return may_be_mailed(subscriber.email_key, now=now, by_anybody=by_anybody)


def _ask_to_confirm(subscriber: Subscriber, mix: TopicMix, times: Times | None, *, now: datetime) -> None:
    wish: dict[str, Any] = {"mix": mix, "timezone": "", "hour": None, "weekdays": EVERY_DAY}
    if times is not None:
        wish |= {"timezone": times.timezone, "hour": times.hour, "weekdays": times.weekdays}
    asked = subscriber.outbox.filter(kind=OutboxMail.Kind.CONFIRM, used_at=None).order_by("-id")
    unsent = asked.select_for_update(no_key=True).filter(state=OutboxMail.State.PENDING).first()
    if unsent is not None:
        asked.filter(pk=unsent.pk).update(**wish)
    elif not asked.filter(**wish, created_at__gt=now - SAME_WISH_WITHIN).exists():
        OutboxMail.objects.create(subscriber=subscriber, kind=OutboxMail.Kind.CONFIRM, **wish)


def _outcome(mail: OutboxMail, subscriber: Subscriber, *, now: datetime) -> Outcome:
    if subscriber.state == Subscriber.State.SUPPRESSED or suppressed([subscriber.email_key]):
        return Outcome.BLOCKED
    if mail.used_at is not None:
        # A second click on a used link says how things stand, however old it is.
        return Outcome.CONFIRMED if subscriber.state == Subscriber.State.ACTIVE else Outcome.LEFT
    if mail.handed_over_at is None or now - mail.handed_over_at > CONFIRM_WITHIN:
        return Outcome.EXPIRED
    return Outcome.CONFIRMED
