"""Which editions a reader's mails cover: by the pure model, over two years, and at random.

`test_owed.py` holds the SQL of planning to the same model.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.schedule import CUT_OFF, Slot, due_slots, moment, slots
from newsletter.windows import MOST, Habits, Issue, Row, first_on, is_owed, reach

DAY = timedelta(days=1)
FIRST = date(2026, 1, 1)
DAYS = [FIRST + n * DAY for n in range(731)]
START = datetime(2026, 1, 1, tzinfo=UTC)
DAILY, WORKDAYS = 0b1111111, 0b0011111
WEEKLY = [1 << day for day in range(7)]


def issue_of(day: date, *, late: timedelta = timedelta()) -> Issue:
    freeze = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC)
    return Issue(day, freeze, freeze, freeze + late)


ISSUES = [issue_of(day) for day in DAYS]
FREEZES = [issue.freeze for issue in ISSUES]


def rules() -> dict[tuple[object, ...], str]:
    """One zone for each set of offsets and changes that any zone has in these two years."""
    seconds = timedelta(seconds=1)
    found: dict[tuple[object, ...], str] = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        offsets = [at.astimezone(zone).utcoffset() for at in FREEZES]
        changes: list[object] = [offsets[0]]
        for number, (one, two) in enumerate(pairwise(offsets)):
            if one == two:
                continue
            low, high = FREEZES[number], FREEZES[number + 1]
            while high - low > seconds:
                middle = low + (high - low) // 2
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == one else (low, middle)
            changes += [high.replace(microsecond=0), two]
        found.setdefault(tuple(changes), name)
    return found


def covered(windows: Iterable[tuple[date, date]]) -> list[date]:
    return [first + n * DAY for first, last in windows for n in range((last - first).days + 1)]


def read(reader: Habits, due: Sequence[tuple[Slot, int]]) -> list[Row]:
    """The ledger of a reader to whom everything is sent at once: `due` has each slot with its edition."""
    rows: list[Row] = []
    for slot, number in due:
        issue, lately = ISSUES[number], rows[-1:]  # windows come in their order
        if not slot.weekdays & reader.weekdays or not is_owed(reader, issue, slot, lately):
            continue
        in_reach = reach(issue, ISSUES[max(0, number - 15) : number + 1], slot)
        rows.append(Row(first_on(reader, issue, in_reach, lately), issue.day, slot.at))
    return rows


def test_in_every_zone_at_every_hour_each_of_two_years_editions_is_covered_exactly_once() -> None:
    """Daily, on weekdays, and weekly on each day; every day has an edition, which is the hardest case.

    A reader's windows depend only on the edition that each day's slot has, so equal timetables are gone
    through once.
    """
    gone_through = set()
    for name in rules().values():
        zone = ZoneInfo(name)
        for hour in range(24):
            timetable = tuple(bisect_right(FREEZES, moment(day, hour, zone)) for day in DAYS)
            if timetable in gone_through:
                continue
            gone_through.add(timetable)
            due = [
                (slot, bisect_right(FREEZES, slot.at) - 1)
                for slot in slots(zone, hour, FREEZES[0], FREEZES[-1])
            ]
            for weekdays in (DAILY, WORKDAYS, *WEEKLY):
                rows = read(Habits(weekdays), due)
                days = covered((row.first_on, row.last_on) for row in rows)
                assert days == [days[0] + n * DAY for n in range(len(days))], (name, hour, weekdays)
                assert len(days) > 715, (name, hour, weekdays)
                assert max((row.last_on - row.first_on).days for row in rows) <= MOST
    assert len(gone_through) > 10


ZONES = [
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu")
]
AUTUMN = DAYS.index(date(2026, 10, 18))  # a week before the clocks go back in Berlin
hours = st.one_of(st.none(), st.integers(0, 23))
weekdays = st.one_of(st.just(DAILY), st.just(WORKDAYS), st.sampled_from(WEEKLY), st.integers(1, 127))


@dataclass
class Life:
    """A reader whose habits change, and planners that come when they come."""

    zone: ZoneInfo = ZONES[0]
    hour: int | None = None
    habits: Habits = field(default_factory=lambda: Habits(DAILY))
    rows: list[Row] = field(default_factory=list)
    gathered: list[int] = field(default_factory=list)  # editions in each window
    marks: set[tuple[object, ...]] = field(default_factory=set)

    def choose(self, choice: tuple[ZoneInfo, int | None, int, int], *, now: datetime) -> None:
        self.zone, self.hour, days, pause = choice
        until = now.astimezone(self.zone).date() + pause * DAY if pause else None
        self.habits = replace(self.habits, weekdays=days, paused_until=until, active_from=now)

    def tick(self, issues: Sequence[Issue], *, now: datetime, refused: bool = False) -> None:
        """Plan every slot that no tick planned before, as `newsletter.delivery.planning` does."""
        out = [issue for issue in issues if issue.released_at <= now]
        for number, issue in enumerate(out):
            following = out[number + 1].freeze if number + 1 < len(out) else None
            for slot in due_slots(
                zone=self.zone, hour=self.hour, freeze=issue.freeze, released=issue.released_at,
                following=following, now=now,
            ):  # fmt: skip
                mark = (issue.day, self.zone.key, self.hour, slot.at)
                if mark in self.marks or not is_owed(self.habits, issue, slot, self.rows):
                    self.marks.add(mark)
                    continue
                self.marks.add(mark)
                first = first_on(self.habits, issue, reach(issue, out, slot), self.rows)
                sent = slot.at + CUT_OFF > now and not refused
                self.rows.append(Row(first, issue.day, slot.at, sent))
                self.gathered.append(sum(first <= one.day <= issue.day for one in out))

    @property
    def windows(self) -> list[tuple[date, date]]:
        return sorted((row.first_on, row.last_on) for row in self.rows if row.covers)


choices = st.tuples(st.sampled_from(ZONES), hours, weekdays, st.sampled_from([0, 0, 0, 3, 12]))
steps = st.lists(st.tuples(st.integers(1, 40), st.one_of(st.none(), choices), st.booleans()), max_size=40)
delays = st.lists(st.sampled_from([0, 0, 0, 1, 4, 11, 23, 30, None]), min_size=24, max_size=24)


def lived(
    delays: Sequence[int | None], steps: Sequence[tuple[int, object, bool]]
) -> tuple[Life, list[Issue]]:
    """A few weeks around the end of summer time. `delays`: hours of each edition's release; None: no edition.
    `steps`: hours to the next tick, a change of habits after it, and whether its mails are refused."""
    issues = [
        issue_of(DAYS[AUTUMN + number], late=timedelta(hours=delay))
        for number, delay in enumerate(delays)
        if delay is not None
    ]
    life, now = Life(), ISSUES[AUTUMN].freeze
    for hours, choice, refused in steps:
        now += timedelta(hours=hours)
        life.tick(issues, now=now, refused=refused)
        if choice:
            life.choose(choice, now=now)  # type: ignore[arg-type]
    return life, issues


@settings(deadline=None)  # a busy machine is no failure
@given(delays, steps)
def test_whatever_happens_no_edition_is_covered_twice_and_no_moment_has_two_mails(
    delays: list[int | None], steps: list[tuple[int, object, bool]]
) -> None:
    life, _ = lived(delays, steps)
    windows = life.windows
    assert all(one[1] < two[0] for one, two in pairwise(windows))
    for moments in ([row.due_at for row in life.rows], [row.last_on for row in life.rows]):
        assert len(set(moments)) == len(moments)


@settings(deadline=None)  # a busy machine is no failure
@given(delays, steps)
def test_what_lies_between_two_windows_was_out_of_reach_of_the_second(
    delays: list[int | None], steps: list[tuple[int, object, bool]]
) -> None:
    """As long as editions are released in their order: a mail leaves something out only if it has seven."""
    delays = [min(delay, 20) if delay else delay for delay in delays]
    life, issues = lived(delays, steps)
    sent = [(row, number) for row, number in zip(life.rows, life.gathered, strict=True) if row.covers]
    for (one, _), (two, gathered) in pairwise(sent):
        left_out = [issue for issue in issues if one.last_on < issue.day < two.first_on]
        assert not left_out or gathered >= MOST


def fortnight(reader: Habits, hour: int | None, *, from_day: int = AUTUMN, days: int = 15) -> Life:
    """A tick each half hour over these days of editions."""
    life = Life(hour=hour, habits=reader)
    now, end = ISSUES[from_day].freeze, ISSUES[from_day + days].freeze
    while now < end:
        life.tick(ISSUES[from_day : from_day + days], now=now)
        now += timedelta(minutes=30)
    return life


def shown(life: Life) -> list[str]:
    return [f"{row.due_at:%a}: {row.first_on:%a %d} to {row.last_on:%a %d}" for row in life.rows]


def test_a_weekly_reader_loses_nothing_in_the_week_in_which_the_clocks_go_back() -> None:
    """In London at one, Monday's edition is out in winter time, and in summer time it is not yet."""
    life = Life(zone=ZoneInfo("Europe/London"), hour=1, habits=Habits(WEEKLY[0]))
    now = ISSUES[AUTUMN].freeze
    while now < ISSUES[AUTUMN + 9].freeze:
        life.tick(ISSUES[AUTUMN - 10 : AUTUMN + 9], now=now)
        now += timedelta(minutes=30)
    assert [(f"{first:%a %d}", f"{last:%a %d}") for first, last in life.windows] == [
        ("Mon 12", "Sun 18"),
        ("Mon 19", "Mon 26"),
    ]


