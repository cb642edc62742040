"""Changing one's choice, and leaving. Each verb locks the reader's row: unsubscribing wins."""

from datetime import datetime

from django.db import transaction

from newsletter.models import OutboxMail, Subscriber, TopicMix
from newsletter.reader_row import locked
from newsletter.suppression import suppressed


def change_preferences(subscriber_id: int, mix: TopicMix) -> bool:
    """Put `mix` in force at once for an active reader; False, and no change, for anybody else."""
    with transaction.atomic():
        subscriber = locked(pk=subscriber_id)
        if subscriber.state != Subscriber.State.ACTIVE:
            return False
        subscriber.mix = mix
        subscriber.save(update_fields=["mix"])
    return True


def unsubscribe(subscriber_id: int, *, now: datetime) -> None:
    """Never mail this reader again until they confirm anew. Links asked for before this are void."""
    with transaction.atomic():
        subscriber = locked(pk=subscriber_id)
        # Whom the list keeps from mail too: lifting the suppression later must not make them active.
        barred = subscriber.state == Subscriber.State.SUPPRESSED and bool(suppressed([subscriber.email_key]))
        if barred or subscriber.state in (Subscriber.State.PENDING, Subscriber.State.ACTIVE):
            subscriber.state = Subscriber.State.UNSUBSCRIBED
            subscriber.unsubscribed_at = now
            subscriber.save(update_fields=["state", "unsubscribed_at"])
        subscriber.outbox.filter(used_at=None).update(used_at=now, reason="unsubscribed afterwards")
        subscriber.outbox.filter(state=OutboxMail.State.PENDING).update(state=OutboxMail.State.REJECTED)
