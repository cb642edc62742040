"""Stops an edition by itself when too many of its mails fail, and holds the next when too many complain.

A mailbox provider judges a sender by these shares. Above them, every further mail does harm.
"""

from dataclasses import dataclass
from datetime import date, datetime
from time import monotonic

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q

from newsletter.models import Delivery, Edition
from newsletter.telling import tell_admins

State = Delivery.State
ENOUGH = 200  # mails, before which a share says nothing
FEWEST_FAILURES, MOST_FAILURES = 5, 0.01
NONE_TAKEN = 20  # rejected, and not one accepted: then the fault is ours, such as a relay that is denied
FEWEST_COMPLAINTS, MOST_COMPLAINTS = 2, 0.001
# In a list of a million a count takes a while. The sender that asks after every failure spends at most one
# part in so many of its time on it.
SHARE_OF_TIME = 20
QUICK = 0.05  # seconds; a count that is as fast is made every time

_rests: dict[int, float] = {}  # edition -> when this process counts its mails again (monotonic clock)


@dataclass(frozen=True, slots=True)
class Failures:
    """What became of an edition's mails since it was last resumed."""

    accepted: int
    rejected: int
    bounced: int  # among the accepted ones

    @property
    def too_many(self) -> bool:
        failed, sent = self.rejected + self.bounced, self.accepted + self.rejected
        if not self.accepted:
            return self.rejected >= NONE_TAKEN
        return sent >= ENOUGH and failed >= FEWEST_FAILURES and failed > MOST_FAILURES * sent

    def __str__(self) -> str:
        if not self.accepted:
            return f"{self.rejected:,} mails were rejected for good and not one was accepted"
        failed, sent = self.rejected + self.bounced, self.accepted + self.rejected
        return (
            f"{failed:,} of {sent:,} mails failed for good ({failed / sent:.1%}; {self.rejected:,} rejected,"
            f" {self.bounced:,} bounced), which is more than {MOST_FAILURES:.0%}"
        )


def check(edition: Edition, *, now: datetime) -> bool:
    """Pause the edition if too many of its mails failed; return whether it was paused by this call.

    For senders, after each commit that recorded a failure: cheap, and left out while the last count of a
    long list is fresh.
    """
    if monotonic() < _rests.get(edition.pk, 0.0):
        return False
    began = monotonic()
    paused = _judge(edition.pk, now=now)
    took = monotonic() - began
    if took > QUICK:
        _rests[edition.pk] = began + took * SHARE_OF_TIME
    return paused


def look(*, now: datetime) -> int:
    """Judge every edition that is being sent, for failures are also told by events; return how many stop."""
    sending = Edition.objects.filter(state__in=Edition.SENDABLE, paused_at=None)
    return sum(check(edition, now=now) for edition in sending)


def _judge(number: int, *, now: datetime) -> bool:
    edition = Edition.objects.filter(pk=number, state__in=Edition.SENDABLE, paused_at=None).first()
    if edition is None:
        return False
    found = failures(edition)
    if not found.too_many:
        return False
    # Only if nobody resumed it meanwhile, which would have begun the count anew.
    same = Edition.objects.filter(pk=number, paused_at=None, resumed_at=edition.resumed_at)
    if not same.filter(state__in=Edition.SENDABLE).update(paused_at=now, paused_because=str(found)):
        return False
    tell_admins(
        f"The edition of {edition.date} is paused",
        f"{found}.\n\nNo further mail leaves until somebody resumes it. Look at the reasons first: to send on"
        " would harm the delivery of everybody's mail."
        f" {settings.SITE_URL}/admin/newsletter/edition/{number}/change/\n",
    )
    return True


def failures(edition: Edition) -> Failures:
    """Count what was settled since the edition was last resumed, with one query."""
    rows = Delivery.objects.filter(edition=edition, state__in=[State.ACCEPTED, State.REJECTED])
    if edition.resumed_at is not None:
        rows = rows.filter(settled_at__gt=edition.resumed_at)
    return Failures(
        **rows.aggregate(
            accepted=Count("pk", filter=Q(state=State.ACCEPTED)),
            rejected=Count("pk", filter=Q(state=State.REJECTED)),
            bounced=Count("pk", filter=Q(state=State.ACCEPTED, outcome="bounced")),
        )
    )


def complaints_before(day: date) -> str:
    """Why the edition of `day` should be held: too many readers of the one before it complained; else ""."""
    accepted = Delivery.objects.filter(edition=OuterRef("pk"), state=State.ACCEPTED)
    mailed = Edition.objects.filter(Exists(accepted), date__lt=day).order_by("-date").first()
    if mailed is None:
        return ""
    rows = Delivery.objects.filter(edition=mailed, state=State.ACCEPTED)
    found = rows.aggregate(sent=Count("pk"), complained=Count("pk", filter=Q(outcome="complained")))
    sent, complained = found["sent"], found["complained"]
    if sent < ENOUGH or complained < FEWEST_COMPLAINTS or complained <= MOST_COMPLAINTS * sent:
        return ""
    return (
        f"{complained:,} of {sent:,} readers of the edition of {mailed.date} complained"
        f" ({complained / sent:.2%}), which is more than {MOST_COMPLAINTS:.1%}"
    )
