"""Ends rows that were not sent before their cut-off: their editions are owed again with the next window."""

from datetime import datetime

from django.db import connection

from newsletter.delivery.owed import TOO_LATE

# Those that a sender or another tick holds are left to it: nobody waits here, so nobody can wait for this.
_EXPIRE = """
    UPDATE newsletter_delivery
       SET state = 'expired', covers = false, settled_at = %(now)s,
           reason = CASE WHEN reason = '' THEN %(reason)s ELSE left(%(reason)s || ': ' || reason, 2000) END
     WHERE id IN (SELECT id FROM newsletter_delivery
                   WHERE state = 'pending' AND expires_at <= %(now)s FOR UPDATE SKIP LOCKED)
"""


def expire(*, now: datetime) -> int:
    """Expire what still waits past its cut-off; return how many. The gate lets nothing past it either."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, {"now": now, "reason": TOO_LATE})
        return int(cursor.rowcount)
