"""When local hours happen, in every zone, and when an edition comes due."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter import schedule
from newsletter.schedule import Slot, due_slots, moment, slots

ZONES = sorted(available_timezones())
BERLIN = ZoneInfo("Europe/Berlin")
FREEZE = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)  # a Friday


def local(zone: str, day: date, hour: int) -> str:
    at = moment(day, hour, ZoneInfo(zone))
    return f"{at.astimezone(ZoneInfo(zone)):%d %H:%M:%S %z} = {at:%d %H:%M}"


@pytest.mark.parametrize(
    ("zone", "day", "hour", "when"),
    [
        ("Europe/Berlin", date(2026, 11, 20), 7, "20 07:00:00 +0100 = 20 06:00"),
        ("Asia/Kathmandu", date(2026, 11, 20), 7, "20 07:00:00 +0545 = 20 01:15"),
        ("Pacific/Kiritimati", date(2026, 11, 20), 7, "20 07:00:00 +1400 = 19 17:00"),
        # Gaps: the next moment that exists.
        ("Europe/Berlin", date(2026, 3, 29), 2, "29 03:00:00 +0200 = 29 01:00"),
        ("Africa/Cairo", date(2026, 4, 24), 0, "24 01:00:00 +0300 = 23 22:00"),
        ("Australia/Lord_Howe", date(2026, 10, 4), 2, "04 02:30:00 +1100 = 03 15:30"),
        ("Antarctica/Troll", date(2026, 3, 29), 1, "29 03:00:00 +0200 = 29 01:00"),
        ("America/Nuuk", date(2026, 3, 28), 23, "29 00:00:00 -0100 = 29 01:00"),
        ("Pacific/Apia", date(2011, 12, 30), 7, "31 00:00:00 +1400 = 30 10:00"),
        # Folds: the first of the two.
        ("Europe/Berlin", date(2026, 10, 25), 2, "25 02:00:00 +0200 = 25 00:00"),
        ("America/New_York", date(2026, 11, 1), 1, "01 01:00:00 -0400 = 01 05:00"),
        ("America/Nuuk", date(2026, 10, 24), 23, "24 23:00:00 -0100 = 25 00:00"),
    ],
)
def test_a_local_hour_happens_at_one_moment(zone: str, day: date, hour: int, when: str) -> None:
    assert local(zone, day, hour) == when


@settings(deadline=None)  # a busy machine is no failure
@given(st.sampled_from(ZONES), st.dates(date(2000, 1, 1), date(2037, 12, 31)), st.integers(0, 23))
def test_an_hour_that_exists_is_its_own_first_moment_and_another_one_the_end_of_its_gap(
    name: str, day: date, hour: int
) -> None:
    zone = ZoneInfo(name)
    at = moment(day, hour, zone)
    wall = f"{day} {hour:02}:00:00"

    def shown(before: timedelta) -> str:
        return f"{(at - before).astimezone(zone):%Y-%m-%d %H:%M:%S}"

    if shown(timedelta()) == wall:
        assert wall not in [shown(n * timedelta(minutes=15)) for n in range(1, 9)]
    else:
        assert shown(timedelta(seconds=1)) < wall < shown(timedelta())


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.sampled_from(ZONES),
    st.integers(0, 23),
    st.dates(date(2010, 1, 1), date(2036, 12, 1)),
    st.lists(st.timedeltas(timedelta(), timedelta(days=9)), min_size=3, max_size=3),
)
def test_a_range_of_slots_is_the_same_in_one_piece_or_in_several(
    name: str, hour: int, day: date, steps: list[timedelta]
) -> None:
    zone = ZoneInfo(name)
    start = moment(day, 0, ZoneInfo("UTC"))
    cuts = [start]
    for step in steps:
        cuts.append(cuts[-1] + step)
    parts = [slot for one, two in pairwise(cuts) for slot in slots(zone, hour, one, two)]
    whole = list(slots(zone, hour, cuts[0], cuts[-1]))
    assert parts == whole
    assert all(one.at < two.at for one, two in pairwise(whole))
    assert all(start <= slot.at < cuts[-1] for slot in whole)


def test_days_that_share_a_moment_are_one_slot_of_both_days() -> None:
    apia = ZoneInfo("Pacific/Apia")
    start, end = datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC)
    found = [(slot.at, slot.day, slot.weekdays) for slot in slots(apia, 0, start, end)]
    assert found == [  # there was no Friday the 30th
        (datetime(2011, 12, 30, 10, tzinfo=UTC), date(2011, 12, 31), 16 | 32),
        (datetime(2011, 12, 31, 10, tzinfo=UTC), date(2012, 1, 1), 64),
    ]


def due(hour: int | None, *, released: datetime = FREEZE, **given: datetime | None) -> list[str]:
    """The slots of Berlin's readers up to a moment, as local times."""
    moments: dict[str, datetime | None] = {"following": None, **given}
    now = moments.pop("now") or FREEZE
    found: list[Slot] = due_slots(
        zone=BERLIN, hour=hour, freeze=FREEZE, released=released, now=now, following=moments["following"]
    )
    return [f"{slot.at.astimezone(BERLIN):%a %H:%M}{' late' if slot.late else ''}" for slot in found]


