"""Celery's doors: each loads nothing, calls one verb, and may be lost at any moment."""

from celery import shared_task

from papers import refiling

REFILE_SECONDS = 30


@shared_task
def refile() -> None:
    """File papers anew for a while, and queue what is left, so that other tasks get their turn between."""
    if refiling.work(seconds=REFILE_SECONDS):
        refile.apply_async()
