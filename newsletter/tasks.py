"""Celery's doors: each loads nothing, calls one verb, and may be lost at any moment."""

from celery import current_app, shared_task
from django.conf import settings
from django.utils import timezone

from newsletter import heartbeat, outbox
from newsletter.delivery import draining
from papers.topics import refiling

DRAIN_SECONDS = 30


@shared_task
def tick() -> None:
    expires = settings.NEWSLETTER_TICK_SECONDS
    try:
        due = heartbeat.beat(now=timezone.now()).due_sources
    finally:
        # Whatever keeps today's edition back, mails that wait go out; asked-for ones ahead of digests. What
        # no worker took by the next tick is queued again then, so it must not pile up.
        send_outbox.apply_async(expires=expires)
        drain.apply_async(expires=expires)
        refiling.wake(now=timezone.now(), expires=expires)
    # Last, since a slow source takes a minute; by name, for doors do not import each other.
    for source in due:
        current_app.send_task("papers.tasks.fetch", [source], expires=expires)


@shared_task
def drain() -> None:
    """Send for a while; where mails still wait, let the next drain follow, asked-for mails ahead of it."""
    if draining.drain(now=timezone.now(), seconds=DRAIN_SECONDS).out_of_time:
        # More of them than workers expire in the queue: each tick may begin another such row.
        send_outbox.apply_async(expires=settings.NEWSLETTER_TICK_SECONDS)
        drain.apply_async(expires=settings.NEWSLETTER_TICK_SECONDS)


@shared_task
def send_outbox() -> None:
    outbox.send_pending(now=timezone.now())
