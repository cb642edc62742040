"""When a source has something due. Pure.

Hugging Face: a list a day from Monday to Friday, by UTC days; it fills all day. Measured on recorded lists of
2026: the first paper came within 1.0 h after midnight on each of 18 days whose times are known, and every
list had 8 papers or more at 4 to 5 h (30 days) and 9 or more at 9 to 12 h (29 days). So an empty list is
quiet until 12:00 UTC, and stale from then on.

arXiv: announcements from Sunday to Thursday at 20:00 US Eastern time (info.arxiv.org/help/availability). The
announcement feed of a category follows at midnight there and bears the date of that new day, so feeds are
dated Monday to Friday. On holidays arXiv defers: it publishes a list for each year, which those of 2023 and
2025 have in common up to a day or two. Here is that common part; in the last week of December, whose days it
names late, nothing is expected.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
LIST_STARTS_BY = time(12)  # UTC; a list of a weekday that is empty then is stale
FEED_GRACE = timedelta(hours=6)  # a feed that is not there so long after midnight US Eastern is stale
_MONDAY, _FRIDAY, _SATURDAY, _SUNDAY = 0, 4, 5, 6


def has_list(day: date) -> bool:
    """Whether Hugging Face has a list on this UTC day."""
    return day.weekday() <= _FRIDAY


def list_should_have_begun(day: date, *, now: datetime) -> bool:
    """Whether the list of `day` may no longer be empty."""
    return has_list(day) and now >= datetime.combine(day, LIST_STARTS_BY, UTC)


def is_arxiv_holiday(day: date) -> bool:
    """Whether arXiv defers the announcement of this evening (US Eastern)."""
    if (day.month, day.day) in {(1, 1), (6, 19), (7, 4)} or (day.month == 12 and day.day >= 24):
        return True
    if day.month == 7 and day.weekday() == _SUNDAY and day.day in (5, 6):
        return True  # 4 July was a Friday or Saturday, which have no announcement to defer (so in 2025)
    return day in {
        _nth(day.year, 1, _MONDAY, 3),  # Martin Luther King Jr. Day
        _nth(day.year, 9, _MONDAY, 1),  # Labor Day
        _nth(day.year, 11, 3, 4),  # Thanksgiving, a Thursday
    }


def announces(evening: date) -> bool:
    """Whether arXiv announces on this evening (US Eastern)."""
    return evening.weekday() not in (_FRIDAY, _SATURDAY) and not is_arxiv_holiday(evening)


def has_feed(day: date) -> bool:
    """Whether there is an announcement feed of this date."""
    return announces(day - timedelta(days=1))


def feed_moment(day: date) -> datetime:
    """When the feed of this date is made: its midnight, US Eastern."""
    return datetime.combine(day, time(), EASTERN).astimezone(UTC)


def latest_feed(now: datetime, *, grace: timedelta = timedelta()) -> date:
    """The date of the newest feed that must be there at `now`, or was made `grace` ago at least."""
    day = (now - grace).astimezone(EASTERN).date()
    while not has_feed(day):
        day -= timedelta(days=1)
    return day


def latest_possible_feed(now: datetime) -> date:
    """The same, but for holidays: what is worth asking for, since arXiv may announce all the same."""
    day = now.astimezone(EASTERN).date()
    return day - timedelta(days=max(0, day.weekday() - _FRIDAY))


def submission_window(day: date) -> tuple[datetime, datetime]:
    """From when to when arXiv took in what the feed of `day` announced, holidays left aside.

    Submissions close at 14:00 US Eastern; what came from Thursday to Friday is announced on Sunday.
    """
    evening = day - timedelta(days=1)
    until = evening - timedelta(days=2) if evening.weekday() == _SUNDAY else evening
    since = until - timedelta(days=3 if until.weekday() == _MONDAY else 1)
    closing = time(14, tzinfo=EASTERN)
    return (
        datetime.combine(since, closing).astimezone(UTC),
        datetime.combine(until, closing).astimezone(UTC),
    )


def why_no_list(day: date) -> str:
    return f"{day:%A}: Hugging Face has no list at weekends"


def in_words(day: date) -> str:
    """ "Thursday 19 November"."""
    return f"{day:%A} {day.day} {day:%B}"


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    """The `number`th such weekday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))
