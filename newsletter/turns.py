"""Whose turn it is to tick: of many workers whose timers run out together, one does the work.

A tick is skipped where another began less than half an interval ago and has ended. One that has not ended
counts for a few seconds only, for it may be dead; one that failed counts for nothing. So there are one and a
half intervals at most between two ticks, as long as any door lives, and one tick too many does no harm.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from newsletter.marks import TURN
from papers.models import Mark

UNDER_WAY = timedelta(seconds=10)  # a tick takes a second, and minutes where a million mails are planned
_OVER = 1  # the mark's position, once the tick has ended

# One statement, so that of two at once the second sees the first. What is far ahead was a wrong clock's.
_TAKE = """
    INSERT INTO papers_mark (name, at, position) VALUES (%(name)s, %(now)s, 0)
    ON CONFLICT (name) DO UPDATE SET at = EXCLUDED.at, position = 0
     WHERE papers_mark.at <= %(now)s - %(half)s OR papers_mark.at >= %(now)s + %(half)s
        OR (papers_mark.position <> %(over)s AND papers_mark.at <= %(now)s - %(under_way)s)
"""


def take(*, now: datetime) -> bool:
    """Whether the caller is to tick now; who is tells `over` when it has. People never ask."""
    half = timedelta(seconds=settings.NEWSLETTER_TICK_SECONDS) / 2
    values: dict[str, Any] = {
        "name": TURN,
        "now": now,
        "half": half,
        "under_way": min(UNDER_WAY, half),
        "over": _OVER,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        return bool(cursor.rowcount)


def over(*, began: datetime) -> None:
    """The tick that took its turn at this moment has ended."""
    Mark.objects.filter(name=TURN, at=began).update(position=_OVER)


def give_back(*, began: datetime) -> None:
    """The tick that took its turn at this moment failed: whoever comes next may tick at once."""
    Mark.objects.filter(name=TURN, at=began).delete()
