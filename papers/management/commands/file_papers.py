"""`manage.py file_papers`: a door to `papers.topics.refiling`, for people and for cron."""

from argparse import ArgumentParser
from math import inf
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from papers.models import FilingRun
from papers.topics import refiling


class Command(BaseCommand):
    help = (
        "File all papers under the topics anew, going on where an earlier filing stopped. "
        "Editors' decisions stay. Stop it whenever you like and run it again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anew", action="store_true", help="begin at the first paper, whatever was done before"
        )

    def handle(self, *, anew: bool, **options: Any) -> None:
        run = refiling.waiting()
        if run is None or anew:
            run = refiling.ask("asked for by hand", now=timezone.now())
        elif run.done:
            self.stdout.write(f"Going on after {run.done:,} of {run.of:,} papers ({run.reason}).")
        refiling.work(seconds=inf, progress=self._show)
        self._clear()
        # Another worker may have done a part or all of it, and a newer wish may have come.
        left = refiling.waiting()
        if left is not None:
            self.stdout.write(f"A worker is filing now: {left.done:,} of {left.of:,} papers are done.")
            return
        last = refiling.last_done() or run
        noun = "filing" if last.changed == 1 else "filings"
        self.stdout.write(f"{last.done:,} papers are filed anew, {last.changed:,} {noun} changed.")

    def _show(self, run: FilingRun) -> None:
        """A line that counts up on a terminal; nothing where the output is a file or a pipe."""
        if self.stdout.isatty():
            self.stdout.write(f"\r{run.done:,} of {run.of:,} papers filed", ending="")
            self.stdout.flush()

    def _clear(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("\r\x1b[K", ending="")
