"""How a gated mail reaches the mail server or provider: one kept connection, and what each answer proves."""

import select
from contextlib import suppress
from dataclasses import dataclass
from smtplib import SMTPHeloError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused
from types import TracebackType

from anymail.exceptions import AnymailAPIError, AnymailInvalidAddress, AnymailRecipientsRefused
from django.core.mail import EmailMessage, get_connection

# What providers answer where the mail itself is at fault, by HTTP status.
ABOUT_THIS_MAIL = (400, 406, 413, 422)


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
            if self._was_hung_up():
                self._connection.close()
            self._connection.open()
        except OSError as error:  # smtplib's exceptions are OSErrors
            raise TransportDown(f"the mail server cannot be reached: {error}") from error

    def hand_over(self, message: EmailMessage) -> Outcome:
        """Send one message and say what the answer proves. Never raises for what the other side does."""
        try:
            sent = self._connection.send_messages([message])
        except Exception as error:  # every way to fail must end in a state; the error decides which
            # A connection in an unknown state would spoil the next mail's certainty.
            with suppress(Exception):
                self._connection.close()
            return verdict(error)
        if not sent:
            return NoAnswer("the mail backend reported nothing sent")
        status = getattr(message, "anymail_status", None)
        if status is None:
            return Accepted()
        known = set(status.status or ())
        if status.message_id is None and not known & {"sent", "queued"}:
            return NoAnswer(f"the provider's answer was {', '.join(sorted(known)) or 'empty'}")
        return Accepted(status.message_id)

    def _was_hung_up(self) -> bool:
        """Tell whether the server ended the kept connection: between two mails it has nothing else to say.

        Found out only by the next mail, that mail would be in doubt.
        """
        socket = getattr(getattr(self._connection, "connection", None), "sock", None)
        return socket is not None and bool(select.select([socket], [], [], 0)[0])


def verdict(error: Exception) -> Refused | NoAnswer:
    """Tell what an exception proves: refused for now, refused for good, or nothing."""
    code = _status(error)
    reason = f"{type(error).__name__} {code or ''}".strip()
    if isinstance(error, AnymailRecipientsRefused | AnymailInvalidAddress):
        return Refused(temporary=False, reason=reason)
    if isinstance(error, AnymailAPIError):
        # A 5xx of an API may come after the mail was taken.
        if not code or not 400 <= code < 500:
            return NoAnswer(reason)
        # The others (a wrong key, no credit, too fast) would refuse every reader's mail.
        own_fault = code in ABOUT_THIS_MAIL
        return Refused(temporary=not own_fault, reason=reason, to_all=not own_fault)
    if isinstance(error, SMTPSenderRefused | SMTPHeloError):
        # About us and not about this reader: "log in first" must not cost every reader the mail.
        # 421 ends this connection ("enough mails on it"); whether the server takes another is seen next.
        return Refused(temporary=True, reason=reason, to_all=code != 421) if code else NoAnswer(reason)
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
