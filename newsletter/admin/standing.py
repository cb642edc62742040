"""How an edition stands, for its page at the desk: what came due when, and what can be decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from newsletter.models import Delivery, Edition, Slot
from newsletter.releasing import BEFORE_FREEZE, awaits_approval, kept_by

State = Edition.State
SHOWN = 100  # moments; an edition has about so many where its readers live in every zone


@dataclass(frozen=True, slots=True)
class Button:
    """One decision: its verb in the address, what stands on the button, and whether it takes a reason."""

    verb: str
    words: str
    asks_why: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """One moment at which mails of the edition came due."""

    at: datetime
    zones: int  # pairs of zone and hour that were planned then
    mails: int
    accepted: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Standing:
    kept_by: str
    buttons: Sequence[Button]
    may_be_cancelled: bool
    due: Sequence[Due]
    more: int  # moments that are not shown
    withdrawn: int


def standing(edition: Edition, *, may_change: bool) -> Standing:
    """Three queries, however many mails."""
    due = _due(edition)
    withdrawn = edition.entries.exclude(removed_in=None).count() if edition.revision else 0
    return Standing(
        kept_by=kept_by(edition),
        buttons=buttons(edition) if may_change else (),
        may_be_cancelled=may_change and edition.state in (*BEFORE_FREEZE, *Edition.SENDABLE),
        due=due[:SHOWN],
        more=max(0, len(due) - SHOWN),
        withdrawn=withdrawn,
    )


def buttons(edition: Edition) -> list[Button]:
    """What can be decided now, the way forward first."""
    before = edition.state in BEFORE_FREEZE and edition.frozen_at is None
    sendable = edition.state in Edition.SENDABLE
    found = []
    if awaits_approval(edition):
        found.append(Button("approve", "Approve and send"))
    if edition.paused_at is not None and (before or sendable):
        found.append(Button("resume", "Resume" if sendable else "Do not hold it"))
    if edition.state == State.HELD and before:
        found.append(Button("freeze", "Freeze it in spite of its sources"))
    if sendable and edition.paused_at is None:
        found.append(Button("pause", "Pause", asks_why=True))
    if (before and edition.paused_at is None) or edition.state == State.FROZEN:
        found.append(Button("hold", "Hold for approval", asks_why=True))
    return found


def _due(edition: Edition) -> list[Due]:
    """The moments, oldest first: those of planned slots, and those of mails that were planned by hand."""
    slots = Slot.objects.filter(edition=edition).order_by().values_list("due_at")
    zones = dict(slots.annotate(Count("pk")))
    waiting = Q(state__in=[Delivery.State.PENDING, Delivery.State.CLAIMED, Delivery.State.HANDOFF])
    rows = Delivery.objects.filter(edition=edition).order_by().values("due_at")
    counted = rows.annotate(
        n=Count("pk"),
        accepted=Count("pk", filter=Q(state=Delivery.State.ACCEPTED)),
        waiting=Count("pk", filter=waiting),
    )
    mails = {one["due_at"]: (one["n"], one["accepted"], one["waiting"]) for one in counted}
    return [
        Due(at, zones.get(at, 0), *mails.get(at, (0, 0, 0))) for at in sorted(zones.keys() | mails.keys())
    ]
