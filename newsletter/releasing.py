"""Whether an edition that is frozen may be sent, and until when somebody must have said so."""

from datetime import datetime, timedelta

from django.conf import settings

from newsletter.delivery import brakes
from newsletter.models import Edition
from papers.models import Mark

# Set by `after_restore`: the time of the backup. Nothing is sent by itself until somebody takes it away.
RESTORED = "backup restored"


def reason_to_hold(edition: Edition) -> str | None:
    """Why an edition that is being frozen is not released with that.

    None where it is released; "" where only somebody's approval is asked, as it is every day.
    """
    if edition.paused_at is not None:
        return edition.paused_because
    if backup := Mark.objects.filter(name=RESTORED).first():
        return because_restored(backup.at)
    if complaints := brakes.complaints_before(edition.date):
        return complaints
    return "" if settings.NEWSLETTER_APPROVAL == "manual" else None


def because_restored(backup: datetime) -> str:
    return (
        f"a backup from about {backup:%Y-%m-%d %H:%M} UTC was restored: readers who left since then are"
        " active again until somebody takes them out"
    )


def awaits_approval(edition: Edition) -> bool:
    """Whether it is frozen, and held until somebody approves it."""
    return edition.state == Edition.State.HELD and edition.frozen_at is not None


def deadline(edition: Edition) -> datetime | None:
    """Until when it must be approved; None where it does not wait for that."""
    if not awaits_approval(edition) or edition.frozen_at is None:
        return None
    return edition.frozen_at + timedelta(hours=settings.NEWSLETTER_APPROVAL_HOURS)


def is_sent_unapproved(edition: Edition) -> bool:
    """What happens at the deadline. What is held for a reason is never sent without somebody's word."""
    return not edition.held_because and settings.NEWSLETTER_UNAPPROVED == "send"


def lift_restored() -> None:
    """Somebody decided that mails may leave again after a backup was restored."""
    Mark.objects.filter(name=RESTORED).delete()
