"""Closes an edition once nothing of it is to come, with two proofs: the balance and the anti-join."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from newsletter import schedule
from newsletter.delivery.buckets import buckets, some_have_days_off
from newsletter.delivery.calendar import Run, run_of
from newsletter.delivery.planning import insert_by_hand, insert_moment, keep_planners_out, past_moments, plan
from newsletter.failpoints import failpoint
from newsletter.models import Delivery, Edition

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Balance:
    """How many rows an edition has, by state. It is even if they all are settled."""

    by_state: Mapping[str, int]

    @property
    def planned(self) -> int:
        return sum(self.by_state.values())

    @property
    def is_even(self) -> bool:
        return self.planned == sum(self.by_state.get(state, 0) for state in Delivery.SETTLED)


def balance(edition: Edition) -> Balance:
    """The edition's rows by state, with those that were cleared. It reads them all: for closing and for
    people, not for every tick."""
    rows = Delivery.objects.filter(edition=edition).order_by().values_list("state").annotate(Count("pk"))
    return Balance(Counter(dict(rows)) + Counter(edition.cleared_mails))


def close_if_done(edition: Edition, *, now: datetime, late_too: bool = False) -> bool:
    """Close an edition if no slot of it is to come, nobody who was owed it lacks a row, and all rows are
    settled; return whether it was closed.

    Whoever is found to lack one gets it, and the edition stays open. `late_too`: a person had it sent to
    every active reader, so it waits for no slots.
    """
    if late_too:
        plan(edition, now=now, late_too=True)
    if _something_waits(edition):
        return False
    run = run_of(edition)
    # Released after this tick began, by another process: by our `now` nobody is owed it yet, and all will be.
    if not late_too and (run.issue.released_at > now or _comes_again(run, now=now)):
        return False
    with transaction.atomic():
        # Else a planner that is at work now would add rows to a closed edition.
        if not keep_planners_out(wait=late_too):
            return False
        found = insert_by_hand(edition, only=None, now=now) if late_too else _anti_join(run, now=now)
        closed = found == 0 and _close(edition, now=now)
        failpoint("before-close-commit")
    return closed


def reopen(edition: Edition) -> None:
    """Let a closed edition be sent once more, in the caller's transaction, which keeps planners out."""
    closed = (Edition.State.CLOSED, Edition.State.CLOSED_WITH_IN_DOUBT)
    again = Edition.objects.filter(pk=edition.pk, state__in=closed)
    again.update(state=Edition.State.SENDING, closed_at=None)


def held_elsewhere(edition: Edition) -> tuple[int, datetime | None]:
    """How many rows other senders hold, and when the first claim runs out."""
    held = Delivery.objects.filter(edition=edition, state__in=[State.CLAIMED, State.HANDOFF])
    first = (
        held.filter(state=State.CLAIMED).order_by("lease_until").values_list("lease_until", flat=True).first()
    )
    return held.count(), first


def _something_waits(edition: Edition) -> bool:
    """Whether a row is not settled; each question has a small index of its own."""
    rows = Delivery.objects.filter(edition=edition)
    return (
        rows.filter(state=State.PENDING).exists()
        or rows.filter(state__in=[State.CLAIMED, State.HANDOFF]).exists()
    )


def _comes_again(run: Run, *, now: datetime) -> bool:
    """Whether the edition will come due again: until the next one is released, it does every day."""
    if run.following is not None and run.following <= now:
        return False
    coming = [
        bucket
        for bucket in buckets()
        if schedule.comes_again(zone=bucket.zone, hour=bucket.hour, following=run.following, now=now)
    ]
    return any(bucket.hour is not None for bucket in coming) or any(map(some_have_days_off, coming))


def _anti_join(run: Run, *, now: datetime) -> int:
    """Plan all slots once more, whether they have a mark or not; return how many readers lacked a row."""
    return sum(
        insert_moment(run, moment, now=now, again=True) for moment in past_moments(run, buckets(), now=now)
    )


def _close(edition: Edition, *, now: datetime) -> bool:
    # Gates read it under a lock, and wait.
    locked = Edition.objects.select_for_update(no_key=True).get(pk=edition.pk)
    found = balance(edition)
    if locked.state != Edition.State.SENDING or not found.is_even:
        return False
    doubt = found.by_state.get(State.IN_DOUBT, 0)
    locked.state = Edition.State.CLOSED_WITH_IN_DOUBT if doubt else Edition.State.CLOSED
    locked.closed_at = now
    locked.save(update_fields=["state", "closed_at"])
    return True
