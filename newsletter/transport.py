"""How a gated mail reaches the mail server or provider: one kept connection, and what each answer proves."""

from dataclasses import dataclass
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from types import TracebackType

from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused
from django.core.mail import EmailMessage, get_connection


class TransportDown(Exception):
    """No mail can be sent now, and none has left; the message says why."""


@dataclass(frozen=True, slots=True)
class Accepted:
    message_id: str | None = None  # the provider's own, where it assigns one


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side said no: `temporary` means it may be asked again."""

    temporary: bool
    reason: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nobody knows whether the mail was taken."""

    reason: str


Outcome = Accepted | Refused | NoAnswer


class Transport:
    """One connection of Django's mail API, opened ahead and kept. Use as a context manager."""

    def __init__(self) -> None:
        self._connection = get_connection()

    def __enter__(self) -> "Transport":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def open(self) -> None:
        """Make sure of the connection before a mail is gated; raises TransportDown."""
        try:
            self._connection.open()
        except OSError as error:  # smtplib's exceptions are OSErrors
            raise TransportDown(f"the mail server cannot be reached: {error}") from error

    def hand_over(self, message: EmailMessage) -> Outcome:
        """Send one message and say what the answer proves. Never raises for what the other side does."""
        try:
            sent = self._connection.send_messages([message])
        except Exception as error:  # every way to fail must end in a state; the error decides which
            # A connection in an unknown state would spoil the next mail's certainty.
            self._connection.close()
            return verdict(error)
        if not sent:
            return NoAnswer("the mail backend reported nothing sent")
        status = getattr(message, "anymail_status", None)
        return Accepted(getattr(status, "message_id", None))


def verdict(error: Exception) -> Refused | NoAnswer:
    """Tell what an exception proves: refused for now, refused for good, or nothing."""
    code = _status(error)
    reason = f"{type(error).__name__} {code or ''}".strip()
    if isinstance(error, AnymailRecipientsRefused):
        return Refused(temporary=False, reason=reason)
    if isinstance(error, AnymailAPIError):
        if code == 429:
            return Refused(temporary=True, reason=reason)
        # A 5xx of an API may come after the mail was taken.
        return Refused(temporary=False, reason=reason) if code and 400 <= code < 500 else NoAnswer(reason)
    if code:
        return Refused(temporary=code < 500, reason=reason)
    return NoAnswer(reason)


def _status(error: Exception) -> int | None:
    if isinstance(error, SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=None)
    if isinstance(error, SMTPResponseException):
        # smtplib says -1 where the connection broke instead of an answer.
        return error.smtp_code if error.smtp_code > 0 else None
    return getattr(error, "status_code", None)
