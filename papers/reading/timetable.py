"""When editions freeze, which days' lists they take, and how long things are waited for."""

from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings

from papers.reading import calendars

LISTS = 3  # an edition takes the papers of so many days, which are read again until it is frozen
LAST_READING = timedelta(minutes=15)  # so long before the freeze they are read for the last time
FORGOTTEN_AFTER = timedelta(days=30)  # older runs say nothing of what is due
GRACE = timedelta(minutes=90)  # how long an edition waits for sources that fail
AWAY = GRACE - timedelta(minutes=15)  # who was off for so long missed most of that time: it begins anew


def freeze_moment(day: date) -> datetime:
    """The instant at which the edition of `day` freezes; its sources are read shortly before."""
    hour, minute = (int(part) for part in str(settings.NEWSLETTER_FREEZE_AT).split(":")[:2])
    return datetime.combine(day, time(hour, minute), UTC)


def todays_freeze(now: datetime) -> datetime:
    """When the edition of today (UTC) freezes or was to freeze."""
    return freeze_moment(now.astimezone(UTC).date())


def fresh_from(freeze: datetime) -> datetime:
    """From when on a reading counts as the last one before the freeze: never before midnight UTC."""
    midnight = datetime.combine(freeze.date(), time(), UTC)
    return max(midnight, freeze - LAST_READING)


def window(day: date) -> list[date]:
    """The list days whose papers the edition of `day` takes, the oldest first, without weekends."""
    days = [day - timedelta(days=ago) for ago in range(LISTS, 0, -1)]
    return [one for one in days if calendars.has_list(one)]
