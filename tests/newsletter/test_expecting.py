"""When a new reader's next mail is to be expected."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from newsletter.expecting import next_mail
from newsletter.weekdays import EVERY_DAY

FRIDAY_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FREEZES = [datetime(2026, 11, 20, 0, 30, tzinfo=UTC) + timedelta(days=ahead) for ahead in range(10)]
MONDAY, WEEKEND = 1, 0b1100000


@pytest.mark.parametrize(
    ("zone", "hour", "weekdays", "moment"),
    [
        ("UTC", 18, EVERY_DAY, (20, 18, 0)),
        ("UTC", 7, EVERY_DAY, (21, 7, 0)),
        ("Europe/Berlin", 13, EVERY_DAY, (20, 12, 0)),
        ("Asia/Kathmandu", 7, EVERY_DAY, (21, 1, 15)),
        ("UTC", 18, MONDAY, (23, 18, 0)),
        ("UTC", None, EVERY_DAY, (21, 0, 30)),
        ("UTC", None, MONDAY, (23, 0, 30)),
        # Half past midnight UTC on Sunday is Saturday evening there.
        ("America/New_York", None, MONDAY, (24, 0, 30)),
        ("Pacific/Auckland", None, WEEKEND, (21, 0, 30)),
    ],
)
def test_the_next_mail_comes_at_the_next_hour_or_edition_on_a_day_of_theirs(
    zone: str, hour: int | None, weekdays: int, moment: tuple[int, int, int]
) -> None:
    found = next_mail(zone=ZoneInfo(zone), hour=hour, weekdays=weekdays, after=FRIDAY_NOON, freezes=FREEZES)
    day, at, minute = moment
    assert found == datetime(2026, 11, day, at, minute, tzinfo=UTC)


def test_without_any_edition_to_come_there_is_no_moment() -> None:
    assert (
        next_mail(zone=ZoneInfo("UTC"), hour=None, weekdays=EVERY_DAY, after=FRIDAY_NOON, freezes=[]) is None
    )
