"""Celery's doors: each loads nothing, calls one verb, and may be lost at any moment."""

from celery import shared_task
from django.utils import timezone

from papers.reading import rounds
from papers.topics import refiling

REFILE_SECONDS = 30
READ_SECONDS = 40  # after which no further target is begun; one takes seconds where the source is well
STOP_SECONDS = 100  # after which the reading is stopped and its run finished: others need the process


@shared_task
def refile() -> None:
    """File papers anew for a while, and queue what is left, so that other tasks get their turn between."""
    if refiling.work(seconds=REFILE_SECONDS):
        refile.apply_async()


@shared_task(soft_time_limit=STOP_SECONDS, time_limit=STOP_SECONDS + 30)  # within a run's lease
def fetch(source: str) -> None:
    rounds.read_due(source, now=timezone.now(), seconds=READ_SECONDS)
