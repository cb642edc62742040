"""What became of a gated mail, as far as anybody here can know."""

from dataclasses import dataclass


class TransportDown(Exception):
    """No mail can be sent now, and none has left; the message says why."""


@dataclass(frozen=True, slots=True)
class Accepted:
    message_id: str | None = None  # the provider's own, where it assigns one


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side said no: `temporary` means it may be asked again, `to_all` that every mail gets this."""

    temporary: bool
    reason: str
    to_all: bool = False
    retry_after: float | None = None  # seconds, where the other side said when


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nobody knows whether the mail was taken."""

    reason: str


Outcome = Accepted | Refused | NoAnswer
