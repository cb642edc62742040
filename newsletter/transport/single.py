"""One mail after the other over one kept connection of Django's mail API."""

import select
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from django.core.mail import EmailMessage, get_connection
from django.utils import timezone

from newsletter.failpoints import failpoint
from newsletter.transport.carrier import Letter
from newsletter.transport.outcomes import Accepted, NoAnswer, Outcome, TransportDown
from newsletter.transport.verdicts import verdict


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


class SingleCarrier:
    """A Carrier over any backend of Django's mail API: one letter under way, handed over within `carry`."""

    at_once = 50  # letters worth claiming together

    def __init__(self) -> None:
        self._transport = Transport()
        self._known: list[tuple[Letter, Outcome]] = []

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.__exit__(kind, error, trace)

    def prepare(self, letter: Letter) -> None:
        letter.content = letter.printed.message(letter.reader, public_id=letter.public_id, now=timezone.now())

    def room(self, letters: Sequence[Letter]) -> int:
        if self._known or not letters:
            return 0
        self._transport.open()
        return 1

    def carry(self, letters: Sequence[Letter]) -> None:
        for letter in letters:
            failpoint("before-call")
            outcome = self._transport.hand_over(letter.content)
            failpoint("after-call")
            self._known.append((letter, outcome))

    def answers(self) -> list[tuple[Letter, Outcome]]:
        known, self._known = self._known, []
        return known
