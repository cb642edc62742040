"""The one statement that plans a moment: to whom an edition is owed, and from which day on.

It says to PostgreSQL, for all readers who are due at once, what `newsletter.windows` says of one. Three
shortcuts keep it fast on a long ledger: the readers of all zones are read in one go, a mail for the same
moment is looked for among a reader's last rows only, and the window's start is the least of a few terms, one
for each edition in reach. Rows are written in the order in which senders take them, mix by mix, which is
kinder to the index of what is pending.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from secrets import randbits
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from newsletter.delivery.buckets import Bucket
from newsletter.models import Delivery, Edition, Subscriber
from newsletter.schedule import CUT_OFF, Slot
from newsletter.weekdays import EVERY_DAY
from newsletter.windows import Issue

FILES = "newsletter.filemail.EmailBackend"
TOO_LATE = "could not be sent in time"
_LATEST = 7  # rows of a reader

# The public id is a UUID of version 7 (RFC 9562): the time and 12 random bits of the statement, the number of
# the row, 36 random bits of its own. It is a name, no secret. PostgreSQL's own functions open /dev/urandom
# for every row where it was built without OpenSSL: that was a third of all planning.
_INSERT = """
    INSERT INTO newsletter_delivery
        (public_id, edition_id, subscriber_id, mix_id, state, reason, attempts, message_id, planned_at,
         settled_at, outcome, first_on, last_on, due_at, expires_at, covers)
    SELECT (%(first_digits)s || to_hex(
                (1::bigint << 59) + ((row_number() OVER (ORDER BY s.mix_id) & 8388607) << 36)
                + (random() * 68719476735)::bigint))::uuid,
           %(edition)s, s.id, s.mix_id, %(state)s, %(reason)s, 0, '', %(now)s,
           %(settled_at)s, '', {first_on}, %(day)s::date, %(due_at)s, %(expires_at)s, %(covers)s
      FROM {readers}
      LEFT JOIN LATERAL (
           SELECT d.last_on FROM newsletter_delivery d
            WHERE d.subscriber_id = s.id AND d.covers ORDER BY d.last_on DESC LIMIT 1) covered ON true
     WHERE s.state = 'active' AND (%(demo)s OR s.origin <> 'demo')
       AND {owed}
       AND covered.last_on IS DISTINCT FROM %(day)s::date
       AND (covered.last_on IS NULL OR covered.last_on < %(day)s::date OR NOT EXISTS (
           SELECT FROM newsletter_delivery d
            WHERE d.subscriber_id = s.id AND d.covers AND %(day)s::date BETWEEN d.first_on AND d.last_on))
     ORDER BY s.mix_id
    ON CONFLICT (subscriber_id, last_on) DO NOTHING
"""
_COUNT = """
    WITH planned AS ({insert} RETURNING subscriber_id)
    SELECT s.timezone, s.hour, count(*)
      FROM planned JOIN newsletter_subscriber s ON s.id = planned.subscriber_id GROUP BY 1, 2
"""
_READERS_DUE = """
    unnest(%(zones)s::text[], %(hours)s::int[], %(weekdays)s::int[], %(days)s::date[])
           AS due (timezone, hour, weekdays, day)
      JOIN newsletter_subscriber s ON s.timezone = due.timezone AND {same_hour}
"""
_OWED_AT_SLOT = """
           s.weekdays & due.weekdays <> 0
       AND (s.active_from IS NULL OR s.active_from <= %(due_at)s)
       AND (s.paused_until IS NULL OR s.paused_until <= due.day)
"""
_HAS_DAYS_OFF = """
       AND s.weekdays < %(every_day)s
"""
_NOT_AT_THIS_MOMENT = """
       AND NOT EXISTS (
           SELECT FROM (SELECT d.due_at FROM newsletter_delivery d
                         WHERE d.subscriber_id = s.id AND d.last_on < %(day)s::date
                         ORDER BY d.last_on DESC LIMIT %(latest)s) last_rows
            WHERE last_rows.due_at = %(due_at)s)
"""
_OWED_BY_HAND = """
           (s.id = %(only)s OR (%(only)s::bigint IS NULL AND
           (s.paused_until IS NULL OR s.paused_until <= (%(now)s AT TIME ZONE 'UTC')::date)))
"""
# LEAST passes over what is NULL.
_FIRST_ON = """
    CASE WHEN covered.last_on > %(day)s::date THEN %(day)s::date
         ELSE LEAST(%(day)s::date, {terms}) END
