"""Once a day, clears what would else grow for ever; what is kept how long, see docs/deploying.md.

The tick calls it each time, and it does one bounded step, in one transaction together with how far it came:
it may be killed anywhere, and of several at once one works. Nothing that planning, sending or closing needs
is ever so old; what the admin counts is kept as counts.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction

from newsletter.delivery.clearing import clear_deliveries, clear_slots
from newsletter.marks import CLEARED
from papers.clearing import KEPT, clear_filing_runs, clear_source_runs
from papers.models import Mark

EVERY = timedelta(days=1)
A_STEP = 5_000  # rows; a tick a minute clears seven million a day

logger = logging.getLogger(__name__)

# Their numbers ascend with time, so that the first of them tell whether any is old: no index of its own, and
# no reading of millions.
_OLD = """
    DELETE FROM {table} WHERE id IN (
        SELECT id FROM (SELECT id, {moment} AS moment FROM {table} ORDER BY id LIMIT %(limit)s) AS first
         WHERE moment < %(before)s)
"""
_OLD_MARKS = "DELETE FROM papers_mark WHERE name LIKE 'too late %%' AND at < %(before)s"
_USED = """
    EXISTS (SELECT FROM newsletter_subscriber s WHERE s.mix_id = m.id)
    OR EXISTS (SELECT FROM newsletter_outboxmail o WHERE o.mix_id = m.id)
"""
_LOOK = f"""
    UPDATE newsletter_topicmix SET unused_since = CASE WHEN unused_since IS NULL THEN %(now)s::timestamptz END
     WHERE id IN (SELECT m.id FROM newsletter_topicmix m
                   WHERE (m.unused_since IS NULL) <> ({_USED}) LIMIT %(limit)s)
"""  # noqa: S608 - constants only
# Unused for longer than mails are kept: none that was made of it is left, but where a row outlived its time.
_UNUSED = f"""
    SELECT m.id FROM newsletter_topicmix m
     WHERE m.unused_since < %(before)s AND NOT ({_USED})
       AND m.id NOT IN (
           SELECT kept.mix_id FROM newsletter_edition e
            CROSS JOIN LATERAL (SELECT DISTINCT d.mix_id FROM newsletter_delivery d
                                 WHERE d.edition_id = e.id LIMIT %(many)s) kept
            WHERE e.date < %(before)s)
     LIMIT %(limit)s
       FOR UPDATE OF m SKIP LOCKED
"""  # noqa: S608 - constants only


def go_on(*, now: datetime) -> int:
    """Do one step of the day's clearing, if it is not done; return how many rows went."""
    if Mark.objects.filter(name=CLEARED, at__gt=now - EVERY).exists():
        return 0
    Mark.objects.get_or_create(name=CLEARED, defaults={"at": now - EVERY})
    gone = Counter[str]()
    with transaction.atomic():
        free = Mark.objects.select_for_update(skip_locked=True)
        mark = free.filter(name=CLEARED, at__lte=now - EVERY).first()
        if mark is None:
            return 0
        for what, clear in CHORES[mark.position :]:
            gone[what] = clear(A_STEP - gone.total(), now=now)
            if gone.total() >= A_STEP:
                break
            mark.position += 1
        else:
            mark.at, mark.position = now, 0
        mark.save()
    if gone.total():
        told = ", ".join(f"{what} {n:,}" for what, n in gone.items() if n)
        logger.info("Cleared of what is older than %s days: %s", KEPT.days, told)
    return gone.total()


def _clear_unused_mixes(limit: int, *, now: datetime) -> int:
    """Note which choices nobody has any more, and take away those that nobody had for long."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, {"now": now, "limit": limit})
        # As many as there may be: a limit keeps PostgreSQL at the index of each edition.
        cursor.execute(_UNUSED, {"before": now - KEPT - EVERY, "limit": limit, "many": 1_000_000_000})
        unused = [number for (number,) in cursor.fetchall()]
        # Django would look through the whole ledger for who points to them.
        cursor.execute("DELETE FROM newsletter_mixtopic WHERE mix_id = ANY(%s)", [unused])
        cursor.execute("DELETE FROM newsletter_topicmix WHERE id = ANY(%s)", [unused])
        return int(cursor.rowcount)


def _clear_marks(limit: int, *, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_OLD_MARKS, {"before": now - KEPT})
        return int(cursor.rowcount)


def _old_rows_of(table: str, moment: str) -> Callable[..., int]:
    def clear(limit: int, *, now: datetime) -> int:
        with connection.cursor() as cursor:
            cursor.execute(_OLD.format(table=table, moment=moment), {"limit": limit, "before": now - KEPT})
            return int(cursor.rowcount)

    return clear


# In this order: a choice goes after the mails that were made for it, a mail after what was told of it.
CHORES: tuple[tuple[str, Callable[..., int]], ...] = (
    ("events", _old_rows_of("newsletter_event", "received_at")),
    ("mails", clear_deliveries),
    ("moments", clear_slots),
    ("asked-for mails", _old_rows_of("newsletter_outboxmail", "created_at")),
    ("changes of weight", _old_rows_of("newsletter_weightchange", "changed_at")),
    ("unused choices", _clear_unused_mixes),
    ("notes", _clear_marks),
    ("readings of sources", clear_source_runs),
    ("filings", clear_filing_runs),
)
