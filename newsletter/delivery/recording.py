"""What an answer makes of a row of the ledger. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.transport.outcomes import Accepted, NoAnswer, Outcome, Refused

MAX_ATTEMPTS = 6
# After what would meet every mail, where the other side did not say how long.
PAUSE_SECONDS = 60
UNPRINTED_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Change:
    """A row's new state. `sent` is False where no byte of it left: such a row may still be only claimed."""

    id: int
    state: str
    reason: str = ""
    covers: bool = True
    attempts: int = 0
    next_at: datetime | None = None
    message_id: str = ""  # "" keeps ours
    sent: bool = True


def answered(row_id: int, attempts: int, outcome: Outcome, *, now: datetime) -> Change:
    """What this outcome makes of a row that passed the gate; `attempts` counts those before this one."""
    tried = attempts + 1
    if isinstance(outcome, Accepted):
        return Change(row_id, "accepted", attempts=tried, message_id=outcome.message_id or "")
    if isinstance(outcome, NoAnswer):
        return Change(row_id, "in_doubt", outcome.reason, attempts=tried)
    asked = timedelta(seconds=outcome.retry_after or 0)
    if outcome.to_all:
        # Not this mail's fault, so not one of its attempts.
        wait = asked or timedelta(seconds=PAUSE_SECONDS)
        return Change(row_id, "pending", outcome.reason, attempts=attempts, next_at=now + wait)
    if outcome.temporary and tried < MAX_ATTEMPTS:
        wait = max(timedelta(minutes=2**tried), asked)
        return Change(row_id, "pending", outcome.reason, attempts=tried, next_at=now + wait)
    return _rejected(row_id, outcome, tried)


def not_sent(row_id: int, attempts: int, reason: str) -> Change:
    """Wait again, at once and with as many tries left as before: certainly no byte of it left."""
    return Change(row_id, "pending", reason, attempts=attempts, sent=False)


def not_printed(row_id: int, attempts: int, reason: str, *, now: datetime) -> Change:
    """Wait for somebody to mend it. A try, yet never the last one: the cut-off ends it, and so the reader is
    owed its editions with the next mail, and no brake counts it as a mail refused."""
    tried = min(attempts + 1, MAX_ATTEMPTS - 1)
    return Change(row_id, "pending", reason, attempts=tried, next_at=now + UNPRINTED_FOR, sent=False)


def skipped(row_id: int, attempts: int, reason: str, *, covers: bool) -> Change:
    """Settled before the gate; where `covers` is False, the reader is still owed its editions."""
    return Change(row_id, "skipped", reason, covers=covers, attempts=attempts, sent=False)


def _rejected(row_id: int, outcome: Refused, tried: int) -> Change:
    return Change(row_id, "rejected", outcome.reason, covers=False, attempts=tried)
