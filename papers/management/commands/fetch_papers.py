"""`manage.py fetch_papers`: reads sources by hand, a target after the other, as the timetable does."""

import logging
import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import UTC, date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from papers.management.arguments import day
from papers.models import SourceRun
from papers.reading import pacing, runs
from papers.reading.fetching import fetch
from papers.reading.plans import PLANS
from papers.reading.targets import Target
from papers.reading.verdicts import FAILED, OK, QUIET
from papers.sources.names import name_of

FAILURES_IN_A_ROW = 5  # then the others would hardly fare better


class Command(BaseCommand):
    help = "Read the sources now, or days that went by. Can be stopped and run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--source", metavar="NAME", help=f"{' or '.join(PLANS)}; all of NEWSLETTER_SOURCES without it"
        )
        parser.add_argument(
            "--date", metavar="DATE", help="the list of this day, YYYY-MM-DD; at weekends too"
        )
        parser.add_argument("--since", metavar="DATE", help="every list from this day to today")
        parser.add_argument(
            "--again", action="store_true", help="with --since: days that were read before too"
        )

    def handle(
        self, *, source: str | None, date: str | None, since: str | None, again: bool, **options: Any
    ) -> None:
        if again and not since:
            raise CommandError("--again goes with --since.")
        targets, passed_over = _targets(_sources(source), date, since, today=timezone.now().date())
        if since and not again:
            passed_over |= dict.fromkeys(_read_before(targets), "read before")
        # Every reading is told in a line below; the log would tell it a second time.
        log = logging.getLogger("papers.reading.fetching")
        level = log.level
        log.setLevel(logging.ERROR)
        try:
            self._read(targets, passed_over)
        except KeyboardInterrupt:
            self._clear()
            self.stderr.write("Stopped; what came is saved. The same command goes on from here.")
            raise
        finally:
            log.setLevel(level)

    def _read(self, targets: list[Target], passed_over: dict[Target, str]) -> None:
        """One target after the other; raises CommandError at the end if a reading failed."""
        asked, failed, in_a_row = 0, 0, 0
        for target in targets:
            if target in passed_over:
                self._line(target, "", passed_over[target])
                continue
            _check_rest(target.source)
            run = self._fetch(target)
            self._line(target, run.verdict, _told(run))
            asked += 1
            failed += run.verdict == FAILED
            in_a_row = in_a_row + 1 if run.verdict == FAILED else 0
            if in_a_row == FAILURES_IN_A_ROW:
                raise CommandError(f"{in_a_row} readings failed in a row: run the same command again later.")
        if failed:
            raise CommandError(f"{failed} of {asked} readings failed; run the same command again.")

    def _fetch(self, target: Target) -> SourceRun:
        """The finished run; waits where somebody else is reading this source."""
        end = time.monotonic() + runs.LEASE.total_seconds() + 10
        said = False
        while (run := fetch(target, now=timezone.now(), progress=self._progress(target))) is None:
            runs.sweep(now=timezone.now())
            if not said:
                self.stderr.write(f"Another process is reading {name_of(target.source)}; this one waits.")
                said = True
            if time.monotonic() > end:
                raise CommandError(f"{name_of(target.source)} is still being read by another process.")
            time.sleep(1)
        self._clear()
        return run

    def _line(self, target: Target, verdict: str, told: str) -> None:
        self.stdout.write(f"{name_of(target.source)} {target.name:<22} {verdict or '-':<8} {told}")

    def _progress(self, target: Target) -> Callable[[int], None] | None:
        """A line that counts up on a terminal; nothing where the output is a file or a pipe."""
        if not self.stdout.isatty():
            return None
        self._show(f"{name_of(target.source)} {target.name}: asking")
        return lambda read: self._show(f"{name_of(target.source)} {target.name}: {read:,} read")

    def _show(self, text: str) -> None:
        self.stdout.write(f"\r\x1b[K{text}", ending="")
        self.stdout.flush()

    def _clear(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("\r\x1b[K", ending="")


def _sources(named: str | None) -> list[str]:
    if named is None:
        if not settings.NEWSLETTER_SOURCES:
            raise CommandError("NEWSLETTER_SOURCES names no source: name one with --source.")
        return list(settings.NEWSLETTER_SOURCES)
    if named not in PLANS:
        raise CommandError(f"--source is {named!r}, but must be one of {', '.join(PLANS)}.")
    if named == "arxiv" and not settings.NEWSLETTER_ARXIV_CATEGORIES:
        raise CommandError("NEWSLETTER_ARXIV_CATEGORIES is not set: it names what to read, such as cs.CL.")
    return [named]


def _check_rest(source: str) -> None:
    """Stop where the source has asked to be left alone for longer than a while."""
    until = pacing.rests_until(source, now=timezone.now())
    if until:
        raise CommandError(
            f"{name_of(source)} asked to be left alone until {until.astimezone(UTC):%H:%M} UTC;"
            " run the same command again then."
        )


def _targets(
    sources: list[str], one_day: str | None, since: str | None, *, today: date
) -> tuple[list[Target], dict[Target, str]]:
    """What was asked for, the oldest day first, and what of it is not read, and why."""
    if one_day and since:
        raise CommandError("--date and --since cannot be used together.")
    if not one_day and not since:
        return [target for source in sources for target in PLANS[source].watched(now=timezone.now())], {}
    option, text = ("--date", one_day) if one_day else ("--since", since)
    first = day(option, text or "")
    if first > today:
        raise CommandError(f"{option} is {first}, which is still to come: in UTC today is {today}.")
    days = [first] if one_day else [first + timedelta(days=n) for n in range((today - first).days + 1)]
    targets = [target for one in days for source in sources for target in PLANS[source].of_day(one)]
    return targets, {target: why for target in targets if since and (why := _why_not(target))}


def _why_not(target: Target) -> str:
    """Why a day is not asked for, "" where it is."""
    return PLANS[target.source].why_none(target.day) if target.day else ""


def _read_before(targets: list[Target]) -> set[Target]:
    """Those that an earlier run read whole after their day was over: nothing more is listed there."""
    found = SourceRun.objects.filter(
        source__in={target.source for target in targets},
        target__in={target.name for target in targets},
        verdict__in=(OK, QUIET),
    )
    begun = {
        (run.source, run.target): run.started_at for run in found.order_by("started_at").defer("rejects")
    }
    return {
        target
        for target in targets
        if target.day
        and (at := begun.get((target.source, target.name)))
        and at.astimezone(UTC).date() > target.day
    }


def _told(run: SourceRun) -> str:
    counts = f"{run.new_count:,} new, {run.updated_count:,} updated, {run.unchanged_count:,} unchanged"
    if run.verdict == OK:
        return f"{run.message}: {counts}"
    return f"{run.message} ({counts}, {run.rejected_count:,} rejected)" if run.read_count else run.message
