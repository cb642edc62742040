"""`manage.py evaluate_ranking FILE...`: a door to `papers.ranking.evaluation`."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from papers.ranking.evaluation import PLACES, RANKINGS, Report, evaluate
from papers.ranking.histories import Gathering, History, gather, lines_of
from papers.ranking.own_histories import own_histories
from papers.sources.record import SourceError

REJECTS_SHOWN = 20
_NAMES = {
    "ours": "our score",
    "upvotes": "raw upvotes",
    "votes_per_hour": "votes per hour",
    "gravity": "gravity 1.8",
}
_MOMENTS = {
    "noon": "At noon of every list day, the papers of the last three list days",
    "freeze": "At the freeze (00:30), the papers of the three days before",
}
_STEP = 10_000  # rows between two lines of progress


class Command(BaseCommand):
    help = "Judge the ranking on vote histories (JSON Lines, gzip too), or on this installation's own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
        parser.add_argument("--database", action="store_true", help="use this installation's observations")
        parser.add_argument("--json", action="store_true", help="print one JSON object, for machines")

    def handle(self, *, files: list[Path], database: bool, json: bool, **options: Any) -> None:
        if bool(files) == database:
            raise CommandError("Name files with vote histories, or --database, not both.")
        gathering = Gathering()
        broken: list[str] = []
        histories = list(own_histories()) if database else self._read(files, gathering, broken)
        reports = evaluate(histories, self._progress if self.stderr.isatty() else None)
        self._clear()
        if json:
            self.stdout.write(_as_json(reports, histories, gathering, broken))
        else:
            self._show(reports, histories, gathering)
        if not any(report.days for report in reports):
            raise CommandError("No day could be judged: no paper has both an early and a late reading.")
        if broken:
            raise CommandError(f"Not read to the end: {', '.join(broken)}. What came before was judged.")

    def _read(self, files: Sequence[Path], gathering: Gathering, broken: list[str]) -> list[History]:
        reasons = []
        for path in files:
            try:
                for rows in gather(lines_of(path), gathering, path.name):
                    if rows % _STEP == 0 and self.stderr.isatty():
                        self.stderr.write(f"\r{path.name}: {rows:,} rows", ending="")
            except SourceError as error:
                # What came before the break is whole and counts.
                broken.append(str(path))
                reasons.append(f"{path}: {error}")
        self._clear()
        for reject in gathering.rejects[:REJECTS_SHOWN]:
            shown = f" [{reject.excerpt}]" if reject.excerpt else ""
            self.stderr.write(f"{reject.position}: {reject.reason}{shown}")
        if len(gathering.rejects) > REJECTS_SHOWN:
            self.stderr.write(f"and {len(gathering.rejects) - REJECTS_SHOWN:,} more")
        for reason in reasons:
            self.stderr.write(reason)
        if files and not gathering.rows:
            raise CommandError("There is nothing to judge: no file has a row that can be read.")
        return gathering.histories()

    def _progress(self, moment: str, done: int, total: int) -> None:
        self.stderr.write(f"\r{moment}: {done:,} of {total:,} days", ending="")

    def _clear(self) -> None:
        if self.stderr.isatty():
            self.stderr.write("\r\x1b[K", ending="")

    def _show(self, reports: Sequence[Report], histories: Sequence[History], gathering: Gathering) -> None:
        known = sum(history.outcome is not None for history in histories)
        rejected = f"; bad rows left out: {len(gathering.rejects):,}" if gathering.rejects else ""
        self.stdout.write(f"papers: {len(histories):,}; with a known outcome: {known:,}{rejected}")
        for report in reports:
            self.stdout.write(f"\n{_MOMENTS[report.moment]}:")
            self.stdout.write(
                f"days: {report.days:,}; candidates: {report.candidates:,}; "
                f"pairs from different list days: {report.pairs:,}, on days: {report.pair_days:,}"
            )
            self.stdout.write(f"{'':<16}{f'NDCG@{PLACES}':>8}{'pairs':>8}")
            for name in RANKINGS:
                quality = report.qualities[name]
                self.stdout.write(f"{_NAMES[name]:<16}{_figure(quality.ndcg)}{_figure(quality.ordered)}")


def _figure(value: float | None) -> str:
    return f"{'-' if value is None else f'{value:.3f}':>8}"


def _as_json(
    reports: Sequence[Report], histories: Sequence[History], gathering: Gathering, broken: Sequence[str]
) -> str:
    """Give the object that docs/trending.md describes."""
    found = {
        "papers": len(histories),
        "papers_with_outcome": sum(history.outcome is not None for history in histories),
        "rows": gathering.rows,
        "bad_rows": len(gathering.rejects),
        "broken_files": list(broken),
        "moments": {
            report.moment: {
                "days": report.days,
                "pair_days": report.pair_days,
                "candidates": report.candidates,
                "pairs": report.pairs,
                "rankings": {
                    name: {"ndcg_at_10": quality.ndcg, "ordered_pairs": quality.ordered}
                    for name, quality in report.qualities.items()
                },
            }
            for report in reports
        },
    }
    return json.dumps(found, indent=2)
