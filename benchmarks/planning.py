"""Planning a million mails: a day of ticks, every reader at their own hour, and the proof before closing.

The readers and yesterday's ledger are made by SQL. Measured is what the ticks take: their statements and
commits, as one process sees them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import perf_counter

from django.db import connection

from benchmarks.comparison import Different
from newsletter.delivery.closing import close_if_done
from newsletter.delivery.planning import plan_due
from newsletter.mixes import mix_for
from newsletter.models import EVERY_DAY, Delivery, Edition, Subscriber
from papers.reading.duties import freeze_moment

DAY = date(2026, 11, 18)  # an edition of every day from here on
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_NAMES = """
Pacific/Honolulu America/Los_Angeles America/Denver America/Chicago America/New_York America/Sao_Paulo
Europe/London Europe/Paris Europe/Berlin Europe/Helsinki Africa/Lagos Africa/Nairobi Asia/Dubai Asia/Karachi
Asia/Kolkata Asia/Kathmandu Asia/Shanghai Asia/Singapore Asia/Tokyo Asia/Seoul Australia/Sydney
Pacific/Auckland
"""
ZONES = _NAMES.split()

# One reader in ten wants mail as soon as the edition is out; of the others, a third gets up at seven.
_READERS = """
    INSERT INTO newsletter_subscriber
        (email, email_key, state, mix_id, handle, secret, origin, created_at, confirmed_at, active_from,
         timezone, hour, weekdays)
    SELECT 'reader' || n || '@example.org', 'reader' || n || '@example.org', 'active',
           (%(mixes)s::bigint[])[1 + n %% cardinality(%(mixes)s::bigint[])], 'bench' || n, 'secret', 'form',
           %(since)s, %(since)s, %(since)s, (%(zones)s::text[])[1 + n %% cardinality(%(zones)s::text[])],
           CASE WHEN n %% 10 = 0 THEN NULL WHEN n %% 3 = 0 THEN 7 ELSE (n / 30) %% 24 END,
           CASE WHEN n %% 7 = 0 THEN 31 WHEN n %% 11 = 0 THEN 1 << (n / 77 %% 7) ELSE 127 END
      FROM generate_series(1, %(number)s) AS n
"""
_SETTLE = """
    UPDATE newsletter_delivery SET state = 'accepted', settled_at = due_at, handed_over_at = due_at
     WHERE state = 'pending'
"""


@dataclass(frozen=True, slots=True)
class Planning:
    """What a day took. `readers` active ones, of whom `planned` were owed the edition; times in seconds."""

    readers: int
    planned: int
    slots: int
    ticks: float
    longest: float
    idle: float
    closing: float

    def __str__(self) -> str:
        a_million = 1_000_000 * self.ticks / self.planned
        return "\n".join(
            [
                f"Planning a day of {self.readers:,} readers: {self.planned:,} mails at {self.slots:,} slots",
                f"  all ticks of the day, together   {self.ticks:8.1f} s ({a_million:.1f} for a million)",
                f"  the tick that planned the most   {self.longest:8.1f} s",
                f"  a tick with nothing to plan      {1000 * self.idle:8.1f} ms",
                f"  the anti-join, and closing       {self.closing:8.1f} s",
            ]
        )


def measure(number: int, *, mixes: int, progress: Callable[[str], None] = lambda line: None) -> Planning:
    """Plan two days of editions for `number` readers; measure the second, which finds a ledger of the first.

    Raises Different where the second day's ledger is not what the readers chose.
    """
    progress(f"making {number:,} readers")
    choices = [mix_for({}, length=5 + place % 900, when_empty="top").pk for place in range(mixes)]
    with connection.cursor() as cursor:
        cursor.execute(_READERS, {"mixes": choices, "zones": ZONES, "since": LONG_AGO, "number": number})
        cursor.execute("ANALYZE newsletter_subscriber")
    for ago in (1, 0):
        day = DAY - timedelta(days=ago)
        progress(f"planning the edition of {day}")
        edition, times = _edition(day), []
        for hour in range(25):
            began = perf_counter()
            plan_due(now=freeze_moment(day) + timedelta(hours=hour) - timedelta(minutes=hour == 24))
            times.append(perf_counter() - began)
        with connection.cursor() as cursor:
            cursor.execute(_SETTLE)
            cursor.execute("ANALYZE newsletter_delivery")
    return _result(edition, times)


def _edition(day: date) -> Edition:
    freeze = freeze_moment(day)
    return Edition.objects.create(date=day, state="frozen", frozen_at=freeze, released_at=freeze)


def _result(edition: Edition, times: list[float]) -> Planning:
    """Close the edition, which its successor's release allows, and check who was planned."""
    following = _edition(edition.date + timedelta(days=1))
    now = freeze_moment(following.date)
    began = perf_counter()
    plan_due(now=now - timedelta(minutes=1))
    idle = perf_counter() - began
    rows = Delivery.objects.filter(edition=edition)
    planned, slots = rows.count(), edition.slots.count()
    began = perf_counter()
    closed = close_if_done(edition, now=now)
    closing = perf_counter() - began
    readers = Subscriber.objects.all()
    if not closed or rows.count() != planned:
        raise Different(f"{rows.count() - planned} readers were owed {edition} and had no row")
    if missing := readers.filter(weekdays=EVERY_DAY).exclude(pk__in=rows.values("subscriber")).count():
        raise Different(f"{missing} readers want mail every day and have no row of {edition}")
    return Planning(readers.count(), planned, slots, sum(times), max(times), idle, closing)
