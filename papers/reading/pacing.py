"""How often a source may be asked: kept in PostgreSQL, for workers are many and Redis may be flushed."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection

from papers.models import Mark
from papers.sources.http import FetchError

ARXIV_SECONDS = 3  # arXiv's terms: one request every three seconds, one connection
TURNS_AHEAD = 20  # more are never waited for: a turn further off comes from a clock that was set back
LONGEST_WAIT = 60.0  # seconds
_SLOT = """
    INSERT INTO papers_mark AS mark (name, at, position) VALUES (%s, clock_timestamp(), 0)
    ON CONFLICT (name) DO UPDATE
    SET at = least(
        greatest(mark.at + make_interval(secs => %s), clock_timestamp()),
        clock_timestamp() + make_interval(secs => %s)
    )
    RETURNING extract(epoch FROM at - clock_timestamp())
"""


def take_turn(name: str, seconds: float, *, wait: Callable[[float], None] = time.sleep) -> None:
    """Wait until `seconds` have passed since the turn before, whoever took it; the database's clock counts.

    A turn is taken in one statement and waited for afterwards, so nobody holds a lock while waiting.
    Raises FetchError where the turn is more than a minute ahead.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SLOT, [name, seconds, TURNS_AHEAD * seconds])
        (ahead,) = cursor.fetchone()
    if ahead > LONGEST_WAIT:
        raise FetchError(f"The next turn of {name!r} is {float(ahead):.0f} s ahead.", "timeout")
    if ahead > 0:
        wait(float(ahead))


def rest(source: str, seconds: float, *, now: datetime) -> None:
    """Leave a source alone for so long, as it asked for."""
    until = now + timedelta(seconds=seconds)
    mark, made = Mark.objects.get_or_create(name=_rest_of(source), defaults={"at": until})
    if not made:
        Mark.objects.filter(pk=mark.pk, at__lt=until).update(at=until)


def rests_until(source: str, *, now: datetime) -> datetime | None:
    """Until when a source wants to be left alone, if that is still to come."""
    return Mark.objects.filter(name=_rest_of(source), at__gt=now).values_list("at", flat=True).first()


def _rest_of(source: str) -> str:
    return f"{source} rests"