def test_an_edition_is_due_at_each_hour_from_its_freeze_until_the_next_edition_takes_over() -> None:
    sunday = FREEZE + timedelta(days=2)
    assert due(7, now=FREEZE + timedelta(hours=5, minutes=29)) == []
    assert due(7, now=FREEZE + timedelta(hours=5, minutes=30)) == ["Fri 07:00"]
    assert due(1, now=sunday) == ["Sat 01:00", "Sun 01:00"]  # on Friday, that is before the freeze
    assert due(7, now=sunday + timedelta(days=2), following=sunday) == ["Fri 07:00", "Sat 07:00"]


def test_an_edition_that_nothing_follows_is_looked_at_for_eight_days() -> None:
    found = due(7, now=FREEZE + timedelta(days=40, hours=6))
    assert [one[:3] for one in found] == ["Wed", "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]


def test_a_late_release_reaches_whose_hour_was_at_most_six_hours_before() -> None:
    released = FREEZE + timedelta(hours=11)  # 12:30 in Berlin
    now = released + timedelta(minutes=1)
    found = [due(hour, released=released, now=now) for hour in (5, 6, 7, 12, 13)]
    assert found == [[], [], ["Fri 07:00"], ["Fri 12:00"], []]


def test_without_an_hour_the_release_counts_and_the_evening_of_days_without_one() -> None:
    released = FREEZE + timedelta(hours=3)
    assert due(None, released=released, now=released - timedelta(seconds=1)) == []
    assert due(None, released=released, now=released) == ["Fri 04:30"]
    assert due(None, released=released, now=FREEZE + timedelta(days=2)) == [
        "Fri 04:30",
        "Fri 23:00 late",
        "Sat 23:00 late",
    ]


def test_a_slot_knows_the_same_hour_a_week_before_by_the_local_clock() -> None:
    (slot,) = slots(BERLIN, 7, datetime(2026, 10, 28, tzinfo=UTC), datetime(2026, 10, 29, tzinfo=UTC))
    assert (slot.at, slot.week_before) == (
        datetime(2026, 10, 28, 6, tzinfo=UTC),
        datetime(2026, 10, 21, 5, tzinfo=UTC),
    )
    (release,) = due_slots(
        zone=BERLIN, hour=None, freeze=slot.at, released=slot.at, following=None, now=slot.at
    )
    assert release == Slot(slot.at, date(2026, 10, 28), 4, BERLIN, None)
    assert release.week_before == slot.week_before


@pytest.mark.parametrize("name", ["Mars/Base", "", "../../etc/passwd", "Europe/Berlin\0", "UTC+1"])
def test_a_name_that_is_no_zone_is_told_in_one_sentence(name: str) -> None:
    with pytest.raises(schedule.UnknownZone) as caught:
        schedule.canonical(name)
    assert str(caught.value) == f"{name!r} is no time zone; write a name such as Europe/Berlin"


def test_capitals_and_spaces_around_a_zone_do_not_matter() -> None:
    assert schedule.canonical(" europe/BERLIN ") == "Europe/Berlin"
    assert schedule.zone("Europe/Berlin") == BERLIN
    with pytest.raises(schedule.UnknownZone):
        schedule.zone("europe/berlin")
