"""Pure: when a local hour happens, and when an edition comes due to the readers of a zone and hour.

A slot is one local hour on one local day. A day on which the clocks jump over that hour has its slot at the
next moment that exists; a day on which the hour happens twice has it at the first.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

logger = logging.getLogger(__name__)

CUT_OFF = timedelta(hours=6)  # from the moment a mail is due until it is not sent any more
# Of an edition that comes due day after day, since no newer one is there, the last slots are looked at: each
# day of the week stands in them.
LOOK_BACK = timedelta(days=8)
# Readers without an hour, on a day of theirs on which no edition came out: by then none will.
EVENING = 23
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_INSTANT = timedelta(microseconds=1)


class UnknownZone(ValueError):
    """No time zone has this name; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A moment at which readers of one zone and hour are due.

    `day` is the local day it belongs to, and `weekdays` that day as a bit (1 Monday … 64 Sunday). Where a
    zone skips a whole day, two days share a moment: then both bits are set, and `day` is the later one.
    Without an hour it is the release of an edition. `late` slots are for readers with days off.
    """

    at: datetime
    day: date
    weekdays: int
    zone: ZoneInfo
    hour: int | None
    late: bool = False

    @property
    def week_before(self) -> datetime:
        """The same local time seven local days earlier."""
        if self.hour is not None:
            return moment(self.day - 7 * _DAY, self.hour, self.zone)
        # Python keeps the time on the wall.
        return (self.at.astimezone(self.zone) - 7 * _DAY).astimezone(UTC)


def zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises UnknownZone."""
    if _zones().get(name.casefold()) != name:
        raise UnknownZone(f"{name[:64]!r} is no time zone; write a name such as Europe/Berlin")
    return _load(name)


def zone_or_utc(name: str) -> ZoneInfo:
    """The time zone of this name. One that the zone database does not know (any more) is UTC, and told."""
    try:
        return zone(name)
    except UnknownZone as error:
        logger.warning("Readers are planned by UTC: %s", error)
        return zone("UTC")


def canonical(name: str) -> str:
    """The name as the zone database writes it, whatever its capitals. Raises UnknownZone."""
    text = name.strip()
    return zone(_zones().get(text.casefold(), text)).key


def slots(zone: ZoneInfo, hour: int, start: datetime, end: datetime) -> Iterator[Slot]:
    """The slots of this local hour with start <= moment < end, in order, each moment once."""
    day = start.astimezone(zone).date() - _DAY
    last = end.astimezone(zone).date() + _DAY
    shared = 0  # the bits of days that lie at the same moment as the next
    at = moment(day, hour, zone)
    while day <= last and at < end:
        following = moment(day + _DAY, hour, zone)
        bits = shared | 1 << day.weekday()
        shared = bits if following == at else 0
        if not shared and start <= at:
            yield Slot(at, day, bits, zone, hour)
        day, at = day + _DAY, following


def moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which this local hour begins on this day; see the top for gaps and folds."""
    year, month, number = day.year, day.month, day.day
    wall = datetime(year, month, number, hour, tzinfo=zone)
    before = wall.utcoffset()
    after = datetime(year, month, number, hour, tzinfo=zone, fold=1).utcoffset()
    assert before is not None and after is not None  # noqa: S101  for the type checker
    if before < after:
        return _end_of_gap(wall, zone)
    return datetime(year, month, number, hour, tzinfo=UTC) - before


def due_slots(
    *,
    zone: ZoneInfo,
    hour: int | None,
    freeze: datetime,
    released: datetime,
    following: datetime | None,
    now: datetime,
) -> list[Slot]:
    """The slots up to `now` at which an edition came due to readers of this zone and hour, in order.

    `freeze` is the edition's own moment, `released` since when it may be sent, `following` the freeze of the
    next edition that was released, which takes over from then on. An edition that was released late still
    reaches those whose hour was at most CUT_OFF before.

    Readers without an hour are due at its release; those with days off, for whom that was no day of theirs,
    in the EVENING of one.
    """
    end = now + _INSTANT if following is None else min(now + _INSTANT, following)
    if hour is not None:
        return list(slots(zone, hour, max(freeze, released - CUT_OFF, end - LOOK_BACK), end))
    if released > now:
        return []
    evenings = slots(zone, EVENING, max(released + _INSTANT, end - LOOK_BACK), end)
    return [_release(zone, released), *(replace(slot, late=True) for slot in evenings)]


def comes_again(*, zone: ZoneInfo, hour: int | None, following: datetime | None, now: datetime) -> bool:
    """Whether a slot of these readers after `now` still belongs to an edition that `following` ends.

    Where `hour` is None: of readers with days off.
    """
    if following is None:
        return True
    evening = EVENING if hour is None else hour
    return next(slots(zone, evening, now + _INSTANT, following), None) is not None


def _release(zone: ZoneInfo, released: datetime) -> Slot:
    day = released.astimezone(zone).date()
    return Slot(released, day, 1 << day.weekday(), zone, None)


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after the gap in which this local time lies."""
    # Read with the offset from before the gap, the time comes after its end; with the one from after, before.
    late = wall.replace(fold=0).astimezone(UTC)
    early = wall.replace(fold=1).astimezone(UTC)
    offset = late.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            late = middle
        else:
            early = middle
    return late


@cache
def _load(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}
