"""Sends whatever is due, in all editions, for about as long as a task may run."""

import logging
from datetime import datetime
from time import monotonic

from django.db import DatabaseError
from django.utils import timezone

from newsletter.delivery.closing import close_if_done
from newsletter.delivery.planning import plan
from newsletter.delivery.sending import Sender, SendReport
from newsletter.delivery.sweeping import sweep
from newsletter.models import Edition

logger = logging.getLogger(__name__)


def drain(*, now: datetime, seconds: float = 30) -> SendReport:
    """Plan and send whatever is due in any edition, for about `seconds`, and close what is done."""
    total = SendReport()
    sweep(now=now)
    deadline = monotonic() + seconds
    for edition in Edition.objects.filter(state__in=Edition.SENDABLE).order_by("date"):
        plan(edition, now=now)
        left = deadline - monotonic()
        if left <= 0:
            break
        try:
            part = Sender(edition).run(seconds=left)
            close_if_done(edition, now=timezone.now())
        except (DatabaseError, ValueError, KeyError) as error:
            # One edition that cannot be printed must not keep the others.
            logger.exception("%s cannot be sent", edition)
            total.stopped = total.stopped or f"{edition}: {error}"
            continue
        for name in ("digests", "accepted", "rejected", "skipped", "postponed", "in_doubt"):
            setattr(total, name, getattr(total, name) + getattr(part, name))
        total.stopped = total.stopped or part.stopped
    return total
