"""Whether a frozen edition may be sent, until when somebody must say so, and what keeps it, in words."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from newsletter.marks import RESTORED
from newsletter.models import Edition
from papers.models import Mark

BEFORE_FREEZE = (Edition.State.OPEN, Edition.State.HELD)


def reason_to_hold(edition: Edition, *, complaints: str) -> str | None:
    """Why an edition that is being frozen is not released with that; `complaints` speak against it, or "".

    None where it is released; "" where only somebody's approval is asked, as it is every day.
    """
    if edition.paused_at is not None:
        return edition.paused_because
    if backup := Mark.objects.filter(name=RESTORED).first():
        return because_restored(backup.at)
    if complaints:
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


def kept_by(edition: Edition) -> str:
    """What keeps an edition from being frozen or sent, as one sentence; "" where nothing does."""
    if until := deadline(edition):
        why = f"Held: {edition.held_because}. " if edition.held_because else ""
        fate = "is sent" if is_sent_unapproved(edition) else "is not sent"
        return f"{why}It waits for approval until {_moment(until)}; else it {fate}."
    if edition.paused_at is not None and edition.state in BEFORE_FREEZE:
        return f"It will be held at its freeze: {edition.paused_because}."
    if edition.state == Edition.State.HELD:
        return f"Held: {edition.held_because}. It is frozen once its sources were read."
    if edition.paused_at is not None and edition.state in Edition.SENDABLE:
        return f"Paused since {_moment(edition.paused_at)}: {edition.paused_because}."
    return ""


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
