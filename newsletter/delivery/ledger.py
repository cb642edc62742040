"""The ledger's statements, each one a transaction of its own: claim, record and gate, refuse, give back.

They are prepared, and bring rows and not models: a sender runs them once for every few mails. Leases are
made and checked by the database's clock, so that one that runs before ours voids none.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.models import Q
from psycopg.rows import class_row, scalar_row

from newsletter.delivery import pausing
from newsletter.delivery.owed import TOO_LATE
from newsletter.delivery.recording import Change
from newsletter.failpoints import failpoint
from newsletter.mail import message_id
from newsletter.models import Delivery, Edition, Subscriber

# By deadline first; within one moment mix by mix, so that each is composed once. `paused` goes by UTC here,
# which is a day off at most.
_CLAIM = """
    WITH next AS MATERIALIZED (
        SELECT id FROM newsletter_delivery
         WHERE edition_id = %(edition)s AND state = 'pending' AND (next_at IS NULL OR next_at <= %(now)s)
           AND (%(only)s::bigint IS NULL OR subscriber_id = %(only)s)
         ORDER BY expires_at, first_on, mix_id, id LIMIT %(limit)s
           FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE newsletter_delivery d
       SET state = 'claimed', token = %(token)s,
           lease_until = clock_timestamp() + %(lease)s * interval '1 second'
      FROM next, newsletter_subscriber s
     WHERE d.id = next.id AND s.id = d.subscriber_id
 RETURNING d.id, d.public_id::text, d.subscriber_id, d.mix_id, d.first_on, d.expires_at, d.attempts,
           s.email, s.handle, s.secret, s.paused_until,
           d.reason = '' AND coalesce(s.paused_until >= (d.due_at AT TIME ZONE 'UTC')::date, false) AS paused
"""
# `in_doubt` too: an answer that comes after the lease ran out is still the answer.
_RECORD = """
    WITH told AS (
        SELECT * FROM unnest(
            %(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(covers)s::boolean[],
            %(attempts)s::integer[], %(next_ats)s::timestamptz[], %(message_ids)s::text[],
            %(sent)s::boolean[]
        ) AS t (id, state, reason, covers, attempts, next_at, message_id, sent)
    ), recorded AS (
        UPDATE newsletter_delivery d
           SET state = t.state, reason = t.reason, covers = t.covers, attempts = t.attempts,
               next_at = t.next_at, lease_until = NULL,
               message_id = CASE WHEN t.message_id = '' THEN d.message_id ELSE t.message_id END,
               token = CASE WHEN t.state = 'pending' THEN NULL ELSE d.token END,
               settled_at = CASE WHEN t.state = 'pending' THEN NULL ELSE %(now)s::timestamptz END
          FROM told t
         WHERE d.id = t.id AND d.token = %(token)s
           AND (d.state IN ('handoff', 'in_doubt') OR d.state = 'claimed' AND NOT t.sent)
     RETURNING d.id
    )
"""
_ONLY_RECORD = _RECORD + "SELECT id FROM recorded WHERE false"  # noqa: S608 - constants only
# A letter brings its row's reader, which never changes: joined by the row's own column, PostgreSQL would go
# through all leased rows for each of a thousand letters.
# FOR SHARE makes an unsubscribe, a pause, a cancellation or a withdrawal that is under way come first or
# wait: after it committed, no gate opens. Nor does one where the reader's links or pause are others by now: a
# claim that crossed a move has the old address, and one that crossed a pause was not seen by it.
_RECORD_AND_GATE = (
    _RECORD  # noqa: S608 - constants only
    + """
    , editions AS MATERIALIZED (
        SELECT id, state, paused_at, revision FROM newsletter_edition
         WHERE date BETWEEN %(first_on)s AND %(last_on)s ORDER BY id FOR SHARE
    ), open AS MATERIALIZED (
        SELECT revision FROM editions
         WHERE id = %(edition)s AND state = 'sending' AND paused_at IS NULL
           AND %(printed)s = (
               SELECT string_agg(id || ':' || revision, ' ' ORDER BY id) FROM editions
                WHERE state IN ('frozen', 'sending', 'closed', 'closed_with_in_doubt'))
    ), readers AS MATERIALIZED (
        SELECT id, secret, paused_until FROM newsletter_subscriber
         WHERE id = ANY(%(readers)s::bigint[]) AND state = 'active' AND EXISTS (SELECT 1 FROM open)
         ORDER BY id FOR SHARE
    )
    UPDATE newsletter_delivery d
       SET state = 'handoff', handed_over_at = %(now)s,
           lease_until = clock_timestamp() + %(lease)s * interval '1 second',
           attempts = d.attempts + 1, revision = open.revision,
           message_id = %(before_id)s || d.public_id || %(after_id)s
      FROM unnest(%(letters)s::bigint[], %(readers)s::bigint[], %(secrets)s::text[], %(pauses)s::date[])
             AS l (id, subscriber_id, secret, paused_until), readers, open
     WHERE d.id = l.id AND l.subscriber_id = readers.id AND l.secret = readers.secret
       AND l.paused_until IS NOT DISTINCT FROM readers.paused_until
       AND d.state = 'claimed' AND d.token = %(token)s AND d.lease_until > clock_timestamp()
       AND d.expires_at > %(now)s
 RETURNING d.id
"""
)
# What did not pass: the reader left, or the time is over; else it waits again.
_REFUSE = """
    UPDATE newsletter_delivery d
       SET state = v.state, lease_until = NULL, covers = v.state = 'pending',
           token = CASE WHEN v.state = 'pending' THEN NULL ELSE d.token END,
           settled_at = CASE WHEN v.state = 'pending' THEN NULL ELSE %(now)s::timestamptz END,
           reason = CASE v.state WHEN 'skipped' THEN 'reader is ' || v.reader
                                 WHEN 'expired' THEN %(late)s ELSE d.reason END
      FROM (
        SELECT r.id, s.state AS reader,
               CASE WHEN s.state <> 'active' THEN 'skipped'
                    WHEN r.expires_at <= %(now)s THEN 'expired' ELSE 'pending' END AS state
          FROM newsletter_delivery r JOIN newsletter_subscriber s ON s.id = r.subscriber_id
         WHERE r.id = ANY(%(ids)s::bigint[])
      ) v
     WHERE d.id = v.id AND d.state = 'claimed' AND d.token = %(token)s
 RETURNING d.state
"""
# The lease is named for the index of leased rows.
_RELEASE = """
    UPDATE newsletter_delivery SET state = 'pending', token = NULL, lease_until = NULL
     WHERE token = %(token)s AND state = 'claimed' AND lease_until IS NOT NULL
"""


@dataclass(slots=True)
class Claimed:
    """A row that a sender holds, with what a mail needs to know of its reader."""

    id: int
    public_id: str
    subscriber_id: int
    mix_id: int
    first_on: date
    expires_at: datetime
    attempts: int
    email: str
    handle: str
    secret: str
    paused_until: date | None
    paused: bool  # it came due within a pause of its reader

    @property
    def place(self) -> tuple[datetime, date, int, int]:
        """Where it stands among others: by deadline, then mix by mix."""
        return self.expires_at, self.first_on, self.mix_id, self.id


@dataclass(slots=True)
class Ledger:
    """One sender's hold on the rows of one edition. Every method is one committed statement."""

    edition: Edition
    only: Subscriber | None = None
    token: uuid.UUID = field(default_factory=uuid.uuid4)

    def claim(self, limit: int, *, now: datetime) -> list[Claimed]:
        """Take at most `limit` rows that nobody holds, in the order in which they are to be sent."""
        values = {
            "edition": self.edition.pk,
            "now": now,
            "only": self.only.pk if self.only else None,
            "limit": limit,
            "token": self.token,
            "lease": settings.NEWSLETTER_LEASE_SECONDS,
        }
        found = _run(class_row(Claimed), _CLAIM, values)
        failpoint("after-claim")
        if perhaps := [row for row in found if row.paused]:
            paused = pausing.paused_after_all([row.id for row in perhaps])
            for row in perhaps:
                row.paused = row.id in paused
        return sorted(found, key=lambda row: row.place)

    def turn(
        self, changes: Sequence[Change], rows: Sequence[Claimed], *, printed: str, now: datetime
    ) -> set[int]:
        """Record what became of some rows and open the gate for others, in one commit; return who passed.

        `printed` is what the mails were printed from: "edition:revision" of each edition, by id.
        """
        values = self._told(changes, now)
        statement = _ONLY_RECORD
        if rows:
            statement = _RECORD_AND_GATE
            before_id, after_id = message_id("|").split("|")
            values |= {
                "edition": self.edition.pk,
                "first_on": min(row.first_on for row in rows),
                "last_on": self.edition.date,
                "printed": printed,
                "readers": [row.subscriber_id for row in rows],
                "secrets": [row.secret for row in rows],
                "pauses": [row.paused_until for row in rows],
                "letters": [row.id for row in rows],
                "before_id": before_id,
                "after_id": after_id,
                "lease": settings.EMAIL_TIMEOUT + settings.NEWSLETTER_LEASE_SECONDS,
            }
        _pass_failpoints("before", changes, rows)
        passed = set(_run(scalar_row, statement, values))
        _pass_failpoints("after", changes, rows)
        return passed

    def refuse(self, rows: Sequence[Claimed], *, now: datetime) -> list[str]:
        """Settle or give back rows that did not pass the gate; return their new states."""
        values = {"ids": [row.id for row in rows], "token": self.token, "now": now, "late": TOO_LATE}
        return _run(scalar_row, _REFUSE, values)

    def release(self) -> None:
        """Give back whatever is claimed and not gated."""
        failpoint("before-release")
        with connection.cursor() as cursor:
            cursor.execute(_RELEASE, {"token": self.token})

    def something_waits(self, *, now: datetime) -> bool:
        """Whether a row could be claimed now."""
        rows = Delivery.objects.filter(edition=self.edition, state=Delivery.State.PENDING)
        if self.only:
            rows = rows.filter(subscriber=self.only)
        return rows.filter(Q(next_at=None) | Q(next_at__lte=now)).exists()

    def stopped_by(self) -> str:
        """Why the edition may not be sent now, as "the edition is …"; "" where it may."""
        now = Edition.objects.only("state", "paused_at", "paused_because").get(pk=self.edition.pk)
        if now.state != Edition.State.SENDING:
            return f"the edition is {now.state}"
        if now.paused_at:
            return f"the edition is paused{f': {now.paused_because}' if now.paused_because else ''}"
        return ""

    def _told(self, changes: Sequence[Change], now: datetime) -> dict[str, Any]:
        return {
            "token": self.token,
            "now": now,
            "ids": [change.id for change in changes],
            "states": [change.state for change in changes],
            "reasons": [change.reason for change in changes],
            "covers": [change.covers for change in changes],
            "attempts": [change.attempts for change in changes],
            "next_ats": [change.next_at for change in changes],
            "message_ids": [change.message_id for change in changes],
            "sent": [change.sent for change in changes],
        }


def _run(rows: Any, statement: str, values: dict[str, Any]) -> list[Any]:
    """Run a prepared statement and return its rows, made by `rows`. Raises Django's database errors."""
    connection.ensure_connection()
    raw = connection.connection
    # Django prepares nothing and binds on our side; planning these anew would cost more than running them.
    raw.prepare_threshold = 0
    with connection.wrap_database_errors, psycopg.Cursor(raw, row_factory=rows) as cursor:
        return cursor.execute(statement, values).fetchall()


def _pass_failpoints(when: str, changes: Sequence[Change], rows: Sequence[Claimed]) -> None:
    if changes:
        failpoint(f"{when}-settle-commit")
    if rows:
        failpoint(f"{when}-gate-commit")
