"""A whole day in one go: import, freeze, compose and "send" into a folder. Run twice, it sends nothing."""

from argparse import ArgumentParser
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max
from django.utils import timezone

from newsletter import edition
from newsletter.delivery import closing, planning, sending, sweeping
from newsletter.demo.outbox_page import write_index
from newsletter.demo.readers import make_readers, others_active
from newsletter.mixes import topics_in_words
from newsletter.models import Delivery, Edition
from papers.importing import import_file, read_file
from papers.ingest import IngestReport
from papers.models import Paper
from papers.reading.timetable import freeze_moment
from papers.reasons import explain
from papers.sources.record import PaperRecord, SourceError

SAMPLE = Path(settings.BASE_DIR) / "papers" / "sample" / "daily_papers.jsonl"
COUNTS = ("read", "new", "updated", "unchanged", "rejected")


class Command(BaseCommand):
    help = "Play a whole day on sample papers or on your FILES; the mails go to var/outbox and nowhere else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="papers; the sample if none")

    def handle(self, *args: Any, **options: Any) -> None:
        # Whatever the environment says about mail: a demo never mails anybody.
        settings.EMAIL_BACKEND = "newsletter.filemail.EmailBackend"
        call_command("migrate", verbosity=0)
        strangers = others_active()
        if strangers:
            raise CommandError(
                f"This database has {strangers} active readers who are not the demo's, and their mail must "
                "not end in a folder. Use build_edition and send_edition, or another database."
            )
        files = options["files"] or [SAMPLE]
        self.stdout.write(self.style.MIGRATE_HEADING(f"{settings.NEWSLETTER_NAME}: a day in one go"))
        reports = self._import(files)
        day = self._edition_day(files)
        readers = make_readers(now=timezone.now())
        # The day may still be to come (papers listed today are for tomorrow's edition): play its moment.
        now = max(timezone.now(), freeze_moment(day))
        built = edition.build(day, now=now)
        self._show_edition(built)
        sent, planned = self._send(built, now)
        index = write_index(Path(settings.NEWSLETTER_OUTBOX_DIR))
        self._show_mails(built, sent, planned, len(readers))
        self.stdout.write(
            f"\nRead them    {index.resolve().as_uri()}\n"
            "Go on        python3 manage.py serve    the site, the worker and the timetable\n"
            "             python3 manage.py test     the whole test suite"
        )
        if built.date > timezone.now().date():
            self.stdout.write(f"\nThe site shows this edition from {built.date:%A %-d %B} on, its own day.")
        if sum(report.new for report in reports) == 0 and not sent.accepted:
            self.stdout.write("\n0 new papers and 0 mails: the ledger knows that everybody has this edition.")

    def _import(self, files: list[Path]) -> list[IngestReport]:
        self.stdout.write("\nPapers")
        reports = []
        for path in files:
            try:
                report = import_file(path, now=timezone.now())
            except SourceError as error:
                raise CommandError(str(error)) from error
            reports.append(report)
            self._line(report.target, report)
            for reject in report.rejects:
                self.stdout.write(f"    {report.target}, {reject.position}: {reject.reason}")
        if len(reports) > 1:
            totals = {name: sum(getattr(report, name) for report in reports) for name in COUNTS}
            self.stdout.write(f"  {'together':<34}" + _counts(totals))
        return reports

    def _line(self, name: str, report: IngestReport) -> None:
        shown = name if len(name) <= 32 else f"…{name[-31:]}"
        self.stdout.write(f"  {shown:<34}" + _counts({name: getattr(report, name) for name in COUNTS}))

    def _edition_day(self, files: list[Path]) -> date:
        """The day after the newest list day in the files; archives were listed on the day of their import."""
        told = [
            record.listed_on
            for path in files
            for record in read_file(path)[1]
            if isinstance(record, PaperRecord) and record.listed_on
        ]
        archived = Paper.objects.filter(from_archive=True).aggregate(newest=Max("listed_on"))["newest"]
        newest = max(told, default=archived)
        if newest is None:
            raise CommandError("These files hold no paper, so there is no edition to make.")
        return newest + timedelta(days=1)

    def _show_edition(self, built: Edition) -> None:
        entries = list(built.entries.all())
        number = f" · No. {built.number}" if built.number else ""
        chosen = f"{len(entries)} papers chosen from {built.candidate_count}"
        self.stdout.write(f"\nEdition of {built.date} · {built.date:%A %-d %B %Y}{number} · {chosen}")
        for entry in entries[:3]:
            self.stdout.write(f"  {entry.rank}. {entry.card['title']}")
            self.stdout.write(f"     {explain(entry.terms)}")

    def _send(self, built: Edition, now: datetime) -> tuple[sending.SendReport, int]:
        sweeping.sweep(now=timezone.now())
        planned = planning.plan(built, now=now, late_too=True)
        built.refresh_from_db()
        if built.state not in Edition.SENDABLE:
            return sending.SendReport(), planned
        sent = sending.Sender(built).run()
        closing.close_if_done(built, now=timezone.now(), late_too=True)
        return sent, planned

    def _show_mails(self, built: Edition, sent: sending.SendReport, planned: int, readers: int) -> None:
        self.stdout.write(
            f"\nMails        {readers} readers, {planned} newly planned, {sent.digests} digests composed, "
            f"{sent.accepted} mails written, {sent.skipped} skipped"
        )
        if not sent.accepted:
            return
        rows = Delivery.objects.filter(edition=built).select_related("subscriber", "mix").order_by("pk")
        for row in rows.prefetch_related("mix__choices__topic"):
            outcome = "" if row.state == Delivery.State.ACCEPTED else f" ({row.state}: {row.reason})"
            self.stdout.write(f"  {row.subscriber.email:<20}{topics_in_words(row.mix)}{outcome}")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[name]:,} {name}" for name in COUNTS)
