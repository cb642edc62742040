"""What a curator decides about an edition: approve, hold, pause, resume, cancel, withdraw a paper.

Each is one transaction with the edition's row locked, and twice is no different from once. Gates read that
row FOR SHARE: a decision waits for the gates that are open, and once it is committed the next one obeys it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from newsletter import releasing
from newsletter.delivery import settling
from newsletter.marks import RESTORED
from newsletter.models import Delivery, Edition, EditionPaper
from newsletter.releasing import BEFORE_FREEZE
from newsletter.telling import tell_admins
from papers.models import Mark

State = Edition.State
# Windows reach back over seven editions; what is older is in no mail any more.
STILL_MAILED = timedelta(days=14)
REVISED = (State.HELD, *Edition.PRINTED)  # once frozen


class EditorialError(Exception):
    """This cannot be decided about this edition now; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """`changed`: it was this call. `skipped`: mails that will not leave. `papers`: candidates once more."""

    changed: bool
    skipped: int = 0
    papers: int = 0


def approve(number: int, *, now: datetime) -> bool:
    """Release an edition that was frozen and held; False, and no change, where it is released already."""
    with transaction.atomic():
        edition = _locked(number)
        if edition.released_at is not None and edition.state != State.HELD:
            return False
        if not releasing.awaits_approval(edition):
            why = "is not frozen yet" if edition.state in BEFORE_FREEZE else f"is {edition.state}"
            raise EditorialError(f"{edition} {why}, so there is nothing to approve")
        _release(edition, now=now)
        _lift_restored()
    return True


def hold(number: int, because: str, *, now: datetime) -> bool:
    """Keep an edition from being sent until it is approved; one that is not frozen yet is so at its freeze.

    False, and no change, where it is held by hand already. One that is being sent can only be paused.
    """
    with transaction.atomic():
        edition = _locked(number)
        if releasing.awaits_approval(edition) or (edition.state in BEFORE_FREEZE and edition.paused_at):
            return False
        if edition.state in BEFORE_FREEZE:
            edition.paused_at, edition.paused_because = now, because
        elif edition.state == State.FROZEN:
            edition.state, edition.released_at, edition.held_because = State.HELD, None, because
            edition.paused_at, edition.paused_because = None, ""
        elif edition.state == State.SENDING:
            raise EditorialError(f"{edition} is being sent: pause or cancel it")
        else:
            raise EditorialError(f"{edition} is {edition.state}: there is nothing to hold")
        edition.save()
    return True


def pause(number: int, because: str, *, now: datetime) -> bool:
    """Stop the mails of an edition until it is resumed: none passes its gate after this. False: it was so."""
    with transaction.atomic():
        edition = _locked(number)
        if edition.state not in Edition.SENDABLE:
            raise EditorialError(f"{edition} is {edition.state}: there is nothing to pause")
        if edition.paused_at is not None:
            return False
        edition.paused_at, edition.paused_because = now, because
        edition.save(update_fields=["paused_at", "paused_because"])
    return True


def resume(number: int, *, now: datetime) -> bool:
    """Let the mails of a paused edition go on; False where it is not paused.

    Failures are counted from here on. An edition that is not frozen yet will not be held at its freeze.
    """
    with transaction.atomic():
        edition = _locked(number)
        if edition.paused_at is None:
            return False
        edition.paused_at, edition.paused_because, edition.resumed_at = None, "", now
        edition.save(update_fields=["paused_at", "paused_because", "resumed_at"])
        if edition.state in Edition.SENDABLE:
            _lift_restored()
    return True


def cancel(number: int, *, now: datetime) -> Cancelled:
    """Send an edition no further, for good. Its papers become candidates again if nobody was handed it.

    Of many mails that wait, the first are skipped here and the others by the tick: none leaves meanwhile.
    """
    with transaction.atomic():
        edition = _locked(number)
        if edition.state == State.CANCELLED:
            return Cancelled(False)
        if edition.state not in (*BEFORE_FREEZE, *Edition.SENDABLE):
            raise EditorialError(f"{edition} is {edition.state}: it cannot be cancelled any more")
        edition.state, edition.closed_at = State.CANCELLED, now
        edition.save(update_fields=["state", "closed_at"])
        skipped = settling.settle_some(edition.pk, now=now)
        papers = _give_papers_back(edition)
    # A million are counted in a second, for which no gate of another edition needs to wait.
    return Cancelled(True, skipped + settling.waiting(number), papers)


