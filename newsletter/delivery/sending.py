"""One run of one sender: claim, print, gate, hand over, record."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from newsletter.mail import Press, Print, message_id
from newsletter.models import Delivery, Edition, Subscriber, TopicMix
from newsletter.transport.outcomes import Accepted, NoAnswer, Outcome, Refused, TransportDown
from newsletter.transport.single import Transport

State = Delivery.State
CHUNK = 50
MAX_ATTEMPTS = 6

# Leases are made and checked by the database's clock: one that runs before ours must not void them.
_CLAIM = """
    UPDATE newsletter_delivery
       SET state = 'claimed', token = %(token)s,
           lease_until = clock_timestamp() + %(lease)s * interval '1 second'
     WHERE id IN (
        SELECT id FROM newsletter_delivery
         WHERE edition_id = %(edition)s AND state = 'pending' AND (next_at IS NULL OR next_at <= %(now)s)
           AND (%(only)s::bigint IS NULL OR subscriber_id = %(only)s)
         ORDER BY mix_id, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
# FOR SHARE makes an unsubscribe that is under way come first or wait: after it committed, no gate opens.
_GATE = """
    UPDATE newsletter_delivery d
       SET state = 'handoff', handed_over_at = %(now)s,
           lease_until = clock_timestamp() + %(lease)s * interval '1 second',
           attempts = attempts + 1, message_id = %(message_id)s
      FROM (SELECT id FROM newsletter_subscriber WHERE id = %(subscriber)s AND state = 'active' FOR SHARE) s,
           (SELECT id FROM newsletter_edition
             WHERE id = %(edition)s AND state = 'sending' AND paused_at IS NULL FOR SHARE) e
     WHERE d.id = %(id)s AND d.state = 'claimed' AND d.token = %(token)s AND d.lease_until > clock_timestamp()
"""


@dataclass(slots=True)
class SendReport:
    """What one run did. Counts are mails, `digests` the mixes that were composed."""

    digests: int = 0
    accepted: int = 0
    rejected: int = 0
    skipped: int = 0
    postponed: int = 0
    in_doubt: int = 0
    stopped: str = ""  # why the run ended early, "" where it did not


class _Halted(Exception):
    """Going on would only be refused; the message says by whom."""


@dataclass(slots=True)
class Sender:
    """One run of one process over one edition. It may be killed at any moment."""

    edition: Edition
    only: Subscriber | None = None
    clock: Callable[[], datetime] = timezone.now
    progress: Callable[[SendReport], None] | None = None
    report: SendReport = field(default_factory=SendReport)
    token: uuid.UUID = field(default_factory=uuid.uuid4)
    _open: tuple[Delivery, Outcome] | None = None

    def run(self, *, seconds: float | None = None) -> SendReport:
        """Send what is pending, at most for `seconds`, and return what was done."""
        press = Press(self.edition)
        prints: dict[int, Print | None] = {}
        deadline = None if seconds is None else monotonic() + seconds
        try:
            with Transport() as transport:
                for chunk in self._chunks():
                    self._print_new(press, prints, chunk)
                    for row in chunk:
                        if deadline is not None and monotonic() > deadline:
                            return self.report
                        self._one(row, prints[row.mix_id], transport)
                    self._settle()
        except (TransportDown, _Halted) as error:
            self.report.stopped = str(error)
        finally:
            self._settle()
            self._release()
            self.report.digests += press.composed
        return self.report

    def _chunks(self) -> Iterator[list[Delivery]]:
        while True:
            now = self.clock()
            with connection.cursor() as cursor:
                cursor.execute(
                    _CLAIM,
                    {
                        "token": self.token,
                        "lease": settings.NEWSLETTER_LEASE_SECONDS,
                        "edition": self.edition.pk,
                        "now": now,
                        "limit": CHUNK,
                        "only": self.only.pk if self.only else None,
                    },
                )
            mine = Delivery.objects.filter(token=self.token, state=State.CLAIMED, edition=self.edition)
            chunk = list(mine.select_related("subscriber").order_by("mix_id", "id"))
            if not chunk:
                return
            yield chunk

    def _print_new(self, press: Press, prints: dict[int, Print | None], chunk: list[Delivery]) -> None:
        wanted = {row.mix_id for row in chunk}
        # Rows come in the order of their mixes, so older prints are done with; all of them would not fit.
        for done in prints.keys() - wanted:
            del prints[done]
        missing = wanted - prints.keys()
        mixes = TopicMix.objects.filter(pk__in=missing).prefetch_related("choices__topic")
        for mix in mixes:
            prints[mix.pk] = press.print(mix)

    def _one(self, row: Delivery, printed: Print | None, transport: Transport) -> None:
        if printed is None:
            self._skip(row, "nothing matched")
            return
        transport.open()
        now = self.clock()
        public_id = str(row.public_id)
        try:
            message = printed.message(row.subscriber, public_id=public_id, now=now)
        except ValueError as error:
            self._skip(row, f"no mail can be addressed to this reader: {error}")
            return
        # One commit records the answer to the mail before and opens the gate for this one.
        with transaction.atomic():
            self._record_answer()
            gated = self._gate(row, now)
        self._open = None
        if not gated:
            self._refused_at_gate(row)
            return
        self._open = (row, NoAnswer("the sender failed"))
        outcome = transport.hand_over(message)
        self._open = (row, outcome)
        if isinstance(outcome, Refused) and outcome.to_all:
            raise _Halted(f"the mail server or provider refuses everything: {outcome.reason}")

    def _gate(self, row: Delivery, now: datetime) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                _GATE,
                {
                    "id": row.pk,
                    "subscriber": row.subscriber_id,
                    "edition": self.edition.pk,
                    "token": self.token,
                    "now": now,
                    "lease": settings.EMAIL_TIMEOUT + settings.NEWSLETTER_LEASE_SECONDS,
                    "message_id": message_id(str(row.public_id)),
                },
            )
            return bool(cursor.rowcount == 1)

    def _refused_at_gate(self, row: Delivery) -> None:
        """Find out why: a reader who left is skipped; a stopped edition ends the run.

        Else the claim ran out: it is given back, and taken again if nobody else was faster.
        """
        state = Subscriber.objects.filter(pk=row.subscriber_id).values_list("state", flat=True).first()
        if state != Subscriber.State.ACTIVE:
            self._skip(row, f"reader is {state}")
            return
        edition = Edition.objects.get(pk=self.edition.pk)
        if edition.state != Edition.State.SENDING:
            raise _Halted(f"the edition is {edition.state}")
        if edition.paused_at is not None:
            raise _Halted(f"the edition is paused: {edition.paused_because}")
        self._release(row)

    def _skip(self, row: Delivery, reason: str) -> None:
        held = Delivery.objects.filter(pk=row.pk, token=self.token, state=State.CLAIMED)
        self.report.skipped += held.update(
            state=State.SKIPPED, reason=reason, lease_until=None, settled_at=self.clock()
        )

    def _settle(self) -> None:
        self._record_answer()
        self._open = None

    def _record_answer(self) -> None:
        """Record the answer to the last mail, if one is open."""
        if self._open is None:
            return
        row, outcome = self._open
        now = self.clock()
        # `in_doubt` too: an answer that comes after the lease ran out is still the answer.
        held = Delivery.objects.filter(pk=row.pk, token=self.token, state__in=[State.HANDOFF, State.IN_DOUBT])
        held.update(lease_until=None, **self._changes(row, outcome, now))
        if self.progress:
            self.progress(self.report)

    def _changes(self, row: Delivery, outcome: Outcome, now: datetime) -> dict[str, object]:
        if isinstance(outcome, Accepted):
            self.report.accepted += 1
            known = {"message_id": outcome.message_id} if outcome.message_id else {}
            return {"state": State.ACCEPTED, "settled_at": now, "reason": "", **known}
        if isinstance(outcome, NoAnswer):
            self.report.in_doubt += 1
            return {"state": State.IN_DOUBT, "settled_at": now, "reason": outcome.reason}
        if outcome.to_all:
            # Not this mail's fault, so not one of its attempts.
            self.report.postponed += 1
            later = now + timedelta(minutes=1)
            return {
                "state": State.PENDING,
                "token": None,
                "next_at": later,
                "attempts": row.attempts,
                "reason": outcome.reason,
            }
        attempts = row.attempts + 1
        if outcome.temporary and attempts < MAX_ATTEMPTS:
            self.report.postponed += 1
            later = now + timedelta(minutes=2**attempts)
            return {"state": State.PENDING, "token": None, "next_at": later, "reason": outcome.reason}
        self.report.rejected += 1
        return {"state": State.REJECTED, "settled_at": now, "reason": outcome.reason}

    def _release(self, row: Delivery | None = None) -> None:
        """Give back what was claimed and not gated: this row, or all."""
        held = Delivery.objects.filter(token=self.token, state=State.CLAIMED)
        if row is not None:
            held = held.filter(pk=row.pk)
        held.update(state=State.PENDING, token=None, lease_until=None)
