"""Celery's doors: each loads nothing, calls one verb, and may be lost at any moment."""

import logging

from celery import current_app, shared_task
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.durability import UnsafeDatabase, refuse_unsafe
from newsletter import heartbeat, outbox, turns
from newsletter.delivery import draining
from papers.topics import refiling

DRAIN_SECONDS = 30
logger = logging.getLogger(__name__)


def _is_safe() -> bool:
    """Whether mails may leave: the database may have changed since the worker began, or a clock."""
    try:
        refuse_unsafe(connection)
    except UnsafeDatabase as error:
        logger.error("Nothing is sent: %s", error)
        return False
    return True


# A million rows are planned in minutes.
@shared_task(soft_time_limit=15 * 60, time_limit=20 * 60)
def tick() -> None:
    if not _is_safe():
        return
    now, expires = timezone.now(), settings.NEWSLETTER_TICK_SECONDS
    if not turns.take(now=now):
        return
    try:
        try:
            due = heartbeat.beat(now=now).due_sources
        finally:
            # Whatever keeps today's edition back, mails that wait go out; asked-for ones ahead of digests.
            # What no worker took by the next tick is queued again then, so it must not pile up.
            send_outbox.apply_async(expires=expires)
            drain.apply_async(expires=expires)
            refiling.wake(now=timezone.now(), expires=expires)
    except BaseException:
        # Else a machine on which every tick fails would keep away those of the others.
        turns.give_back(began=now)
        raise
    turns.over(began=now)
    # Last, since a slow source takes a minute; by name, for doors do not import each other.
    for source in due:
        current_app.send_task("papers.tasks.fetch", [source], expires=expires)


@shared_task
def drain() -> None:
    """Send for a while; where mails still wait, let the next drain follow, asked-for mails ahead of it."""
    if _is_safe() and draining.drain(now=timezone.now(), seconds=DRAIN_SECONDS).out_of_time:
        # More of them than workers expire in the queue: each tick may begin another such row.
        send_outbox.apply_async(expires=settings.NEWSLETTER_TICK_SECONDS)
        drain.apply_async(expires=settings.NEWSLETTER_TICK_SECONDS)


@shared_task
def send_outbox() -> None:
    if _is_safe():
        outbox.send_pending(now=timezone.now())
