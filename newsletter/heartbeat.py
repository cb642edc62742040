"""The tick: makes whatever edition is due, and says what is waiting. Idempotent; anybody may call it.

It reads no source, which may take minutes: it says which are due, and the door that called it starts them.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from celery.exceptions import SoftTimeLimitExceeded

from newsletter import clearing, edition, editorial, signup
from newsletter.delivery import brakes, closing, expiring, planning, sweeping
from newsletter.marks import LAST_TICK
from newsletter.models import Edition
from newsletter.own_data import moving
from papers.models import Mark
from papers.reading import duties, runs, thinning, timetable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a tick found: today's edition where it is frozen, how many mails were newly planned, and which
    sources have a reading due."""

    edition: Edition | None
    planned: int
    due_sources: Sequence[str] = ()


def beat(*, now: datetime) -> Pulse:
    """Freeze today's edition once it is due and its sources were read, plan the mails that came due, take
    back what dead senders held, end what comes too late, close editions of which nothing is to come."""
    today = now.astimezone(UTC).date()
    _notice_absence(today, now=now)
    runs.sweep(now=now)
    is_due = now >= timetable.freeze_moment(today)
    built = edition.build_when_ready(today, now=now) if is_due else None
    edition.open_next(now=now)
    editorial.look_after(now=now)
    brakes.look(now=now)
    sweeping.sweep(now=now)
    signup.forget_unconfirmed(now=now)
    moving.forget_addresses(now=now)
    expired = expiring.expire(now=now)
    planned = planning.plan_due(now=now)
    if planned or expired:
        logger.info("Planned %s mails; %s were not sent in time", planned, expired)
    for sending in Edition.objects.filter(state=Edition.State.SENDING).order_by("date"):
        closing.close_if_done(sending, now=now)
    sources = dict.fromkeys(target.source for target in duties.due(now=now))
    _tidy(now=now)  # last: of all this it can wait best
    return Pulse(built, planned, tuple(sources))


def _tidy(*, now: datetime) -> None:
    """Go on with what makes room. Should that fail, the readings that are due are begun all the same."""
    for chore in (thinning.go_on, clearing.go_on):
        try:
            chore(now=now)
        except SoftTimeLimitExceeded:
            raise
        except Exception:
            logger.exception("Old rows cannot be cleared now; the next tick tries again")


def _notice_absence(today: date, *, now: datetime) -> None:
    """Remember this tick. Where the one before is long past, the days between are recorded as missed, and
    today's edition gets all its time for readings: nobody tried them meanwhile."""
    before = Mark.objects.filter(name=LAST_TICK).values_list("at", flat=True).first()
    if before is not None and now - before > timetable.AWAY:
        edition.miss_between(before.astimezone(UTC).date(), today)
        edition.wait_anew(today, now=now)
    Mark.objects.update_or_create(name=LAST_TICK, defaults={"at": now})
