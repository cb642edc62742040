"""Pure: to whom an edition is owed at a slot, and which editions the mail covers.

`newsletter.delivery.owed` says the same to PostgreSQL, for all readers of a zone and hour at once; a test
holds the two together. A window is a run of editions that were released, by date; those without papers, held
or cancelled are not there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from newsletter.schedule import Slot
from newsletter.weekdays import EVERY_DAY

MOST = 7  # editions in one mail; see `reach`
WIDEST = MOST + 1  # in the week in which the clocks went back


@dataclass(frozen=True, slots=True)
class Issue:
    """An edition that was released. `freeze`: its own moment by the timetable; `frozen_at`: when it was."""

    day: date
    freeze: datetime
    frozen_at: datetime
    released_at: datetime


@dataclass(frozen=True, slots=True)
class Habits:
    """When a reader wants mail. `weekdays`: 1 Monday … 64 Sunday, added up; one day only means weekly."""

    weekdays: int
    confirmed_at: datetime | None = None
    active_from: datetime | None = None
    paused_until: date | None = None

    @property
    def weekly(self) -> bool:
        return self.weekdays & (self.weekdays - 1) == 0

    @property
    def has_days_off(self) -> bool:
        return self.weekdays != EVERY_DAY


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the ledger, of one reader. `covers`: the window went out, or still may."""

    first_on: date
    last_on: date
    due_at: datetime
    covers: bool = True


def reach(issue: Issue, issues: Iterable[Issue], slot: Slot) -> list[Issue]:
    """The editions that a mail of this slot may cover, the oldest first: the seven latest up to `issue`.

    Where a week has eight, since the clocks went back in it, a weekly reader would lose one; so all that
    froze after the same local hour a week before are in reach too.
    """
    past = sorted((one for one in issues if one.day <= issue.day), key=lambda one: one.day)
    week = [one for one in past if one.freeze > slot.week_before]
    return past[-max(MOST, len(week)) :]


def is_owed(reader: Habits, issue: Issue, slot: Slot, rows: Sequence[Row]) -> bool:
    """Whether an active reader with these rows is owed this edition at this slot."""
    if reader.active_from is not None and slot.at < reader.active_from:
        return False
    if not reader.weekdays & slot.weekdays or (slot.late and not reader.has_days_off):
        return False
    if reader.paused_until is not None and slot.day < reader.paused_until:
        return False
    return not any(
        row.last_on == issue.day
        or row.due_at == slot.at
        or (row.covers and row.first_on <= issue.day <= row.last_on)
        for row in rows
    )


def first_on(reader: Habits, issue: Issue, in_reach: Sequence[Issue], rows: Sequence[Row]) -> date:
    """The first day of the window that ends with `issue`: what no earlier mail covered, within reach.

    A weekly reader's first mail takes all that is in reach; anybody else's takes `issue` alone, and theirs
    never take what froze before they confirmed. But what a mail of theirs was to bring, and did not, they all
    get. An edition that comes after its successor goes alone.
    """
    last = max((row.last_on for row in rows if row.covers), default=None)
    if last is not None and last > issue.day:
        return issue.day
    new = [one for one in in_reach if last is None or one.day > last]
    if not reader.weekly:
        confirmed, lost = reader.confirmed_at, _lost(reader, in_reach, rows)
        new = [
            one
            for one in new
            if (last is not None and (confirmed is None or one.frozen_at >= confirmed))
            or (lost is not None and one.day >= lost)
        ]
    return min([issue.day, *(one.day for one in new)])


def _lost(reader: Habits, in_reach: Sequence[Issue], rows: Sequence[Row]) -> date | None:
    """The first day of what was planned for the reader since they confirmed, and was not sent."""
    lost = [
        row.first_on
        for row in rows
        if not row.covers
        and row.last_on >= in_reach[0].day
        and (reader.confirmed_at is None or row.due_at >= reader.confirmed_at)
    ]
    return min(lost, default=None)