def withdraw(number: int, papers: Sequence[int]) -> int:
    """Take these papers out of every mail of an edition that has not left yet; return how many it still had.

    They make one new revision. Until the freeze there is nothing to withdraw: hide the paper.
    """
    with transaction.atomic():
        edition = _locked(number)
        if edition.frozen_at is None or edition.state not in REVISED:
            raise EditorialError(f"{edition} is {edition.state}: there is no mail to take a paper out of")
        entries = EditionPaper.objects.filter(edition=edition, paper__in=papers, removed_in=None)
        removed = entries.update(removed_in=edition.revision + 1)
        if removed:
            edition.revision += 1
            edition.save(update_fields=["revision"])
    return removed


def look_after(*, now: datetime) -> None:
    """What the tick does for the editors: days that went by, deadlines, and what was decided elsewhere."""
    today = now.astimezone(UTC).date()
    # A day that went by while nothing ran is said, never silent; `build_edition --date` still makes it.
    unfrozen = Edition.objects.filter(state__in=BEFORE_FREEZE, frozen_at=None, date__lt=today)
    unfrozen.update(state=State.MISSED)
    held = Edition.objects.filter(state=State.HELD).exclude(frozen_at=None)
    for number in held.values_list("pk", flat=True):
        _pass_deadline(number, now=now)
    settling.settle_cancelled(now=now)
    for number, papers in _taken_back(now=now).items():
        withdraw(number, papers)


def was_handed_over(edition: Edition) -> bool:
    """Whether anybody may have been sent something of it, also in a window of several editions."""
    rows = Delivery.objects.filter(first_on__lte=edition.date, last_on__gte=edition.date)
    # What a restored backup has forgotten is in doubt without a gate that anybody knows of.
    may_have_left = Q(handed_over_at__isnull=False) | Q(state=Delivery.State.IN_DOUBT)
    return rows.filter(may_have_left, edition__date__gte=edition.date).exists()


def _lift_restored() -> None:
    """Somebody decided that mails may leave again after a backup was restored."""
    Mark.objects.filter(name=RESTORED).delete()


def _locked(number: int) -> Edition:
    # no_key: shuts out the gate's FOR SHARE, yet not the ledger's foreign keys.
    return Edition.objects.select_for_update(no_key=True).get(pk=number)


def _release(edition: Edition, *, now: datetime) -> None:
    edition.state, edition.released_at, edition.held_because = State.FROZEN, now, ""
    edition.paused_at, edition.paused_because = None, ""
    edition.save()


def _pass_deadline(number: int, *, now: datetime) -> None:
    """Send or miss an edition that nobody approved in time, as NEWSLETTER_UNAPPROVED says."""
    with transaction.atomic():
        edition = _locked(number)
        until = releasing.deadline(edition)
        if until is None or now < until:
            return
        because = f": {edition.held_because}" if edition.held_because else ""
        if releasing.is_sent_unapproved(edition):
            _release(edition, now=now)
            tell_admins(
                f"The edition of {edition.date} is sent without approval",
                f"Nobody approved it until {until:%H:%M} UTC, and then it is sent (NEWSLETTER_UNAPPROVED).\n",
            )
            return
        edition.state = State.MISSED
        edition.save(update_fields=["state"])
        _give_papers_back(edition)
        tell_admins(
            f"The edition of {edition.date} is missed",
            f"Nobody approved it until {until:%H:%M} UTC, so it is not sent{because}.\n\nIts papers can be"
            f" in the next ones. {settings.SITE_URL}/admin/newsletter/edition/{edition.pk}/change/\n",
        )


def _give_papers_back(edition: Edition) -> int:
    """Let its papers be candidates again, unless somebody may have been sent them; return how many are."""
    if was_handed_over(edition):
        return 0
    deleted, _ = EditionPaper.objects.filter(edition=edition).delete()
    return deleted


def _taken_back(*, now: datetime) -> dict[int, list[int]]:
    """Papers that were hidden or withdrawn after the freeze: edition -> papers."""
    entries = EditionPaper.objects.filter(
        Q(paper__hidden=True) | Q(paper__withdrawn=True),
        removed_in=None,
        edition__date__gte=(now - STILL_MAILED).date(),
        edition__frozen_at__isnull=False,
        edition__state__in=REVISED,
    )
    found: dict[int, list[int]] = {}
    for number, paper in entries.order_by("edition").values_list("edition", "paper"):
        found.setdefault(number, []).append(paper)
    return found
