"""Sends whatever is due, in all editions, for about as long as a task may run."""

import logging
from datetime import datetime
from time import monotonic

from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from newsletter.delivery.closing import close_if_done
from newsletter.delivery.expiring import expire
from newsletter.delivery.planning import plan
from newsletter.delivery.sending import Sender, SendReport
from newsletter.delivery.settling import settle_cancelled
from newsletter.delivery.sweeping import sweep
from newsletter.models import Edition

logger = logging.getLogger(__name__)
COUNTS = ("digests", "accepted", "rejected", "skipped", "expired", "postponed", "in_doubt")


def drain(*, now: datetime, seconds: float = 30) -> SendReport:
    """Plan and send whatever is due in any edition, for about `seconds`, and close what is done.

    Any number of processes may drain at once: they share an edition row by row. An older edition's mails have
    the earlier deadlines, so it comes first; one that is paused or cannot be sent keeps no other waiting. A
    mail server that cannot be reached ends it all: the next tick tries again.
    """
    total = SendReport()
    sweep(now=now)
    # Before anything is planned: what is too late or cancelled must cover nothing any more.
    expire(now=now)
    settle_cancelled(now=now)
    deadline = monotonic() + seconds
    for edition in Edition.objects.filter(state__in=Edition.SENDABLE).order_by("date"):
        total.out_of_time = total.out_of_time or deadline <= monotonic()
        if total.out_of_time:
            break
        try:
            plan(edition, now=now)
            # Planning may have waited for another planner.
            part = Sender(edition).run(seconds=max(0.0, deadline - monotonic()))
            close_if_done(edition, now=timezone.now())
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:  # an edition may fail in any way, and must not keep the others
            logger.exception("%s cannot be sent", edition)
            total.stopped = total.stopped or f"{edition}: {error}"
            continue
        if part.stopped:
            logger.warning("%s waits: %s", edition, part.stopped)
        for name in COUNTS:
            setattr(total, name, getattr(total, name) + getattr(part, name))
        total.out_of_time = part.out_of_time
        total.stopped = total.stopped or part.stopped
        total.for_all = part.for_all
        if total.for_all:
            break
    return total
