"""Planning a million mails, all at once or at every reader's own hour, and the proof before closing.

The readers and yesterday's ledger are made by SQL. Measured is what the ticks take: their statements and
commits, as one process sees them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from benchmarks.comparison import Different
from newsletter.delivery.closing import close_if_done
from newsletter.delivery.planning import plan_due
from newsletter.mixes import mix_for
from newsletter.models import Delivery, Edition, Subscriber
from newsletter.weekdays import EVERY_DAY
from papers.reading.timetable import freeze_moment

DAY = date(2026, 11, 18)  # an edition of every day from here on
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_NAMES = """
Pacific/Honolulu America/Los_Angeles America/Denver America/Chicago America/New_York America/Sao_Paulo
Europe/London Europe/Paris Europe/Berlin Europe/Helsinki Africa/Lagos Africa/Nairobi Asia/Dubai Asia/Karachi
Asia/Kolkata Asia/Kathmandu Asia/Shanghai Asia/Singapore Asia/Tokyo Asia/Seoul Australia/Sydney
Pacific/Auckland
"""
ZONES = _NAMES.split()

# With own hours, one reader in ten wants mail as soon as the edition is out, and a third of the others at
# seven; one in seven has the weekend off, one in eleven is a weekly reader.
_READERS = """
    INSERT INTO newsletter_subscriber
        (email, email_key, state, mix_id, handle, secret, origin, created_at, confirmed_at, active_from,
         timezone, hour, weekdays)
    SELECT 'reader' || n || '@example.org', 'reader' || n || '@example.org', 'active',
           (%(mixes)s::bigint[])[1 + n %% cardinality(%(mixes)s::bigint[])], 'bench' || n, 'secret', 'form',
           %(since)s, %(since)s, %(since)s, (%(zones)s::text[])[1 + n %% cardinality(%(zones)s::text[])],
           CASE WHEN n %% 10 = 0 OR NOT %(own_hours)s THEN NULL
                WHEN n %% 3 = 0 THEN 7 ELSE (n / 30) %% 24 END,
           CASE WHEN NOT %(own_hours)s THEN 127 WHEN n %% 7 = 0 THEN 31
                WHEN n %% 11 = 0 THEN 1 << (n / 77 %% 7) ELSE 127 END
      FROM generate_series(1, %(number)s) AS n
"""
_SETTLE = """
    UPDATE newsletter_delivery SET state = 'accepted', settled_at = due_at, handed_over_at = due_at
     WHERE state = 'pending'
"""


@dataclass(frozen=True, slots=True)
class Planning:
    """What an edition took. `planned` of so many active `readers` were owed it; times in seconds."""

    readers: int
    planned: int
    slots: int
    calls: int
    ticks: float
    longest: float
    idle: float
    closing: float

    def __str__(self) -> str:
        each = f"{1_000_000 * self.ticks / self.planned:.1f} for a million"
        return "\n".join(
            [
                f"Planning for {self.readers:,} readers: {self.planned:,} mails at {self.slots:,} slots",
                f"  planned by {self.calls:2} ticks within     {self.ticks:8.1f} s ({each})",
                f"  the tick that planned the most   {self.longest:8.1f} s",
                f"  a tick with nothing to plan      {1000 * self.idle:8.1f} ms",
                f"  the anti-join, and closing       {self.closing:8.1f} s",
            ]
        )


def measure(
    number: int, *, mixes: int, own_hours: bool, progress: Callable[[str], None] = lambda line: None
) -> Planning:
    """Plan two days of editions for `number` readers; measure the second, which finds a ledger of the first.

    With `own_hours` they are due all day long, else all at once. It empties the tables of readers,
    editions and mails. Raises Different where the second day's ledger is not what the readers chose.
    """
    progress(f"making {number:,} readers")
    with connection.cursor() as cursor:
        # Nothing in the database ties the ledger to the others: its rows would stay.
        cursor.execute("TRUNCATE newsletter_subscriber, newsletter_edition, newsletter_delivery CASCADE")
    choices = [mix_for({}, length=5 + place, when_empty="top").pk for place in range(mixes)]
    make_readers(number, choices, own_hours=own_hours)
    for ago in (1, 0):
        day = DAY - timedelta(days=ago)
        progress(f"planning the edition of {day}")
        edition, times = _edition(day), []
        for hour in range(24 if own_hours else 1):
            began = perf_counter()
            plan_due(now=freeze_moment(day) + timedelta(hours=hour, minutes=59))
            times.append(perf_counter() - began)
        with connection.cursor() as cursor:
            cursor.execute(_SETTLE)
            cursor.execute("ANALYZE newsletter_delivery")
    return _result(edition, times)


def make_readers(number: int, mixes: Sequence[int], *, own_hours: bool) -> None:
    """Active readers of many zones, taking turns at the mixes; `own_hours`: most have an hour and days."""
    values: dict[str, Any] = {"zones": ZONES, "since": LONG_AGO, "number": number, "own_hours": own_hours}
    with connection.cursor() as cursor:
        cursor.execute(_READERS, {"mixes": list(mixes), **values})
        cursor.execute("ANALYZE newsletter_subscriber")


def _edition(day: date) -> Edition:
    freeze = freeze_moment(day)
    return Edition.objects.create(date=day, state="frozen", frozen_at=freeze, released_at=freeze)


def _result(edition: Edition, times: list[float]) -> Planning:
    """Close the edition, which its successor's release allows, and check who was planned."""
    following = _edition(edition.date + timedelta(days=1))
    now = freeze_moment(following.date)
    began = perf_counter()
    plan_due(now=now - timedelta(seconds=30))
    idle = perf_counter() - began
    rows = Delivery.objects.filter(edition=edition)
    planned, slots = rows.count(), edition.slots.filter(planned__gt=0).count()
    began = perf_counter()
    closed = close_if_done(edition, now=now)
    closing = perf_counter() - began
    readers = Subscriber.objects.all()
    if not closed or rows.count() != planned:
        raise Different(f"{rows.count() - planned} readers were owed {edition} and had no row")
    without = ~Exists(rows.filter(subscriber=OuterRef("pk")))
    if missing := readers.filter(without, weekdays=EVERY_DAY).count():
        raise Different(f"{missing} readers want mail every day and have no row of {edition}")
    return Planning(readers.count(), planned, slots, len(times), sum(times), max(times), idle, closing)
