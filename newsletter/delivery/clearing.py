"""Clears the ledger of editions that are long past: what became of their mails is kept as counts.

Only settled rows of editions that are over are cleared, at most `limit` in a call. An active reader keeps the
last row that covers anything: their next window begins after it. The ledger is gone through in the order in
which it was written, each call from where the one before stopped: what is kept is read once a day.
"""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from newsletter.marks import LEDGER_READ
from newsletter.models import Delivery, Edition
from papers.clearing import KEPT
from papers.models import Mark

State = Edition.State
OVER = (State.CLOSED, State.CLOSED_WITH_IN_DOUBT, State.EMPTY, State.CANCELLED, State.MISSED)
LOOK = 20_000  # rows that one statement reads

# No old edition among so many rows: then there is none behind them, for numbers ascend with time.
_SEEN = """
    SELECT max(seen.id), array_agg(DISTINCT e.id) FILTER (WHERE e.id IS NOT NULL)
      FROM (SELECT id, edition_id FROM newsletter_delivery
             WHERE id > %(after)s ORDER BY id LIMIT %(look)s) seen
      LEFT JOIN newsletter_edition e ON e.id = seen.edition_id AND e.date < %(before)s
"""
# What an event is marking just now, or a person decides, is left to the next day.
_CLEAR = """
    WITH old AS MATERIALIZED (
        SELECT d.id FROM newsletter_delivery d
         WHERE d.id > %(after)s AND d.id <= %(last)s
           AND d.edition_id = ANY(%(editions)s) AND d.state = ANY(%(settled)s)
           AND NOT (d.covers
               AND EXISTS (SELECT FROM newsletter_subscriber s
                            WHERE s.id = d.subscriber_id AND s.state = 'active')
               AND NOT EXISTS (SELECT FROM newsletter_delivery later
                                WHERE later.subscriber_id = d.subscriber_id AND later.last_on > d.last_on
                                  AND later.covers))
         ORDER BY d.id LIMIT %(limit)s
           FOR UPDATE OF d SKIP LOCKED
    ), unhooked AS (
        UPDATE newsletter_event SET delivery_id = NULL FROM old WHERE delivery_id = old.id
    ), gone AS (
        DELETE FROM newsletter_delivery d USING old
         WHERE d.id = old.id RETURNING d.id, d.edition_id, d.state)
    SELECT edition_id, state, count(*), max(id) FROM gone GROUP BY edition_id, state
"""
_SLOTS = """
    DELETE FROM newsletter_slot WHERE id IN (
        SELECT s.id FROM newsletter_slot s JOIN newsletter_edition e ON e.id = s.edition_id
         WHERE e.date < %(before)s AND e.state = ANY(%(over)s) LIMIT %(limit)s)
"""


def clear_deliveries(limit: int, *, now: datetime) -> int:
    """Clear settled rows of old editions, the first ones first, and count them there; return how many went.

    Fewer than `limit`: it came to the end, and the next call begins anew.
    """
    mark, _ = Mark.objects.get_or_create(name=LEDGER_READ, defaults={"at": now})
    total, at_end = 0, False
    while total < limit and not at_end:
        with transaction.atomic():
            gone, at_end = _clear_some(mark, limit - total, now=now)
        total += gone
    return total


def clear_slots(limit: int, *, now: datetime) -> int:
    """Clear the moments at which old editions were planned; return how many went."""
    with connection.cursor() as cursor:
        cursor.execute(_SLOTS, _values(limit, now))
        return int(cursor.rowcount)


def _clear_some(mark: Mark, limit: int, *, now: datetime) -> tuple[int, bool]:
    """Clear what may go of the next LOOK rows, and remember how far that was; return how many went, and
    whether no old row is left to look at."""
    values = _values(limit, now) | {"after": mark.position, "look": LOOK}
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, values)
        last, old = cursor.fetchone()
        if not old:
            _remember(mark, 0, now=now)
            return 0, True
        editions = Edition.objects.filter(pk__in=old, state__in=OVER).order_by("pk")
        locked = {one.pk: one for one in editions.select_for_update(no_key=True, skip_locked=True)}
        cursor.execute(_CLEAR, values | {"last": last, "editions": list(locked)})
        found = cursor.fetchall()
    gone = defaultdict[int, Counter[str]](Counter)
    for edition, state, count, _ in found:
        gone[edition][state] = count
    for number, counts in gone.items():
        locked[number].cleared_mails = dict(Counter(locked[number].cleared_mails) + counts)
        locked[number].save(update_fields=["cleared_mails"])
    total = sum(counts.total() for counts in gone.values())
    _remember(mark, max(number for *_, number in found) if total == limit else last, now=now)
    return total, False


def _remember(mark: Mark, position: int, *, now: datetime) -> None:
    mark.at, mark.position = now, position
    mark.save()


def _values(limit: int, now: datetime) -> dict[str, Any]:
    return {
        "before": (now - KEPT).date(),
        "limit": limit,
        "settled": list(Delivery.SETTLED),
        "over": list(OVER),
    }
