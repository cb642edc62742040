import io
import json
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from papers.models import Paper, SourceRun
from tests.papers.sources.test_huggingface import item
from tests.papers.test_importing import LINES, written

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(*arguments: object, out: io.StringIO | None = None) -> tuple[str, str, str]:
    """(output, errors, message of the exit) of the command."""
    out, err = out or io.StringIO(), io.StringIO()
    try:
        call_command("import_papers", *map(str, arguments), stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        return out.getvalue(), err.getvalue(), str(error)
    return out.getvalue(), err.getvalue(), ""


def test_each_file_is_counted_and_rejects_are_listed_with_file_position_and_reason(tmp_path: Path) -> None:
    answer = written(tmp_path, json.dumps([item(1), item(2), item(3)]), "answer.json")
    out, err, failure = run(answer, written(tmp_path, LINES, "papers.jsonl"), answer)
    assert [" ".join(line.split()) for line in out.splitlines() if " read," in line] == [
        "answer.json 3 read, 3 new, 0 updated, 0 unchanged, 0 rejected",
        "papers.jsonl 2 read, 1 new, 1 updated, 0 unchanged, 0 rejected",
        "answer.json 3 read, 0 new, 0 updated, 3 unchanged, 0 rejected",
        "total 8 read, 4 new, 1 updated, 3 unchanged, 0 rejected",
    ]
    assert (err, failure) == ("", "")


def test_a_reject_is_one_line(tmp_path: Path) -> None:
    out, _, failure = run(written(tmp_path, json.dumps([item(1), item(2, id=...)]), "answer.json"))
    assert out.splitlines()[1].startswith("  answer.json, item 2: paper.id is missing [")
    assert len(out.splitlines()) == 2
    assert failure == ""


def test_a_refused_file_does_not_stop_the_others_and_fails_the_command(tmp_path: Path) -> None:
    letter = written(tmp_path, "Dear reader", "letter.txt")
    _, err, failure = run(letter, tmp_path / "gone.txt", written(tmp_path, LINES, "papers.jsonl"))
    assert err.splitlines()[0].startswith("letter.txt was not imported: it is none of the formats")
    assert err.splitlines()[1] == "gone.txt was not imported: there is no such file."
    assert failure == "2 of 3 files were refused."
    assert Paper.objects.count() == 2
    assert SourceRun.objects.count() == 3


def test_a_single_refused_file_fails_with_its_sentence_alone(tmp_path: Path) -> None:
    path = written(tmp_path, b"", "empty.txt")
    assert run(path) == ("", "", "empty.txt was not imported: it is empty.")


def test_days_can_be_told(tmp_path: Path) -> None:
    run(written(tmp_path, LINES), "--listed-on", "2026-05-04")
    assert set(Paper.objects.values_list("listed_on", "from_archive")) == {(date(2026, 5, 4), True)}
    with pytest.raises(CommandError, match="invalid date"):
        call_command("import_papers", "x", "--captured-on", "May 4")


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    path = written(tmp_path, LINES, "papers.jsonl")
    assert "papers.jsonl: 2 read" in run(path, out=Terminal())[0]
    assert "\r" not in run(path)[0]
