"""When mail comes, in words, and the zones that a page offers."""

from zoneinfo import ZoneInfo

import pytest

from newsletter.times import Times, in_words
from newsletter.zones import is_offered, offered

ZONE = "America/New_York"


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (Times(ZONE), "Every day, as soon as the edition is out"),
        (Times(ZONE, 0), "Every day at 00:00 (America/New York)"),
        (Times(ZONE, 7, 0b0010000), "Every Friday at 07:00 (America/New York)"),
        (Times(ZONE, None, 1), "Every Monday, as soon as the edition is out"),
        (Times(ZONE, None, 0b0011111), "Monday to Friday, as soon as the edition is out"),
        (Times("UTC", 23, 0b0011111), "Monday to Friday at 23:00 (UTC)"),
        (Times("UTC", 8, 0b1100001), "Mon, Sat, Sun at 08:00 (UTC)"),
        (Times("UTC", None, 0b0000011), "Mon, Tue, as soon as the edition is out"),
    ],
)
def test_times_are_said_in_words(times: Times, words: str) -> None:
    assert in_words(times) == words


def test_a_time_is_weekly_with_one_day_only() -> None:
    assert [Times("UTC", weekdays=days).weekly for days in (1, 64, 3, 127)] == [True, True, False, False]


def test_every_offered_zone_exists_and_stands_once() -> None:
    names = [name for _, zones in offered() for name in zones]
    assert len(names) == len(set(names)) > 400
    assert all(ZoneInfo(name).key == name for name in names)
    assert (is_offered("Europe/Berlin"), is_offered("UTC"), is_offered("Mars/Base")) == (True, True, False)