def test_a_reader_on_weekdays_gets_the_weekends_papers_on_monday() -> None:
    assert shown(fortnight(Habits(WORKDAYS), 7, days=9)) == [
        "Mon: Mon 19 to Mon 19",
        "Tue: Tue 20 to Tue 20",
        "Wed: Wed 21 to Wed 21",
        "Thu: Thu 22 to Thu 22",
        "Fri: Fri 23 to Fri 23",
        "Mon: Sat 24 to Mon 26",
    ]


def test_without_an_hour_a_day_on_which_nothing_came_out_ends_with_what_waits() -> None:
    """No editions on Sunday and Monday: a Monday reader would else never get one."""
    issues = [issue for issue in ISSUES[AUTUMN - 7 : AUTUMN + 7] if issue.day.weekday() not in (6, 0)]
    life, now = Life(hour=None, habits=Habits(WEEKLY[0])), issues[0].freeze
    while now < ISSUES[AUTUMN + 7].freeze:
        life.tick(issues, now=now)
        now += timedelta(minutes=30)
    assert [f"{row.due_at:%a %H:%M}: {row.first_on:%a %d} to {row.last_on:%a %d}" for row in life.rows] == [
        "Mon 21:00: Tue 13 to Sat 17"
    ]


@pytest.mark.parametrize("weekdays", [DAILY, WORKDAYS, *WEEKLY])
def test_a_long_pause_ends_with_the_seven_latest_editions(weekdays: int) -> None:
    back = DAYS[AUTUMN + 14]
    life = Life(hour=7, habits=Habits(weekdays, paused_until=back))
    life.rows.append(Row(DAYS[AUTUMN - 1], DAYS[AUTUMN - 1], ISSUES[AUTUMN - 1].freeze))
    now = ISSUES[AUTUMN].freeze
    while now < ISSUES[AUTUMN + 22].freeze:
        life.tick(ISSUES[AUTUMN : AUTUMN + 22], now=now)
        now += timedelta(minutes=30)
    first = life.rows[1]
    assert (first.last_on - first.first_on).days == MOST - 1
    assert first.due_at.date() >= back
    assert len(set(covered(life.windows))) == len(covered(life.windows))


def test_switching_between_daily_and_weekly_repeats_nothing_and_loses_nothing() -> None:
    life, now = Life(hour=7), ISSUES[AUTUMN].freeze
    changes = {4: WEEKLY[2], 12: DAILY, 14: WORKDAYS}
    for day in range(21):
        if day in changes:
            life.choose((ZONES[0], 7, changes[day], 0), now=now + timedelta(hours=12))
        for _ in range(24):
            life.tick(ISSUES[AUTUMN : AUTUMN + 21], now=now)
            now += timedelta(hours=1)
    days = covered(life.windows)
    assert days == DAYS[AUTUMN : AUTUMN + 20]  # the last day is a Saturday
    assert any(one != two for one, two in life.windows)
