"""Vote histories for evaluations: what observers read of papers, from JSON Lines. Pure.

A row is `{paper_id, list_date, observed_at, observer, upvotes, num_comments, github_stars}`, other keys are
ignored. Observers A, B, C and F read the daily lists; what they read may be used for ranking. W and M read
the lists of the week and the month, later; a paper that they saw has a known outcome.
"""

import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from papers.ranking.arrival import last_absence
from papers.sources import values
from papers.sources.jsontext import loads
from papers.sources.record import Reject, SourceError
from papers.trending import Seen

DAILY, LATER = frozenset("ABCF"), frozenset("WM")
LINE_LIMIT = 1_000_000  # bytes
_NEEDED = frozenset({"paper_id", "list_date", "observed_at", "observer", "upvotes"})


@dataclass(frozen=True, slots=True)
class History:
    """What was seen of one paper; `outcome` is the highest vote count ever seen, None where it is unknown."""

    paper: str
    listed_on: date  # the first list day
    readings: tuple[Seen, ...]  # for ranking; each has a time and a vote count; by time
    outcome: int | None
    absent_at: datetime | None = None  # when its list was last read without it, before it was first seen


@dataclass(slots=True)
class _Gathered:
    listed_on: date
    readings: list[Seen] = field(default_factory=list)
    highest: int = 0
    seen_later: bool = False


class Gathering:
    """Takes up rows in any order and gives the histories of their papers; a bad row costs only itself."""

    def __init__(self) -> None:
        self.rows = 0
        self.rejects: list[Reject] = []
        self._papers: dict[str, _Gathered] = {}
        self._lists: dict[date, set[datetime]] = defaultdict(set)  # when each day's list was read

    def take(self, line: bytes, position: str) -> None:
        """Take up one line; where it cannot be used it stands in `rejects` with a reason."""
        self.rows += 1
        try:
            self._take_row(_object(line))
        except ValueError as error:
            self.rejects.append(
                Reject(position, str(error), values.excerpt(line[:200].decode(errors="replace")))
            )

    def _take_row(self, row: dict[str, Any]) -> None:
        if missing := sorted(name for name in _NEEDED if row.get(name) is None):
            raise values.FieldError(f"{missing[0]} is missing")
        paper = values.text(row["paper_id"], "paper_id", values.NAME_LIMIT)
        listed_on = values.day(row["list_date"], "list_date")
        observed_at = values.moment(row["observed_at"], "observed_at")
        upvotes = values.count(row["upvotes"], "upvotes")
        observer = row["observer"]
        if not isinstance(observer, str) or observer not in DAILY | LATER:
            raise values.FieldError(f"observer is {values.excerpt(observer, 20)!r}, not one of A B C F W M")
        if paper is None or listed_on is None or observed_at is None or upvotes is None:
            raise values.FieldError("paper_id is blank")
        seen = Seen(
            observed_at,
            upvotes,
            values.count(row.get("num_comments"), "num_comments"),
            values.count(row.get("github_stars"), "github_stars"),
        )
        gathered = self._papers.setdefault(paper, _Gathered(listed_on))
        gathered.listed_on = min(gathered.listed_on, listed_on)
        gathered.highest = max(gathered.highest, upvotes)
        gathered.seen_later |= observer in LATER
        if observer in DAILY:
            gathered.readings.append(seen)
            self._lists[listed_on].add(observed_at)

    def histories(self) -> list[History]:
        """Give one history per paper, by list day and id."""
        found = [self._history(paper, gathered) for paper, gathered in self._papers.items()]
        return sorted(found, key=lambda history: (history.listed_on, history.paper))

    def _history(self, paper: str, gathered: _Gathered) -> History:
        readings = sorted(gathered.readings, key=lambda seen: (seen.observed_at, seen.upvotes))
        first_seen = readings[0].observed_at if readings else None
        return History(
            paper,
            gathered.listed_on,
            tuple(readings),
            gathered.highest if gathered.seen_later else None,
            last_absence(first_seen, self._lists[gathered.listed_on]) if first_seen else None,
        )


def lines_of(path: Path) -> Iterator[bytes]:
    """Each line of a file, plain or gzip. Raises SourceError where it cannot be opened, or breaks off."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as stream:
            while line := stream.readline(LINE_LIMIT + 1):
                yield line
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise SourceError("the gzip data breaks off or is damaged") from None
    except OSError as error:
        raise SourceError(error.strerror.lower() if error.strerror else str(error)) from None


def gather(lines: Iterable[bytes], into: Gathering, name: str) -> Iterator[int]:
    """Take up all lines that are not blank; after each give the number of rows taken up so far."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            into.take(line, f"{name}, line {number:,}")
            yield into.rows


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_LIMIT:
        raise ValueError(f"it has more than {LINE_LIMIT:,} bytes")
    try:
        row = loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    if not isinstance(row, dict):
        raise ValueError(f"it is {values.kind(row)}, not an object")
    return row
