"""manage.py import_subscribers FILE.csv: readers who agreed elsewhere, with their topics."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from newsletter.models import Subscriber
from newsletter.subscriber_import import Importer, ImportReport, Note
from newsletter.subscriber_rows import FileError

STATES = [Subscriber.State.ACTIVE.value, Subscriber.State.PENDING.value]


class Command(BaseCommand):
    help = (
        "Import readers from a CSV file with the columns "
        "email,topics[,length,when_empty,timezone,hour,days,paused_until]."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, help="CSV in UTF-8; topics by slug or name, separated by ; or |"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")
        parser.add_argument(
            "--update",
            action="store_true",
            help="give known readers the choice and the time that the file says",
        )
        parser.add_argument(
            "--state", choices=STATES, default=STATES[0], help="of new readers (default: %(default)s)"
        )

    def handle(self, *args: Any, file: Path, state: str, update: bool, dry_run: bool, **options: Any) -> None:
        importer = Importer(now=timezone.now(), state=state, update=update, dry_run=dry_run, note=self._note)
        progress = self._progress if self.stderr.isatty() else None
        try:
            importer.run(file, progress)
        except FileError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except KeyboardInterrupt:
            self._print(file, importer.report, dry_run)
            raise CommandError(
                "Stopped. What is written stays; run it again to go on.", returncode=130
            ) from None
        self._print(file, importer.report, dry_run)

    def _note(self, note: Note) -> None:
        self.stderr.write(f"line {note.line}: {note.reason}")

    def _progress(self, read: int) -> None:
        self.stderr.write(f"\r{read:,} rows", ending="")
        self.stderr.flush()

    def _print(self, file: Path, report: ImportReport, dry_run: bool) -> None:
        if report.ignored_columns:
            self.stdout.write(f"Columns not used: {', '.join(map(ascii, report.ignored_columns))}")
        self.stdout.write(
            f"{file.name}: {report.read:,} read, {report.new:,} new, {report.updated:,} updated, "
            f"{report.unchanged:,} unchanged, {report.skipped:,} skipped, {report.rejected:,} rejected"
            + (" (dry run: nothing was written)" if dry_run else "")
        )
        if report.differing:
            self.stdout.write(
                f"{report.differing:,} of the unchanged chose otherwise here; --update takes the file's word."
            )
