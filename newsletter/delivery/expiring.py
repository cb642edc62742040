"""Ends rows that were not sent before their cut-off: their editions are owed again with the next window."""

import logging
from datetime import datetime

from django.db import connection, transaction

from newsletter.delivery.owed import TOO_LATE
from newsletter.models import Edition
from newsletter.telling import tell_admins
from papers.models import Mark

logger = logging.getLogger(__name__)

# Those that a sender or another tick holds are left to it: nobody waits here, so nobody can wait for this.
_EXPIRE = """
    WITH late AS MATERIALIZED (
        SELECT id FROM newsletter_delivery
         WHERE state = 'pending' AND expires_at <= %(now)s FOR UPDATE SKIP LOCKED
    ), ended AS (
        UPDATE newsletter_delivery d
           SET state = 'expired', covers = false, settled_at = %(now)s,
               reason = CASE WHEN reason = '' THEN %(reason)s
                             ELSE left(%(reason)s || ': ' || reason, 2000) END
          FROM late WHERE d.id = late.id
     RETURNING edition_id, reason)
    SELECT edition_id, count(*), max(reason) FROM ended GROUP BY edition_id ORDER BY edition_id
"""


def expire(*, now: datetime) -> int:
    """Expire what still waits past its cut-off; return how many. The gate lets nothing past it either.

    The ADMINS are told of it once for each edition.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_EXPIRE, {"now": now, "reason": TOO_LATE})
            found = cursor.fetchall()
        for edition, count, reason in found:
            _tell(Edition.objects.get(pk=edition), count, reason, now=now)
    return sum(count for _, count, _ in found)


def _tell(edition: Edition, count: int, reason: str, *, now: datetime) -> None:
    _, is_first = Mark.objects.get_or_create(name=f"too late {edition.date}", defaults={"at": now})
    if is_first:
        stopped = f" It is paused: {edition.paused_because or 'by hand'}." if edition.paused_at else ""
        tell_admins(
            f"Mails of {edition.date} came too late",
            f"{count:,} mails {reason}.{stopped}\n\nTheir readers get these papers with their next mail."
            " Should more of this edition come too late, no further mail says so: see its page in the admin,"
            " and the log for what kept them waiting.\n",
        )
    else:
        logger.warning("%s: %s more mails %s", edition, count, reason)
