"""`manage.py evaluate_topics FILE...`: a door to `papers.learning.evaluation`."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from papers.learning.evaluation import Evaluation, evaluate
from papers.learning.labelled import LabelledFileError, LabelledPaper, RowReport, read_labelled
from papers.learning.measuring import Figures, PrimaryFigures
from papers.learning.training import TrainingError
from papers.models import Topic
from papers.topics.filing import rule_of
from papers.topics.learned import current_weights

SHOWN_REJECTS = 5
EVERY = 10_000  # rows between two lines of progress


class Command(BaseCommand):
    help = (
        "Measure how topics with arXiv categories are filed, on labelled FILES (JSON Lines, gzip too)."
        " Matching sees title and abstract only; a topic's papers carry one of its categories."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--train",
            nargs="+",
            type=Path,
            default=[],
            metavar="FILE",
            help="labelled rows for the logistic regression that we are compared with; without them it is"
            " cross-validated on FILES",
        )
        parser.add_argument(
            "--cross-validate",
            action="store_true",
            help="measure the way of learning, not the weights in use: each fifth is filed by weights learned"
            " from the other papers (and the --train rows)",
        )
        parser.add_argument("--json", action="store_true", help="print JSON, as docs/topics.md describes it")

    def handle(
        self, *, files: list[Path], train: list[Path], cross_validate: bool, json: bool, **options: Any
    ) -> None:
        report, training_report = RowReport(), RowReport()
        try:
            papers, training = self._read(files, report), self._read(train, training_report)
            if not papers:
                raise CommandError("The files hold no paper that can be used.")
            found = evaluate(
                [rule_of(topic) for topic in Topic.objects.filter(is_active=True)],
                current_weights(),
                papers,
                training=training,
                cross_validated=cross_validate,
                progress=self._tell,
            )
        except (LabelledFileError, TrainingError) as error:
            raise CommandError(str(error)) from None
        if json:
            self._print_json(found, report, training_report)
        else:
            self._print(found)
        if not found.ours or not found.ours.topics:
            raise CommandError("No active topic has a category that these papers carry.")

    def _read(self, files: list[Path], report: RowReport) -> list[LabelledPaper]:
        papers: list[LabelledPaper] = []
        for path in files:
            for paper in read_labelled(path, report):
                papers.append(paper)
                if len(papers) % EVERY == 0:
                    self._tell(f"{len(papers):,} papers read")
        for reject in report.rejects[:SHOWN_REJECTS]:
            self._tell(f"  {reject}")
        if (more := len(report.rejects) - SHOWN_REJECTS) > 0:
            self._tell(f"  and {more:,} more that cannot be used")
        return papers

    def _print_json(self, found: Evaluation, report: RowReport, training: RowReport) -> None:
        rejected = {
            "rejected": len(report.rejects),
            "rejects": report.rejects[:SHOWN_REJECTS],
            "training_rejected": len(training.rejects),
            "training_rejects": training.rejects[:SHOWN_REJECTS],
        }
        self.stdout.write(json.dumps({**found.as_json(), **rejected}, indent=1))

    def _print(self, found: Evaluation) -> None:
        way = "cross-validated" if found.cross_validated else "filed by the weights in use"
        papers = f"{found.papers:,} paper{'' if found.papers == 1 else 's'}"
        self.stdout.write(f"{papers}, {way}; {found.papers_per_second:,.0f} papers a second")
        for note in found.notes:
            self.stdout.write(note)
        if not found.ours or not found.ours.topics:
            return
        self.stdout.write(_HEADING)
        for one in found.ours.topics:
            cells = (one.precision, one.recall, one.f1, one.precision_at_50)
            shares = (one.marked_per_100, one.untouched_per_100)
            self.stdout.write(
                f"{one.topic:<22}{one.papers:6}{one.filed:6}"
                + "".join(f"{_number(cell, 3):>8}" for cell in cells)
                + "".join(f"{_number(share, 1):>11}" for share in shares)
            )
        self.stdout.write(_EXPLAINED)
        self._systems(found)
        self._primary(found)

    def _systems(self, found: Evaluation) -> None:
        if not found.ours:
            return
        self.stdout.write(f"{'':<22}{'macro averages':^24}   off-topic papers, of 100 filed under any topic")
        self.stdout.write(
            f"{'':<22}{'P':>8}{'R':>8}{'F1':>8}{'marked':>11}{'untouched':>11}{'marked':>11}{'untouched':>11}"
        )
        self.stdout.write(
            f"{'':<46}{f'the {len(found.ours.topics)} above':>22}{f'all {found.active_topics} active':>22}"
        )
        regression = "TF-IDF + logistic" + (" *" if found.regression_cross_validated else "")
        ways = {"ours": found.ours, "any phrase occurs": found.any_phrase, regression: found.regression}
        for name, one in ways.items():
            if one:
                self.stdout.write(_line(name, one))
        self.stdout.write(
            f"of {found.ours.marked:,} marked that no topic touches, and {found.ours.untouched:,} untouched"
        )
        if found.regression_cross_validated:
            self.stdout.write("* cross-validated on these papers")

    def _primary(self, found: Evaluation) -> None:
        ways = {"ours": found.primary, "TF-IDF + logistic": found.primary_by_regression}
        for name, one in ways.items():
            if one:
                self.stdout.write(_primary_line(name, one))

    def _tell(self, what: str) -> None:
        self.stderr.write(what)


_HEADING = f"{'topic':<22}{'papers':>6}{'filed':>6}" + "".join(
    f"{name:>{width}}"
    for name, width in [("P", 8), ("R", 8), ("F1", 8), ("P@50", 8), ("marked", 11), ("untouched", 11)]
)
_EXPLAINED = (
    "marked: of 100 papers whose row says offtopic and that carry none of the topic's categories, how many\n"
    "were filed under it. untouched: of 100 papers without a category of any topic here.\n"
)


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"


def _line(name: str, one: Figures) -> str:
    shares = (
        *(one.marked_in_any_per_100, one.untouched_in_any_per_100),
        *(one.marked_in_any_active_per_100, one.untouched_in_any_active_per_100),
    )
    return f"{name:<22}{one.macro_precision:8.3f}{one.macro_recall:8.3f}{one.macro_f1:8.3f}" + "".join(
        f"{_number(share, 1):>11}" for share in shares
    )


def _primary_line(name: str, one: PrimaryFigures) -> str:
    return (
        f"primary category of {one.papers:,} papers, {one.classes} classes, {name}:"
        f" macro-F1 {one.macro_f1:.3f}, accuracy {one.accuracy:.3f}"
    )
