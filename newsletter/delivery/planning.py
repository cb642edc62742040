"""Writes a row for everybody who is owed an edition and has none."""

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from newsletter.models import Edition, Subscriber

FILES = "newsletter.filemail.EmailBackend"

_PLAN = """
    INSERT INTO newsletter_delivery
        (public_id, edition_id, subscriber_id, mix_id, state, reason, attempts, message_id, planned_at,
         outcome, first_on, last_on, due_at, expires_at, covers)
    SELECT gen_random_uuid(), %(edition)s, s.id, s.mix_id, 'pending', '', 0, '', %(now)s, '', e.date, e.date,
           %(now)s, %(now)s + interval '6 hours', true
      FROM newsletter_subscriber s
      JOIN newsletter_edition e ON e.id = %(edition)s
     WHERE s.state = 'active'
       AND (%(late)s OR s.active_from IS NULL OR s.active_from <= e.frozen_at)
       AND (%(demo)s OR s.origin <> 'demo')
       AND (%(only)s::bigint IS NULL OR s.id = %(only)s)
    ON CONFLICT (edition_id, subscriber_id) DO NOTHING
"""
_HOLD_OPEN = "SELECT id FROM newsletter_edition WHERE id = %(edition)s AND state = 'sending' FOR SHARE"


def plan(edition: Edition, *, now: datetime, only: Subscriber | None = None, late_too: bool = False) -> int:
    """Write a row for everybody who is owed this edition and has none; return how many are new.

    Owed is an edition to those who were readers when it froze; `late_too`, which takes a person's decision,
    adds those who came since. A closed edition plans nobody. Readers of the demo are mailed to files only.
    """
    same = Edition.objects.filter(pk=edition.pk)
    same.filter(state=Edition.State.FROZEN).update(state=Edition.State.SENDING)
    with transaction.atomic(), connection.cursor() as cursor:
        # Shared with gates and other planners, which would else deadlock with this; closing waits for it.
        cursor.execute(_HOLD_OPEN, {"edition": edition.pk})
        if cursor.fetchone() is None:
            return 0
        cursor.execute(
            _PLAN,
            {
                "edition": edition.pk,
                "now": now,
                "only": only.pk if only else None,
                "late": late_too,
                "demo": settings.EMAIL_BACKEND == FILES,
            },
        )
        return int(cursor.rowcount)
