"""Takes back what dead senders held."""

from datetime import datetime

from django.db import connection

# By the database's clock, which made the leases. A row whose answer is recorded meanwhile is let alone.
_FREE = """
    UPDATE newsletter_delivery SET state = 'pending', token = NULL, lease_until = NULL
     WHERE state = 'claimed' AND lease_until < clock_timestamp()
"""
# Its token stays: should the sender live after all, its answer still counts.
_DOUBT = """
    UPDATE newsletter_delivery
       SET state = 'in_doubt', reason = 'the sender ended before it heard an answer', lease_until = NULL,
           settled_at = %(now)s
     WHERE state = 'handoff' AND lease_until < clock_timestamp()
"""
# A sender that slept may say of a row in doubt that nothing had left, after the edition was closed over it.
_REOPEN = """
    UPDATE newsletter_edition e SET state = 'sending', closed_at = NULL
     WHERE e.state IN ('closed', 'closed_with_in_doubt')
       AND EXISTS (SELECT FROM newsletter_delivery d WHERE d.edition_id = e.id AND d.state = 'pending')
"""


def sweep(*, now: datetime) -> int:
    """Take back what dead senders held: claims become pending, hand-overs in doubt; return how many.

    An edition that was closed is sent again where one of them waits after all.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FREE)
        freed = cursor.rowcount
        cursor.execute(_DOUBT, {"now": now})
        lost = cursor.rowcount
        cursor.execute(_REOPEN)
        return int(freed + lost)
