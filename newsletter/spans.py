"""Pure: the days that a page of the paper covers: one day, an ISO week, a month; each has a name in URLs."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Self

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The days from `first` to `last`, both included; spans of one kind follow each other without a gap.

    Build one with `of` (the span that has a day) or `parse` (from its slug).
    """

    kind: ClassVar[str]
    pattern: ClassVar[str]  # of slugs, for URLs

    first: date
    last: date

    @classmethod
    def of(cls, day: date) -> Self:
        """The span that has this day. ValueError where it would not fit into the calendar."""
        raise NotImplementedError

    @classmethod
    def parse(cls, slug: str) -> Self:
        """The span of this slug, written exactly as `slug` writes it; else ValueError."""
        if not re.fullmatch(cls.pattern, slug, re.ASCII):
            raise ValueError(f"{slug!r} names no {cls.kind}")
        return cls._read(slug)

    @classmethod
    def _read(cls, slug: str) -> Self:
        raise NotImplementedError

    @property
    def slug(self) -> str:
        raise NotImplementedError

    @property
    def previous(self) -> Self | None:
        """The one before; None at the calendar's beginning."""
        return None if self.first == date.min else self._beside(self.first - _ONE_DAY)

    @property
    def next(self) -> Self | None:
        """The one after; None at the calendar's end."""
        return None if self.last == date.max else self._beside(self.last + _ONE_DAY)

    @classmethod
    def _beside(cls, day: date) -> Self | None:
        try:
            return cls.of(day)
        except ValueError:
            return None

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


class Day(Span):
    """2026-11-20"""

    kind = "day"
    pattern = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

    @classmethod
    def of(cls, day: date) -> Self:
        return cls(day, day)

    @classmethod
    def _read(cls, slug: str) -> Self:
        return cls.of(date.fromisoformat(slug))

    @property
    def slug(self) -> str:
        return self.first.isoformat()


class Week(Span):
    """2026-W47: Monday to Sunday, numbered by ISO 8601, so its year may not be that of each of its days."""

    kind = "week"
    pattern = r"[0-9]{4}-W[0-9]{2}"

    @classmethod
    def of(cls, day: date) -> Self:
        year, number, _ = day.isocalendar()
        return cls(date.fromisocalendar(year, number, 1), date.fromisocalendar(year, number, 7))

    @classmethod
    def _read(cls, slug: str) -> Self:
        return cls.of(date.fromisocalendar(int(slug[:4]), int(slug[6:]), 1))

    @property
    def slug(self) -> str:
        return f"{self.year:04}-W{self.number:02}"

    @property
    def year(self) -> int:
        return self.first.isocalendar().year

    @property
    def number(self) -> int:
        return self.first.isocalendar().week


class Month(Span):
    """2026-11"""

    kind = "month"
    pattern = r"[0-9]{4}-[0-9]{2}"

    @classmethod
    def of(cls, day: date) -> Self:
        _, length = monthrange(day.year, day.month)
        return cls(day.replace(day=1), day.replace(day=length))

    @classmethod
    def _read(cls, slug: str) -> Self:
        return cls.of(date(int(slug[:4]), int(slug[5:]), 1))

    @property
    def slug(self) -> str:
        return f"{self.first.year:04}-{self.first.month:02}"
