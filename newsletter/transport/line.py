"""One kept connection of Django's mail API: a mail server, a provider's HTTP API, files."""

import select
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import requests
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils import timezone

from newsletter.transport.addressing import take_as_checked
from newsletter.transport.http_verdicts import http_verdict
from newsletter.transport.outcomes import NoAnswer, Refused, TransportDown
from newsletter.transport.verdicts import verdict
from newsletter.transport.watch import Watch


class Line:
    """Opened ahead and kept. Use as a context manager, in one thread.

    `payload` names the class of Anymail that builds calls, where addresses are checked already.
    """

    def __init__(self, payload: str = "") -> None:
        self._connection: Any = get_connection()
        if payload:
            take_as_checked(self._connection, payload)
        self._watch = Watch()
        self._session: requests.Session | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Make sure of the connection before a mail is gated; raises TransportDown.

        An HTTP API is only asked by the call itself; what never reached it comes back as refused for now.
        """
        try:
            if self.was_hung_up():
                self._connection.close()
            self._connection.open()
        except OSError as error:  # smtplib's exceptions are OSErrors
            raise TransportDown(f"the mail server cannot be reached: {error}") from error
        session = getattr(self._connection, "session", None)
        if isinstance(session, requests.Session):
            # One pause within the call may last as long as the whole of it.
            self._connection.timeout = settings.EMAIL_TIMEOUT
            if session is not self._session:
                self._watch.mount(session)
        self._session = session

    def close(self) -> None:
        self._connection.close()

    def send(self, message: EmailMessage) -> Refused | NoAnswer | None:
        """Hand one message to the backend. None where it raised nothing: its answer stands in the message.

        Never raises for what the other side does. The time limit of a task does end it: what becomes of the
        message is not known then.
        """
        try:
            sent = self._send(message)
        except SoftTimeLimitExceeded:
            with suppress(Exception):
                self.close()
            raise
        except Exception as error:  # every way to fail must end in a state; the error decides which
            over_http = self._session is not None
            found = self._http_verdict(error) if over_http else verdict(error)
            if not over_http or isinstance(found, NoAnswer):
                # A connection in an unknown state would spoil the next mail's certainty.
                with suppress(Exception):
                    self.close()
            return found
        return None if sent else NoAnswer("the mail backend reported nothing sent")

    def _http_verdict(self, error: Exception) -> Refused | NoAnswer:
        # Cut by us, a call looks broken.
        told = TimeoutError() if self._watch.cut else error
        return http_verdict(told, left=self._watch.left, now=timezone.now())

    def _send(self, message: EmailMessage) -> Any:
        if self._session is None:
            return self._connection.send_messages([message])
        with self._watch.call(settings.EMAIL_TIMEOUT):
            return self._connection.send_messages([message])

    def was_hung_up(self) -> bool:
        """Tell whether the mail server ended the kept connection: between two mails it has nothing to say.

        Found out only by the next mail, that mail would be in doubt. HTTP connections look for themselves.
        """
        socket = getattr(getattr(self._connection, "connection", None), "sock", None)
        return socket is not None and bool(select.select([socket], [], [], 0)[0])
