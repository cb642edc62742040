"""The tick: makes whatever edition is due, and says what is waiting. Idempotent; anybody may call it."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from newsletter import delivery, edition, signup
from newsletter.models import Edition

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a tick found: today's edition where it is frozen, and how many mails were newly planned."""

    edition: Edition | None
    planned: int


def beat(*, now: datetime) -> Pulse:
    """Freeze today's edition once it is due, plan its mails, take back what dead senders held."""
    today = now.astimezone(UTC).date()
    built = edition.build(today, now=now) if now >= edition.freeze_moment(today) else None
    edition.open_next(now=now)
    # A day that went by while nothing ran is said, never silent; `build_edition --date` still makes it.
    Edition.objects.filter(state=Edition.State.OPEN, date__lt=today).update(state=Edition.State.MISSED)
    delivery.sweep(now=now)
    signup.forget_unconfirmed(now=now)
    sendable = Edition.objects.filter(state__in=delivery.SENDABLE).order_by("date")
    planned = sum(delivery.plan(due, now=now) for due in sendable)
    if planned:
        logger.info("Planned %s mails", planned)
    return Pulse(built, planned)
