"""Which readers may have come due while nobody remembers what was sent. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from newsletter.schedule import zone_or_utc

Bucket = tuple[str, int | None, int]  # zone, local hour or None, bits of the weekdays


def came_due(bucket: Bucket, *, since: datetime, until: datetime) -> bool:
    """Whether a reader of this zone, hour and days may have been due between the two moments.

    In doubt it says yes: without an hour any moment of one of their days counts, and of an hour that the
    clock repeats both do.
    """
    zone, hour, weekdays = bucket
    here = zone_or_utc(zone)
    day, last = since.astimezone(here).date(), until.astimezone(here).date()
    while day <= last:
        if weekdays >> day.weekday() & 1:
            if hour is None:
                return True
            for fold in (0, 1):  # the first of an hour that does not exist is the end of the gap
                moment = datetime(day.year, day.month, day.day, hour, tzinfo=here, fold=fold)
                if since <= moment <= until:
                    return True
        day += timedelta(days=1)
    return False


def those_due(buckets: Iterable[Bucket], *, since: datetime, until: datetime) -> list[Bucket]:
    return [bucket for bucket in buckets if came_due(bucket, since=since, until=until)]
