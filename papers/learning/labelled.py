"""Labelled papers read from files: JSON Lines, plain or gzip, one paper a line. Pure.

A row is `{"title", "abstract", "categories", "primary_category"}`; `"sample": "offtopic"` marks a paper
of a field that readers did not come for. Anything else in a row is passed over, and a row that cannot be used
costs only itself.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OFF_TOPIC = "offtopic"  # the word of `sample` for a paper of a field that readers did not come for
MAX_LINE = 1_000_000  # bytes; a row holds an abstract, not a book
_GZIP = b"\x1f\x8b"


class LabelledFileError(ValueError):
    """A file that cannot be read at all; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class LabelledPaper:
    """A paper whose categories are known, the primary one first; `sample` is the row's own word, or ""."""

    title: str
    abstract: str
    categories: tuple[str, ...]
    sample: str = ""


@dataclass(slots=True)
class RowReport:
    """What came of the rows: how many were read, and the reason for each that was left out."""

    read: int = 0
    rejects: list[str] = field(default_factory=list)


def read_labelled(path: Path, report: RowReport) -> Iterator[LabelledPaper]:
    """Give the file's papers; what is wrong with single rows goes to the report. Raises LabelledFileError."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
        with gzip.open(path, "rb") if packed else path.open("rb") as lines:
            number = 0
            while line := lines.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    while not line.endswith(b"\n") and (line := lines.readline(MAX_LINE)):
                        pass
                    report.rejects.append(f"{path.name}, line {number}: longer than {MAX_LINE:,} bytes.")
                elif line.strip():
                    try:
                        yield _paper(line)
                        report.read += 1
                    except ValueError as error:
                        report.rejects.append(f"{path.name}, line {number}: {error}")
    except (OSError, EOFError, zlib.error) as error:
        # A cut-off file still gave what came before.
        raise LabelledFileError(f"{path} cannot be read to its end: {error}.") from None


def _paper(line: bytes) -> LabelledPaper:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON.") from None
    if not isinstance(row, dict):
        raise ValueError("not a JSON object.")
    title, abstract = row.get("title"), row.get("abstract") or ""
    if not isinstance(title, str) or not title.strip():
        raise ValueError("no title.")
    if not isinstance(abstract, str):
        raise ValueError("the abstract is not text.")
    primary, sample = row.get("primary_category"), row.get("sample")
    categories = row.get("categories") or []
    if not isinstance(categories, list) or not all(isinstance(one, str) for one in categories):
        raise ValueError("categories is not a list of texts.")
    named = [primary] if isinstance(primary, str) and primary else []
    ordered = tuple(dict.fromkeys([*named, *categories]))
    if not ordered:
        raise ValueError("no categories.")
    return LabelledPaper(title, abstract, ordered, sample if isinstance(sample, str) else "")
