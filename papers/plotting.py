"""Pure: how a paper's counts grew, as lines of a small plot and as a table.

Coordinates are those of a box of WIDTH by HEIGHT, from its upper left corner; the page stretches it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

WIDTH, HEIGHT = 300, 60
EDGE = 4  # room for the dots
COUNTS = ("upvotes", "num_comments", "github_stars")
MOST_POINTS = 200  # of a line
MOST_DOTS = 12  # with more readings the line alone says enough
MOST_ROWS = 16
MOST_DAYS = 15  # with a line where each begins


class Reading(Protocol):
    """Counts of one source at one moment; None where it did not tell."""

    @property
    def source(self) -> str: ...
    @property
    def observed_at(self) -> datetime | None: ...
    @property
    def upvotes(self) -> int | None: ...
    @property
    def num_comments(self) -> int | None: ...
    @property
    def github_stars(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One count: what it was first and last, and the path of an SVG."""

    name: str  # one of COUNTS
    first: int
    last: int
    began: datetime
    ended: datetime
    path: str
    dots: str  # a path whose round ends are dots


@dataclass(frozen=True, slots=True)
class Row:
    """The counts as they were known at a moment; None where none was known by then."""

    at: datetime
    counts: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over the same time, and the readings behind them. All moments are UTC."""

    began: datetime
    ended: datetime
    lines: tuple[Line, ...]
    days: str  # a path with a stroke where each day begins
    rows: tuple[Row, ...]

    @property
    def names(self) -> list[str]:
        return [line.name for line in self.lines]


_Point = tuple[datetime, int]


def plot_of(readings: Sequence[Reading]) -> Plot | None:
    """Draw the counts that were seen to move; None where none was."""
    found = {name: _points(readings, name) for name in COUNTS}
    moving = {name: points for name, points in found.items() if len({count for _, count in points}) > 1}
    if not moving:
        return None
    began = min(points[0][0] for points in moving.values())
    ended = max(points[-1][0] for points in moving.values())
    scale = _Scale(began, ended)
    lines = tuple(_line(name, points, scale) for name, points in moving.items())
    return Plot(began, ended, lines, scale.days(), _rows(moving))


def _points(readings: Sequence[Reading], name: str) -> list[_Point]:
    """The count over time, by the source that told it most often: two would zigzag."""
    told: list[tuple[str, datetime, int]] = []
    for reading in readings:
        count: int | None = getattr(reading, name)
        if reading.observed_at is not None and count is not None:
            told.append((reading.source, reading.observed_at.astimezone(UTC), count))
    if not told:
        return []
    best = min(Counter(source for source, _, _ in told).items(), key=lambda item: (-item[1], item[0]))[0]
    points: dict[datetime, int] = {}
    for source, at, count in told:
        if source == best:
            points[at] = max(count, points.get(at, count))
    return sorted(points.items())


@dataclass(frozen=True, slots=True)
class _Scale:
    began: datetime
    ended: datetime

    def x(self, at: datetime) -> float:
        return round(EDGE + (WIDTH - 2 * EDGE) * ((at - self.began) / (self.ended - self.began)), 1)

    def days(self) -> str:
        """Nothing where there are so many that they would be a grey box."""
        first = self.began.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        number = (self.ended - first).days + 1
        if number > MOST_DAYS:
            return ""
        return "".join(f"M{self.x(first + timedelta(days=day)):g} 0V{HEIGHT}" for day in range(number))


def _line(name: str, points: list[_Point], scale: _Scale) -> Line:
    counts = [count for _, count in points]
    low, high = min(counts), max(counts)
    # From zero, but a count that hardly moves beside its size would be a flat line.
    floor = 0 if low * 2 <= high else low

    def place(point: _Point) -> str:
        y = HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (point[1] - floor) / (high - floor)
        return f"{scale.x(point[0]):g} {round(y, 1):g}"

    step = -(-len(points) // MOST_POINTS)
    drawn = [*points[:-1:step], points[-1]]
    dotted = drawn if len(points) <= MOST_DOTS else [points[-1]]
    return Line(
        name=name,
        first=counts[0],
        last=counts[-1],
        began=points[0][0],
        ended=points[-1][0],
        path="M" + "L".join(place(point) for point in drawn),
        dots="".join(f"M{place(point)}h0" for point in dotted),
    )


def _rows(moving: Mapping[str, list[_Point]]) -> tuple[Row, ...]:
    """A row for each moment at which a count had changed; of many the last of each day, newest days first
    kept."""
    known: dict[str, int | None] = dict.fromkeys(moving)
    changes = sorted((at, name, count) for name, points in moving.items() for at, count in points)
    rows: dict[datetime, Row] = {}
    for at, name, count in changes:
        if known[name] != count:
            known[name] = count
            rows[at] = Row(at, dict(known))
    found = list(rows.values())
    if len(found) > MOST_ROWS:
        found = list({row.at.date(): row for row in found}.values())
    return tuple(found[-MOST_ROWS:])
