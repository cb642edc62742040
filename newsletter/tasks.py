"""Celery's doors: each loads nothing, calls one verb, and may be lost at any moment."""

from celery import shared_task
from django.utils import timezone

from newsletter import delivery, heartbeat, outbox

DRAIN_SECONDS = 30


@shared_task
def tick() -> None:
    heartbeat.beat(now=timezone.now())
    # Asked-for mails go ahead of digests.
    send_outbox.delay()
    drain.delay()


@shared_task
def drain() -> None:
    delivery.drain(now=timezone.now(), seconds=DRAIN_SECONDS)


@shared_task
def send_outbox() -> None:
    outbox.send_pending(now=timezone.now())
