"""`manage.py train_topics [FILE...]`: a door to `papers.learning.lessons`."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from papers.learning.examples import Example
from papers.learning.labelled import LabelledFileError, RowReport
from papers.learning.lessons import (
    MOST_PAPERS,
    Lesson,
    examples_from_files,
    forget_all,
    imported_examples,
    learn,
)
from papers.learning.training import TrainingError, require_training
from papers.topics.artefact import learn_artefact
from papers.topics.weights import title_key_of

SHOWN_REJECTS = 5


class Command(BaseCommand):
    help = (
        "Learn topics from all imported papers that carry arXiv categories, from what editors decided, and"
        " from labelled FILES (JSON Lines, gzip too); then file all papers anew."
        " Needs requirements-training.txt."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
        parser.add_argument(
            "--write-artefact",
            type=Path,
            metavar="PATH",
            help="learn from FILES alone for the starter topics, write the weights that ship with the code,"
            " and store and file nothing",
        )
        parser.add_argument(
            "--forget",
            action="store_true",
            help="delete what was learned here and go back to the weights that come with the code",
        )

    def handle(self, *, files: list[Path], write_artefact: Path | None, forget: bool, **options: Any) -> None:
        if forget:
            self._forget()
            return
        try:
            require_training()
            examples = self._rows(files)
            if write_artefact:
                self._write(write_artefact, files, examples)
                return
            mine = {title_key_of(one.title): one for one in imported_examples()}
            others = [one for one in examples if title_key_of(one.title) not in mine]
            others = others[: max(0, MOST_PAPERS - len(mine))]
            self.stderr.write(f"{len(mine):,} imported papers, {len(others):,} more from files")
            lesson = learn([*mine.values(), *others], now=timezone.now(), progress=self._tell)
        except (TrainingError, LabelledFileError) as error:
            raise CommandError(str(error)) from None
        self._show(lesson)
        if lesson.stored:
            call_command("file_papers", stdout=self.stdout)

    def _rows(self, files: list[Path]) -> list[Example]:
        report = RowReport()
        examples = examples_from_files(files, report)
        for reject in report.rejects[:SHOWN_REJECTS]:
            self.stderr.write(f"  {reject}")
        if len(report.rejects) > SHOWN_REJECTS:
            self.stderr.write(f"  and {len(report.rejects) - SHOWN_REJECTS:,} more rows that cannot be used")
        return examples

    def _write(self, path: Path, files: list[Path], examples: list[Example]) -> None:
        if not examples:
            raise CommandError("--write-artefact needs FILES with labelled rows.")
        data = learn_artefact(examples, [file.name for file in files], self._tell)
        text = json.dumps(data, indent=0, ensure_ascii=False) + "\n"
        path.write_text(text, encoding="utf-8")
        self.stdout.write(
            f"{path}: {len(data['models'])} models from {len(examples):,} papers, {len(text) / 1000:.0f} kB;"
            f" cross-validated macro-F1 {data['about']['cross_validated_macro_f1']}"
        )

    def _show(self, lesson: Lesson) -> None:
        self.stdout.write(
            f"{lesson.papers:,} papers, {lesson.decisions:,} decisions of editors;"
            f" {lesson.fresh:,} papers are new to the weights in use"
        )
        if lesson.topics:
            self.stdout.write(f"{'F1, cross-validated':<26} before   after")
            for one in lesson.topics:
                self.stdout.write(
                    f"  {one.topic:<24} {one.before:6.3f}  {one.after:6.3f}{'' if one.taken else '  (stays)'}"
                )
            self.stdout.write(f"  {'all topics':<24} {lesson.before:6.3f}  {lesson.after:6.3f}")
        self.stdout.write(lesson.reason)

    def _forget(self) -> None:
        deleted = forget_all(now=timezone.now())
        self.stdout.write(f"{deleted} sets of weights deleted; the ones that come with the code are in use.")
        if deleted:
            call_command("file_papers", stdout=self.stdout)

    def _tell(self, what: str) -> None:
        self.stderr.write(what)
