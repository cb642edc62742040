"""Sends a frozen edition to everybody who is owed it."""

import time
from argparse import ArgumentParser
from collections import Counter
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from config.durability import refuse_unsafe
from newsletter.addresses import AddressError, parse_address
from newsletter.delivery import closing, owed, pausing, planning, sending, settling, sweeping
from newsletter.delivery.printing import PrintRoom
from newsletter.models import Delivery, Edition, Subscriber, TopicMix
from papers.management import arguments

State = Edition.State


class Command(BaseCommand):
    _said = 0.0  # when progress was last shown
    help = "Send a frozen edition. Run it twice, kill it, run it again: nobody gets a second mail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--date", metavar="DATE", help="the edition's day, YYYY-MM-DD; the latest")
        parser.add_argument("--dry-run", action="store_true", help="say who would get what; send nothing")
        parser.add_argument("--to", metavar="ADDRESS", help="only to this subscriber")

    def handle(self, *args: Any, **options: Any) -> None:
        edition = self._edition(arguments.day("--date", options["date"]) if options["date"] else None)
        only = self._subscriber(options["to"])
        if edition.state not in Edition.SENDABLE:
            self.stdout.write(f"{edition} is {edition.state}: nothing to send.")
            return
        if options["dry_run"]:
            self._say_what_would_be_sent(edition, only)
            return
        refuse_unsafe(connection)
        sweeping.sweep(now=timezone.now())
        settling.settle_cancelled(now=timezone.now())  # else they cover what is planned here
        with transaction.atomic():
            planned = planning.plan(edition, now=timezone.now(), only=only, late_too=True)
            if only is not None:
                pausing.asked_for(edition, only)
        report = self._send(edition, only)
        closed = only is None and closing.close_if_done(edition, now=timezone.now(), late_too=True)
        self._summarise(edition, planned, report, closed=closed)
        if report.stopped:
            raise CommandError(f"{report.stopped}. Nothing is lost: run the command again")

    def _send(self, edition: Edition, only: Subscriber | None) -> sending.SendReport:
        """Send, and wait for claims that a killed sender left until they run out."""
        edition.refresh_from_db()
        total = sending.Sender(edition, only=only, progress=self._progress).run()
        while not total.stopped and only is None:
            held, until = closing.held_elsewhere(edition)
            if until is None:
                break
            wait = max(0.0, (until - timezone.now()).total_seconds()) + 0.1
            self.stdout.write(f"{held} mails are in another sender's hands; waiting {wait:.0f} s")
            time.sleep(wait)
            sweeping.sweep(now=timezone.now())
            total = sending.Sender(edition, progress=self._progress, report=total).run()
        return total

    def _progress(self, report: sending.SendReport) -> None:
        # Asked for at each commit, which has several mails.
        if self.stdout.isatty() and time.monotonic() > self._said + 0.1:
            self._said = time.monotonic()
            self.stdout.write(f"\r{report.accepted} sent", ending="")
            self.stdout.flush()

    def _summarise(self, edition: Edition, planned: int, report: sending.SendReport, *, closed: bool) -> None:
        rows = Delivery.objects.filter(edition=edition)
        left = rows.exclude(state__in=Delivery.SETTLED).count()
        self.stdout.write(
            f"{edition}: {planned} planned, {report.digests} digests composed, "
            f"{report.accepted} mails accepted, {report.skipped} skipped, {report.rejected} rejected, "
            f"{report.in_doubt} in doubt{f', {report.expired} too late' if report.expired else ''}"
        )
        if left:
            self.stdout.write(f"{left} mails are not settled yet: the tick goes on, or run this again")
        elif closed:
            doubt = rows.filter(state=Delivery.State.IN_DOUBT).count()
            self.stdout.write(f"Closed{f' with {doubt} in doubt: see the admin' if doubt else ''}.")

    def _say_what_would_be_sent(self, edition: Edition, only: Subscriber | None) -> None:
        now = timezone.now()
        waiting = Delivery.objects.filter(edition=edition, state=Delivery.State.PENDING, expires_at__gt=now)
        if only is not None:
            waiting = waiting.filter(subscriber=only)
        self.stdout.write(f"{edition}, {edition.state}")
        counts = Counter(
            (edition.date, mix)
            for mix in owed.readers_by_hand(edition, only=only, now=now).values_list("mix_id", flat=True)
        ) + Counter(waiting.values_list("first_on", "mix_id"))
        mixes = TopicMix.objects.filter(pk__in={mix for _, mix in counts}).prefetch_related("choices__topic")
        by_id = {mix.pk: mix for mix in mixes}
        room = PrintRoom(edition)
        mails = 0
        for (first_on, mix_id), readers in sorted(counts.items()):
            printed = room.printed(first_on, by_id[mix_id])
            what = "nothing matches, no mail"
            if printed:
                mails += readers
                what = f"{len(printed.digest.items)} papers: {printed.subject}"
            self.stdout.write(f"{readers:>6} readers  {what}")
        self.stdout.write(f"{mails} mails, {room.composed} digests. Nothing was sent.")

    def _edition(self, day: date | None) -> Edition:
        frozen = Edition.objects.exclude(frozen_at=None).order_by("-date")
        # Without a day: the latest that has papers, since an empty one is nothing to send.
        edition = frozen.filter(date=day).first() if day else frozen.exclude(state=State.EMPTY).first()
        if edition is None:
            which = f"of {day}" if day else "yet"
            raise CommandError(f"There is no frozen edition {which}: run build_edition first")
        return edition

    def _subscriber(self, raw: str | None) -> Subscriber | None:
        if raw is None:
            return None
        try:
            key = parse_address(raw).key
        except AddressError as error:
            raise CommandError(f"--to {raw!r}: {error}") from error
        found = Subscriber.objects.filter(email_key=key, state=Subscriber.State.ACTIVE).first()
        if found is None:
            raise CommandError(f"--to {raw!r}: no active subscriber has this address")
        return found