"""
_TERM = """
    CASE WHEN s.weekdays & (s.weekdays - 1) = 0
         THEN CASE WHEN covered.last_on IS NULL OR covered.last_on < {day} THEN {day} END
         WHEN covered.last_on < {day} AND (s.confirmed_at IS NULL OR s.confirmed_at <= {frozen})
         THEN {day} END
"""


def insert_at_once(
    edition: Edition,
    slots: Sequence[tuple[Bucket, Slot]],
    in_reach: Sequence[Issue],
    *,
    now: datetime,
    shared: bool,
) -> Counter[Bucket]:
    """Write a row for each reader who is owed the edition at one of these slots and has none; return how many
    each bucket got. A moment past its cut-off gets rows that say so.

    The slots are of one moment, and either all or none of them late, or without an hour.
    `shared`: an earlier edition came due to them at this very moment, before this one was released.
    """
    ((bucket, first), *_) = slots
    kinds = {(slot.at, slot.late, bucket.hour is None) for bucket, slot in slots}
    assert len(kinds) == 1  # noqa: S101
    values = _values(edition, due_at=first.at, now=now) | {
        "zones": [bucket.timezone for bucket, _ in slots],
        "hours": [bucket.hour for bucket, _ in slots],
        "weekdays": [slot.weekdays for _, slot in slots],
        "days": [slot.day for _, slot in slots],
        "every_day": EVERY_DAY,
        "latest": _LATEST,
    }
    terms = []
    for number, issue in enumerate(in_reach):
        day, frozen = f"day{number}", f"frozen{number}"
        values |= {day: issue.day, frozen: issue.frozen_at}
        terms.append(_TERM.format(day=f"%({day})s::date", frozen=f"%({frozen})s"))
    insert = _INSERT.format(
        readers=_READERS_DUE.format(
            same_hour="s.hour IS NULL" if bucket.hour is None else "s.hour = due.hour"
        ),
        first_on=_FIRST_ON.format(terms=", ".join(terms)),
        # Said only where it holds: then an index finds the few readers of a late slot.
        owed=_OWED_AT_SLOT + _HAS_DAYS_OFF * first.late + _NOT_AT_THIS_MOMENT * shared,
    )
    with connection.cursor() as cursor:
        if len(slots) == 1:
            cursor.execute(insert, values)
            return Counter({bucket: int(cursor.rowcount)})
        cursor.execute(_COUNT.format(insert=insert), values)
        return Counter({Bucket(zone, its_hour): count for zone, its_hour, count in cursor.fetchall()})


def insert_by_hand(edition: Edition, *, only: Subscriber | None, now: datetime) -> int:
    """Write a row for each active reader, or for this one, whom no mail covers the edition; return how many.

    Whatever their hour and days; who paused is left in peace, unless named.
    """
    values = _values(edition, due_at=now, now=now) | {"only": only.pk if only else None}
    insert = _INSERT.format(
        readers="newsletter_subscriber s",
        first_on="%(day)s::date",
        owed=_OWED_BY_HAND,
    )
    with connection.cursor() as cursor:
        cursor.execute(insert, values)
        return int(cursor.rowcount)


def readers_by_hand(edition: Edition, *, only: Subscriber | None, now: datetime) -> QuerySet[Subscriber]:
    """Whom `insert_by_hand` would write a row for."""
    rows = Delivery.objects.filter(subscriber=OuterRef("pk"))
    covered = rows.filter(covers=True, first_on__lte=edition.date, last_on__gte=edition.date)
    found = Subscriber.objects.filter(~Exists(covered), ~Exists(rows.filter(last_on=edition.date)))
    found = found.filter(state=Subscriber.State.ACTIVE)
    if settings.EMAIL_BACKEND != FILES:
        found = found.exclude(origin="demo")
    if only is not None:
        return found.filter(pk=only.pk)
    return found.filter(Q(paused_until=None) | Q(paused_until__lte=now.astimezone(UTC).date()))


def _values(edition: Edition, *, due_at: datetime, now: datetime) -> dict[str, Any]:
    expires_at = due_at + CUT_OFF
    in_time = expires_at > now
    return {
        "first_digits": _first_digits(now),
        "edition": edition.pk,
        "day": edition.date,
        "now": now,
        "due_at": due_at,
        "expires_at": expires_at,
        "state": Delivery.State.PENDING if in_time else Delivery.State.EXPIRED,
        "reason": "" if in_time else TOO_LATE,
        "settled_at": None if in_time else now,
        "covers": in_time,
        "demo": settings.EMAIL_BACKEND == FILES,
    }


def _first_digits(now: datetime) -> str:
    return f"{int(now.timestamp() * 1000):012x}7{randbits(12):03x}8"
