"""Does whatever is due now, here and at once, without a worker: for cron and for people.

Sources are read last, so that a slow one keeps no mail waiting, and only where no broker is set: with one,
the workers read them.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from config.durability import refuse_unsafe
from newsletter import heartbeat, outbox
from newsletter.delivery import draining
from newsletter.models import Edition
from papers.reading import rounds
from papers.sources.names import name_of
from papers.topics import refiling

REFILE_SECONDS = 30  # then the next tick goes on
READ_SECONDS = 30  # for each source; the next tick goes on
STOP_SECONDS = 90  # after which a slow source is left, with its run finished


class Command(BaseCommand):
    help = "Do whatever is due now: build, plan, send, re-file. Any number of times, by any number at once."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unsafe(connection)
        pulse = heartbeat.beat(now=timezone.now())
        asked = outbox.send_pending(now=timezone.now())
        sent = draining.drain(now=timezone.now())
        refiling.work(seconds=REFILE_SECONDS)
        mails = f"{pulse.planned} planned, {asked + sent.accepted} accepted"
        self.stdout.write(f"{_today(pulse.edition)}. Mails: {mails}.")
        if sent.stopped:
            self.stderr.write(f"Stopped: {sent.stopped}")
        if settings.CELERY_BROKER_URL == "memory://":
            for source in pulse.due_sources:
                with rounds.at_most(STOP_SECONDS):
                    for run in rounds.read_due(source, now=timezone.now(), seconds=READ_SECONDS):
                        self.stdout.write(f"{name_of(run.source)} {run.target}: {run.verdict}, {run.message}")


def _today(built: Edition | None) -> str:
    """How today's edition stands."""
    if built:
        return f"{built} is {built.state}"
    waiting = Edition.objects.filter(date=timezone.now().date()).first()
    if waiting and waiting.state == Edition.State.HELD:
        return f"{waiting} is held: {waiting.held_because or 'it waits for approval'}"
    if waiting and waiting.awaited_from:
        return f"{waiting} waits for its sources"
    return "No edition is due yet"
