"""Settles the mails of cancelled editions, a batch at a time: a million rows are no single transaction.

The edition's state alone keeps every mail back, from the moment it is committed. This is the book-keeping
that follows: each row becomes skipped and covers nothing, so that its reader is owed the other editions of
its window again. Whoever plans settles first, for a row that is not settled yet still covers its window.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from newsletter.models import Delivery, Edition

CANCELLED = "the edition was cancelled"
BATCH = 10_000  # rows in one transaction: a fraction of a second
# A mail that was under way while its edition was cancelled may come back as pending, though not so late.
LATELY = timedelta(days=14)

logger = logging.getLogger(__name__)

# In the order of the index of what is pending, so that two who settle at once take rows in the same order.
# Materialized: as a subquery, PostgreSQL may run it once for each row, and the limit would be none.
_WAITING = """
    WITH next AS MATERIALIZED (
        SELECT id FROM newsletter_delivery
         WHERE edition_id = %(edition)s AND state = 'pending'
         ORDER BY expires_at, first_on, mix_id, id LIMIT %(limit)s FOR NO KEY UPDATE)
    UPDATE newsletter_delivery d
       SET state = 'skipped', reason = %(reason)s, covers = false, settled_at = %(now)s
      FROM next WHERE d.id = next.id
"""
# Never many: what the senders had in their hands. What one of them is recording or giving back just now, in
# its own order, is left to the next step, so that neither waits for the other.
_CLAIMED = """
    UPDATE newsletter_delivery
       SET state = 'skipped', reason = %(reason)s, covers = false, settled_at = %(now)s,
           lease_until = NULL, token = NULL
     WHERE id IN (SELECT id FROM newsletter_delivery
                   WHERE edition_id = %(edition)s AND state = 'claimed' FOR NO KEY UPDATE SKIP LOCKED)
"""


def settle_cancelled(*, now: datetime) -> int:
    """Skip whatever waits of editions that were cancelled lately; return how many mails.

    Each batch is committed by itself: who is killed is followed by the next. Any number may do it at once.
    """
    cancelled = Edition.objects.filter(state=Edition.State.CANCELLED, closed_at__gt=now - LATELY)
    total = 0
    for number in cancelled.order_by("pk").values_list("pk", flat=True):
        settled = 0
        while gone := settle_some(number, now=now):
            settled += gone
        if settled > BATCH:
            logger.info("Edition %s was cancelled: %s more mails are skipped", number, settled)
        total += settled
    return total


def settle_some(number: int, *, now: datetime) -> int:
    """Skip one batch of what waits of a cancelled edition, and what senders have claimed; return how many."""
    values: dict[str, Any] = {"edition": number, "now": now, "reason": CANCELLED, "limit": BATCH}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_WAITING, values)
        waiting = cursor.rowcount
        cursor.execute(_CLAIMED, values)
        return int(waiting + cursor.rowcount)


def waiting(number: int) -> int:
    """How many mails of an edition wait or are claimed."""
    rows = Delivery.objects.filter(edition=number)
    states = (Delivery.State.PENDING, Delivery.State.CLAIMED)
    # Each state has a small index of its own.
    return sum(rows.filter(state=state).count() for state in states)
