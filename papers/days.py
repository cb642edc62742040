"""Days in words, in the language of the page: "Friday 20 November 2026", "Freitag, 20. November 2026".

The formats are messages themselves, in the letters of Django's `date` filter: order, commas and full stops
are a language's own.
"""

from datetime import date

from django.utils.dateformat import format as written
from django.utils.translation import pgettext

Day = date | str | None  # a date, which may have a time, or its ISO text


def long_day(day: Day) -> str:
    """A date or its ISO text -> "Friday 20 November 2026"; none -> ""."""
    return _in_words(day, pgettext("format of a day", "l j F Y"))


def full_day(day: Day) -> str:
    """A date or its ISO text -> "20 November 2026"; none -> ""."""
    return _in_words(day, pgettext("format of a day", "j F Y"))


def near_day(day: Day) -> str:
    """A date or its ISO text -> "Friday 20 November", where the year is known; none -> ""."""
    return _in_words(day, pgettext("format of a day", "l j F"))


def month_and_year(day: Day) -> str:
    """A date or its ISO text -> "November 2026"; none -> ""."""
    return _in_words(day, pgettext("format of a month", "F Y"))


def _in_words(day: Day, wanted: str) -> str:
    if not day:
        return ""
    return str(written(date.fromisoformat(day) if isinstance(day, str) else day, wanted))
