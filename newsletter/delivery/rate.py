"""Keeps NEWSLETTER_RATE across all workers and machines, for digests and asked-for mails together.

The counts are rows of one table, and the clock is the database's. What was taken stays taken, whether or not
the mail leaves: a limit is rather missed than passed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from newsletter.delivery.pacing import Rule, Taken, free, wait
from newsletter.models import Pace

EVERYTHING = "all"  # the row that says until when nothing may leave
LONGEST_HOLD = timedelta(days=1)

# By unit, so that two workers lock them in one order.
_LOCK = """
    SELECT unit, newest, counts, extract(epoch FROM clock_timestamp())::float
      FROM newsletter_pace WHERE unit = ANY(%s) ORDER BY unit FOR UPDATE
"""
_HOLD = """
    INSERT INTO newsletter_pace (unit, newest, counts, until)
    VALUES (%(unit)s, 0, '{}', %(until)s)
    ON CONFLICT (unit) DO UPDATE SET until = greatest(newsletter_pace.until, excluded.until)
"""


class Used(Exception):
    """Nothing may leave for a while; the message says why."""


def rules() -> list[Rule]:
    return [Rule(limit, unit) for limit, unit in settings.NEWSLETTER_RATE]


def take(wanted: int) -> tuple[int, float]:
    """Take leave for at most `wanted` mails; return for how many, and, for none, the seconds to wait."""
    known = {rule.unit: rule for rule in rules()}
    if not known or not wanted:
        return wanted, 0.0
    with transaction.atomic():
        rows = _locked(sorted(known))
        now = max(moment for *_, moment in rows)
        taken = {unit: Taken(newest, counts).at(known[unit], now) for unit, newest, counts, _moment in rows}
        granted = min(wanted, *(free(rule, taken[rule.unit]) for rule in known.values()))
        if granted:
            for unit, before in taken.items():
                after = before.add(granted)
                Pace.objects.filter(unit=unit).update(newest=after.newest, counts=list(after.counts))
            return granted, 0.0
    return 0, max(wait(rule, taken[rule.unit], now) for rule in known.values())


def hold(seconds: float, *, now: datetime) -> None:
    """Let nothing leave for so long, because the other side asked for it; a day at most."""
    until = now + min(timedelta(seconds=seconds), LONGEST_HOLD)
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, {"unit": EVERYTHING, "until": until})


def ensure_open(*, now: datetime) -> None:
    """Raise Used while the other side wants no mail."""
    until = Pace.objects.filter(unit=EVERYTHING, until__gt=now).values_list("until", flat=True).first()
    if until is not None:
        raise Used(f"the mail server or provider wants no mail until {until.astimezone(UTC):%H:%M:%S} UTC")


def _locked(units: Sequence[str]) -> list[tuple[str, int, list[int], float]]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [list(units)])
        rows: list[tuple[str, int, list[int], float]] = cursor.fetchall()
        if len(rows) < len(units):
            Pace.objects.bulk_create([Pace(unit=unit) for unit in units], ignore_conflicts=True)
            cursor.execute(_LOCK, [list(units)])
            rows = cursor.fetchall()
    return rows
