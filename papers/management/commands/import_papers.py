"""`manage.py import_papers FILE...`: a door to `papers.importing`."""

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from papers.importing import import_file
from papers.ingest import IngestReport
from papers.sources.record import SourceError

_COLUMNS = ("read", "new", "updated", "unchanged", "rejected")


class Command(BaseCommand):
    help = "Import papers from page captures, Hugging Face answers, arXiv feeds or JSON Lines (all may
    be
 
  
   
    gzipped)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--captured-on",
            type=_day,
            metavar="DATE",
            help="day of a page capture, for dates written without a year",
        )
        parser.add_argument(
            "--listed-on",
            type=_day,
            metavar="DATE",
            help="list day of papers whose source tells none (else today)",
        )

    def handle(
        self, *, files: list[Path], captured_on: date | None, listed_on: date | None, **options: Any
    ) -> None:
        reports: list[IngestReport] = []
        refused = 0
        for path in files:
            try:
                report = import_file(
                    path,
                    now=timezone.now(),
                    captured_on=captured_on,
                    listed_on=listed_on,
                    progress=self._progress(path),
                )
            except SourceError as error:
                refused += 1
                self._clear_progress()
                self.stderr.write(str(error))
                continue
            self._clear_progress()
            reports.append(report)
            self._show(report)
        if len(files) > 1:
            self.stdout.write(f"{'total':<40} {_counts(reports)}")
        if refused:
            raise CommandError(
                f"{refused} of {len(files)} files were refused." if len(files) > 1 else "Nothing imported."
            )

    def _show(self, report: IngestReport) -> None:
        self.stdout.write(f"{report.target:<40} {_counts([report])}")
        for reject in report.rejects:
            shown = f" [{reject.excerpt}]" if reject.excerpt else ""
            self.stdout.write(f"  {report.target}, {reject.position}: {reject.reason}{shown}")
        if report.rejected > len(report.rejects):
            self.stdout.write(f"  and {report.rejected - len(report.rejects):,} more")

    def _progress(self, path: Path) -> Callable[[int], None] | None:
        """A line that counts up on a terminal; nothing where the output is a file or a pipe."""
        if not self.stdout.isatty():
            return None

        def show(read: int) -> None:
            self.stdout.write(f"\r{path.name}: {read:,} read", ending="")
            self.stdout.flush()

        return show

    def _clear_progress(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("\r\x1b[K", ending="")


def _counts(reports: list[IngestReport]) -> str:
    return ", ".join(f"{sum(getattr(report, name) for report in reports):,} {name}" for name in _COLUMNS)


def _day(text: str) -> date:
    # argparse turns a ValueError into its own message, which names the option and the text.
    return date.fromisoformat(text)


_day.__name__ = "date (YYYY-MM-DD)"
