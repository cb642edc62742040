"""Changing one's choice, pausing, leaving, and coming back at once.

Each verb locks the reader's row, and leaving wins every race: whatever else changes a reader looks under the
lock whether they still are one.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from django.db import transaction

from newsletter import own_time
from newsletter.delivery import pausing
from newsletter.mixes import LENGTHS, mix_for
from newsletter.models import OutboxMail, Subscriber, TopicMix
from newsletter.reader_row import locked
from newsletter.schedule import zone_or_utc
from newsletter.suppression import suppressed

UNDO_WITHIN = timedelta(hours=1)
WEEKLY_ON = 1 << 4  # Friday; the preferences have all days
PAUSE = timedelta(weeks=4)

State = Subscriber.State


class Instead(Enum):
    """What a reader who has just left may have instead."""

    SAME = "same"
    WEEKLY = "weekly"
    FEWER = "fewer"
    PAUSE = "pause"


def change_preferences(
    subscriber_id: int, mix: TopicMix, *, now: datetime, when: Mapping[str, Any] | None = None
) -> bool:
    """Put `mix`, and those of `own_time.FIELDS` that `when` has, in force at once for an active reader;
    False, and no change, for anybody else."""
    with transaction.atomic():
        subscriber = locked(pk=subscriber_id)
        if subscriber.state != State.ACTIVE:
            return False
        subscriber.mix = mix
        subscriber.save(update_fields=["mix"])
        own_time.change(subscriber_id, when or {}, now=now)
    return True


def pause(subscriber_id: int, *, until: date | None, now: datetime) -> bool:
    """Mail an active reader nothing before this day of theirs; None ends a pause. False for anybody else."""
    with transaction.atomic():
        if locked(pk=subscriber_id).state != State.ACTIVE:
            return False
        own_time.change(subscriber_id, {"paused_until": until}, now=now)
    return True


def unsubscribe(subscriber_id: int, *, now: datetime) -> None:
    """Never mail this reader again until they confirm anew. Links asked for before this are void, but the
    private ones: they bring no mail, and who leaves may want to take all along or be forgotten.

    Saying it again makes every way back that is open on a page void: whatever came first, they have left.
    """
    with transaction.atomic():
        subscriber = locked(pk=subscriber_id)
        # Whom the list keeps from mail too: lifting the suppression later must not make them active.
        barred = subscriber.state == State.SUPPRESSED and bool(suppressed([subscriber.email_key]))
        lately = _left_lately(subscriber, now=now)
        if barred or lately or subscriber.state in (State.PENDING, State.ACTIVE):
            subscriber.state = State.UNSUBSCRIBED
            subscriber.unsubscribed_at = now
            subscriber.save(update_fields=["state", "unsubscribed_at"])
        # The word to the old inbox that mail goes elsewhere must not be stopped from the new one.
        asked = subscriber.outbox.exclude(kind=OutboxMail.Kind.MOVED)
        kept = asked.exclude(kind=OutboxMail.Kind.PRIVATE).filter(used_at=None)
        kept.update(used_at=now, reason="unsubscribed afterwards")
        asked.filter(state=OutboxMail.State.PENDING).update(
            state=OutboxMail.State.REJECTED, reason="unsubscribed afterwards"
        )


def may_undo(reader: Subscriber, *, now: datetime) -> bool:
    """Whether this reader left so lately that the link in their mails brings them back by itself."""
    # Who never was one has nothing to come back to.
    was_reader = reader.active_from is not None
    return was_reader and _left_lately(reader, now=now) and not suppressed([reader.email_key])


def come_back(subscriber_id: int, *, left_at: datetime, instead: Instead, now: datetime) -> bool:
    """Undo the leaving of this very moment, with less than before where `instead` says so; False, and no
    change, where they left (again) at another one, or too long ago. What came due meanwhile is not owed."""
    with transaction.atomic():
        reader = locked(pk=subscriber_id)
        if reader.unsubscribed_at != left_at or not may_undo(reader, now=now):
            return False
        reader.state, reader.unsubscribed_at, reader.active_from = State.ACTIVE, None, now
        if instead is Instead.WEEKLY:
            reader.weekdays = WEEKLY_ON
        elif instead is Instead.FEWER:
            reader.mix = _with_fewer(reader.mix)
        elif instead is Instead.PAUSE:
            reader.paused_until = now.astimezone(zone_or_utc(reader.timezone)).date() + PAUSE
        reader.save()
        pausing.skip_waiting(reader, now=now)
    return True


def _left_lately(reader: Subscriber, *, now: datetime) -> bool:
    left = reader.unsubscribed_at
    return reader.state == State.UNSUBSCRIBED and left is not None and now - left <= UNDO_WITHIN


def _with_fewer(mix: TopicMix) -> TopicMix:
    weights = {choice.topic: choice.weight for choice in mix.choices.select_related("topic")}
    return mix_for(weights, length=LENGTHS[0], language=mix.language, when_empty=mix.when_empty)
