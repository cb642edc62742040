"""Closes an edition once every row is settled and nobody who is owed it is without one."""

from datetime import datetime

from django.db import transaction

from newsletter.delivery.planning import plan
from newsletter.models import Delivery, Edition

State = Delivery.State


def close_if_done(edition: Edition, *, now: datetime, late_too: bool = False) -> bool:
    """Close an edition once every row is settled and nobody who is owed it lacks a row."""
    if plan(edition, now=now, late_too=late_too):
        return False
    with transaction.atomic():
        locked = Edition.objects.select_for_update().get(pk=edition.pk)
        rows = Delivery.objects.filter(edition=edition)
        if locked.state != Edition.State.SENDING or rows.exclude(state__in=Delivery.SETTLED).exists():
            return False
        doubt = rows.filter(state=State.IN_DOUBT).exists()
        locked.state = Edition.State.CLOSED_WITH_IN_DOUBT if doubt else Edition.State.CLOSED
        locked.closed_at = now
        locked.save(update_fields=["state", "closed_at"])
    return True


def held_elsewhere(edition: Edition) -> tuple[int, datetime | None]:
    """How many rows other senders hold, and when the first claim runs out."""
    held = Delivery.objects.filter(edition=edition, state__in=[State.CLAIMED, State.HANDOFF])
    first = (
        held.filter(state=State.CLAIMED).order_by("lease_until").values_list("lease_until", flat=True).first()
    )
    return held.count(), first
