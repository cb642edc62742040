"""Clears the ledger of editions that are long past: what became of their mails is kept as counts.

Only settled rows of editions that are over are cleared, at most `limit` in a call. An active reader keeps the
last row that covers anything: their next window begins after it.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from newsletter.models import Delivery, Edition
from papers.clearing import KEPT

State = Edition.State
OVER = (State.CLOSED, State.CLOSED_WITH_IN_DOUBT, State.EMPTY, State.CANCELLED, State.MISSED)

_MAY_GO = """
    d.edition_id = {edition} AND d.state = ANY(%(settled)s)
    AND NOT (d.covers
        AND EXISTS (SELECT FROM newsletter_subscriber s WHERE s.id = d.subscriber_id AND s.state = 'active')
        AND NOT EXISTS (SELECT FROM newsletter_delivery later
                         WHERE later.subscriber_id = d.subscriber_id AND later.last_on > d.last_on
                           AND later.covers))
"""
# The limit inside makes PostgreSQL look into each edition's index, and never read the whole ledger.
_OLDEST = f"""
    SELECT e.id FROM newsletter_edition e
     CROSS JOIN LATERAL (
           SELECT FROM newsletter_delivery d WHERE {_MAY_GO.format(edition="e.id")} LIMIT 1) some_row
     WHERE e.date < %(before)s AND e.state = ANY(%(over)s)
     ORDER BY e.date LIMIT 1
       FOR NO KEY UPDATE OF e SKIP LOCKED
"""  # noqa: S608 - constants only
_CLEAR = f"""
    WITH old AS MATERIALIZED (
        SELECT d.id FROM newsletter_delivery d WHERE {_MAY_GO.format(edition="%(edition)s")} LIMIT %(limit)s
    ), unhooked AS (
        UPDATE newsletter_event SET delivery_id = NULL FROM old WHERE delivery_id = old.id
    ), gone AS (
        DELETE FROM newsletter_delivery d USING old
         WHERE d.id = old.id AND d.state = ANY(%(settled)s) RETURNING d.state)
    SELECT state, count(*) FROM gone GROUP BY state
"""  # noqa: S608 - constants only
_SLOTS = """
    DELETE FROM newsletter_slot WHERE id IN (
        SELECT s.id FROM newsletter_slot s JOIN newsletter_edition e ON e.id = s.edition_id
         WHERE e.date < %(before)s AND e.state = ANY(%(over)s) LIMIT %(limit)s)
"""


def clear_deliveries(limit: int, *, now: datetime) -> int:
    """Clear settled rows of old editions, the oldest first, and count them there; return how many went."""
    total = 0
    while total < limit:
        gone = _clear_some(limit - total, now=now)
        if not gone:
            break
        total += gone
    return total


def clear_slots(limit: int, *, now: datetime) -> int:
    """Clear the moments at which old editions were planned; return how many went."""
    with connection.cursor() as cursor:
        cursor.execute(_SLOTS, _values(limit, now))
        return int(cursor.rowcount)


def _clear_some(limit: int, *, now: datetime) -> int:
    """Clear rows of the oldest edition that has any, its counts with them; return how many went."""
    values = _values(limit, now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OLDEST, values)
        found = cursor.fetchone()
        if found is None:
            return 0
        cursor.execute(_CLEAR, values | {"edition": found[0]})
        gone = Counter(dict(cursor.fetchall()))
        edition = Edition.objects.only("cleared_mails").get(pk=found[0])
        edition.cleared_mails = dict(Counter(edition.cleared_mails) + gone)
        edition.save(update_fields=["cleared_mails"])
    return gone.total()


def _values(limit: int, now: datetime) -> dict[str, Any]:
    return {
        "before": (now - KEPT).date(),
        "limit": limit,
        "settled": list(Delivery.SETTLED),
        "over": list(OVER),
    }
