"""How a source was read, told to readers in the language that is active.

`papers.reading.readiness` writes it in English, and editions keep what it wrote. Its sentences are few, so
they are read here and said anew; a text that is none of them is given as it stands.
"""

import re
from datetime import date

from django.utils.translation import gettext as _

from papers.days import near_day

_READ = re.compile(r"(?P<how>read|read in part) at (?P<clock>\d\d:\d\d) UTC")
_SINCE = re.compile(
    r"(?P<how>stale|not read) since "
    r"(?P<weekday>[A-Z][a-z]+) (?P<day>\d+) (?P<month>[A-Z][a-z]+), (?P<clock>\d\d:\d\d) UTC"
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def told(text: str) -> str:
    """ "read at 00:17 UTC" in the active language; it goes on after the source's name."""
    if found := _READ.fullmatch(text):
        words = _("read at %(clock)s UTC") if found["how"] == "read" else _("read in part at %(clock)s UTC")
        return words % {"clock": found["clock"]}
    if (found := _SINCE.fullmatch(text)) and (day := _day(found["weekday"], found["day"], found["month"])):
        stale, unread = _("stale since %(day)s, %(clock)s UTC"), _("not read since %(day)s, %(clock)s UTC")
        words = stale if found["how"] == "stale" else unread
        return words % {"day": near_day(day), "clock": found["clock"]}
    return {"never read": _("never read"), "stale": _("stale")}.get(text, text)


def _day(weekday: str, day: str, month: str) -> date | None:
    """Some day of this weekday and date: the year is not told, and it is not written again."""
    for year in range(2000, 2029):  # every date meets every weekday, 29 February too
        try:
            found = date(year, _MONTHS.index(month) + 1, int(day))
        except ValueError:
            continue
        if _WEEKDAYS[found.weekday()] == weekday:
            return found
    return None
