"""Takes back what dead senders held."""

from datetime import datetime

from newsletter.models import Delivery

State = Delivery.State


def sweep(*, now: datetime) -> int:
    """Take back what dead senders held: claims become pending, hand-overs in doubt; return how many."""
    expired = Delivery.objects.filter(lease_until__lt=now)
    freed = expired.filter(state=State.CLAIMED).update(state=State.PENDING, token=None, lease_until=None)
    lost = expired.filter(state=State.HANDOFF).update(
        state=State.IN_DOUBT,
        reason="the sender ended before it heard an answer",
        lease_until=None,
        settled_at=now,
    )
    return freed + lost
