"""Does whatever is due now, here and at once, without a worker: for cron and for people."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter import delivery, heartbeat, outbox
from papers import refiling

REFILE_SECONDS = 30  # then the next tick goes on


class Command(BaseCommand):
    help = "Do whatever is due now: build, plan, send, re-file. Any number of times, by any number at once."

    def handle(self, *args: Any, **options: Any) -> None:
        pulse = heartbeat.beat(now=timezone.now())
        asked = outbox.send_pending(now=timezone.now())
        sent = delivery.drain(now=timezone.now())
        refiling.work(seconds=REFILE_SECONDS)
        today = f"{pulse.edition} is {pulse.edition.state}" if pulse.edition else "No edition is due yet"
        self.stdout.write(f"{today}. Mails: {pulse.planned} planned, {asked + sent.accepted} accepted.")
        if sent.stopped:
            self.stderr.write(f"Stopped: {sent.stopped}")
