"""Which pairs of zone and hour the readers have: planning goes by them, never by single readers."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import connection

from newsletter import schedule
from newsletter.models import Subscriber
from newsletter.weekdays import EVERY_DAY

# Jumps from zone to zone in the index, so that a million readers cost no more than a hundred.
_BUCKETS = """
    WITH RECURSIVE zones (name) AS (
        (SELECT timezone FROM newsletter_subscriber WHERE state = 'active' ORDER BY timezone LIMIT 1)
        UNION ALL
        SELECT (SELECT s.timezone FROM newsletter_subscriber s
                 WHERE s.state = 'active' AND s.timezone > zones.name ORDER BY s.timezone LIMIT 1)
          FROM zones WHERE zones.name IS NOT NULL)
    SELECT name, hour FROM zones CROSS JOIN generate_series(0, 23) AS hours (hour)
     WHERE EXISTS (SELECT FROM newsletter_subscriber s
                    WHERE s.state = 'active' AND s.timezone = name AND s.hour = hours.hour)
    UNION ALL
    SELECT name, NULL FROM zones
     WHERE EXISTS (SELECT FROM newsletter_subscriber s
                    WHERE s.state = 'active' AND s.timezone = name AND s.hour IS NULL)
     ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Active readers of one zone and local hour; without an hour: due as soon as an edition is out."""

    timezone: str
    hour: int | None

    @property
    def zone(self) -> ZoneInfo:
        return schedule.zone_or_utc(self.timezone)


def buckets() -> list[Bucket]:
    """Every pair of zone and hour that an active reader has. One query, whatever the number of readers."""
    with connection.cursor() as cursor:
        cursor.execute(_BUCKETS)
        return [Bucket(name, hour) for name, hour in cursor.fetchall()]


def some_have_days_off(bucket: Bucket) -> bool:
    """Whether a reader of this bucket has not every day."""
    readers = Subscriber.objects.filter(
        state=Subscriber.State.ACTIVE, timezone=bucket.timezone, hour=bucket.hour
    )
    return readers.filter(weekdays__lt=EVERY_DAY).exists()
