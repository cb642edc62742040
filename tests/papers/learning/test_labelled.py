"""Reading labelled rows: plain and gzip, and bad rows that cost only themselves."""

import gzip
import json
from pathlib import Path

import pytest

from papers.learning.labelled import LabelledFileError, LabelledPaper, RowReport, read_labelled

GOOD = {
    "title": "A robot",
    "abstract": "It cooks.",
    "primary_category": "cs.RO",
    "categories": ["cs.AI", "cs.RO"],
}
PAPER = LabelledPaper("A robot", "It cooks.", ("cs.RO", "cs.AI"))


def read(path: Path) -> tuple[list[LabelledPaper], list[str]]:
    report = RowReport()
    papers = list(read_labelled(path, report))
    assert report.read == len(papers)
    return papers, report.rejects


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_rows_are_read_from_plain_and_gzip_files(tmp_path: Path, pack: object) -> None:
    file = tmp_path / "rows"
    text = json.dumps(GOOD) + "\n\n" + json.dumps({**GOOD, "sample": "offtopic", "other": [1]})
    file.write_bytes(pack(text.encode()))  # type: ignore[operator]
    assert read(file) == ([PAPER, LabelledPaper("A robot", "It cooks.", ("cs.RO", "cs.AI"), "offtopic")], [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON."),
        (b"\xff\xfe", "not JSON."),
        (b"[" * 100_000, "not JSON."),
        (b"3", "not a JSON object."),
        (json.dumps({**GOOD, "title": " "}).encode(), "no title."),
        (json.dumps({**GOOD, "title": None}).encode(), "no title."),
        (json.dumps({**GOOD, "abstract": 3}).encode(), "the abstract is not text."),
        (json.dumps({**GOOD, "categories": "cs.RO"}).encode(), "categories is not a list of texts."),
        (json.dumps({"title": "A robot"}).encode(), "no categories."),
        (b'"' + b"x" * 1_000_001 + b'"', "longer than 1,000,000 bytes."),
    ],
)
def test_a_bad_row_costs_only_itself(tmp_path: Path, line: bytes, reason: str) -> None:
    file = tmp_path / "rows.jsonl"
    good = json.dumps(GOOD).encode()
    file.write_bytes(b"\n".join([good, line, good]))
    assert read(file) == ([PAPER, PAPER], [f"rows.jsonl, line 2: {reason}"])


def test_a_row_may_have_no_abstract_and_only_one_kind_of_category(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    rows = [
        {"title": "A", "categories": ["cs.RO"]},
        {"title": "B", "abstract": None, "primary_category": "cs.SD"},
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    assert read(file)[0] == [LabelledPaper("A", "", ("cs.RO",)), LabelledPaper("B", "", ("cs.SD",))]


def test_a_file_that_ends_too_early_or_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(json.dumps(GOOD).encode() * 99)[:-9])
    for path in (cut, tmp_path / "none", tmp_path):
        with pytest.raises(LabelledFileError, match=path.name):
            read(path)
