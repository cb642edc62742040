"""Pure: when the next mail is to be expected, as far as that can be known before its edition is made."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from newsletter.schedule import slots

_AHEAD = timedelta(days=10)


def next_mail(
    *, zone: ZoneInfo, hour: int | None, weekdays: int, after: datetime, freezes: Iterable[datetime]
) -> datetime | None:
    """The first moment after `after` at which mail comes to a reader with this hour and these days.

    `freezes` are the moments at which editions will be out, in order, for at least the next eight days:
    without an hour, the mail comes with one of them. `weekdays`: 1 Monday … 64 Sunday, added up. None where
    no moment is found, which takes days off on all of them.
    """
    if hour is not None:
        found = (slot.at for slot in slots(zone, hour, after, after + _AHEAD) if slot.weekdays & weekdays)
        return next(found, None)
    days = (moment for moment in freezes if weekdays >> moment.astimezone(zone).weekday() & 1)
    return next((moment for moment in days if moment > after), None)
