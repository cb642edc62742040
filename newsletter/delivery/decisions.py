"""Mails in doubt: a person decides whether they arrived or are sent again. Nothing is resent without that."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from newsletter.models import Delivery, Edition
from newsletter.schedule import CUT_OFF

State = Delivery.State


def arrived(numbers: Sequence[int], reason: str, *, now: datetime) -> list[int]:
    """Count these mails as accepted, where they are in doubt still; return which ones were."""
    with transaction.atomic():
        rows = _locked(numbers)
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(
            state=State.ACCEPTED, reason=f"decided to have arrived: {reason}", settled_at=now
        )
        for edition in sorted({row.edition_id for row in rows}):
            close_without_doubt(edition)
    return [row.pk for row in rows]


def send_again(numbers: Sequence[int], reason: str, *, now: datetime) -> list[int]:
    """Let these mails be sent once more, for six hours, where they are in doubt still; return which will be.

    The reader may get one twice: that is the decision. Mails of cancelled and missed editions stay in doubt,
    and so do those of long ago, whose editions' ledger was cleared; whoever left meanwhile is left out at the
    gate. A closed edition is sent again until they are settled.
    """
    with transaction.atomic():
        # An edition that was stopped for good sends nothing again. Nor does one whose ledger was cleared:
        # opened once more, it would find its readers without a row.
        rows = [
            row
            for row in _locked(numbers)
            if row.edition.state in Edition.PRINTED and not row.edition.cleared_mails
        ]
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(
            state=State.PENDING,
            reason=f"to be sent again: {reason}",
            covers=True,
            expires_at=now + CUT_OFF,
            attempts=0,
            next_at=None,
            token=None,
            lease_until=None,
            settled_at=None,
        )
        closed = (Edition.State.CLOSED, Edition.State.CLOSED_WITH_IN_DOUBT)
        again = Edition.objects.filter(pk__in={row.edition_id for row in rows}, state__in=closed)
        again.update(state=Edition.State.SENDING, closed_at=None)
    return [row.pk for row in rows]


def close_without_doubt(number: int) -> None:
    """An edition that was closed with mails in doubt is simply closed once none is."""
    # One that is being sent is not locked here: its gates hold it, and wait for the mail that we hold.
    if not Edition.objects.filter(pk=number, state=Edition.State.CLOSED_WITH_IN_DOUBT).exists():
        return
    # Locked, so that of two that settle the last two doubts the later one sees both.
    edition = Edition.objects.select_for_update(no_key=True).get(pk=number)
    doubt = Delivery.objects.filter(edition=edition, state=State.IN_DOUBT)
    if edition.state == Edition.State.CLOSED_WITH_IN_DOUBT and not doubt.exists():
        edition.state = Edition.State.CLOSED
        edition.save(update_fields=["state"])


def _locked(numbers: Sequence[int]) -> list[Delivery]:
    """Those in doubt, locked in the order in which gates lock: the editions before their mails."""
    doubtful = Delivery.objects.filter(pk__in=numbers, state=State.IN_DOUBT)
    editions = Edition.objects.filter(pk__in=doubtful.values("edition"))
    list(editions.select_for_update(no_key=True).order_by("pk"))
    rows = doubtful.select_for_update(no_key=True, of=("self",))
    return list(rows.select_related("edition").order_by("pk"))
