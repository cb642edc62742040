"""Opening connections to the mail server, each in a thread of its own: lines that stand never wait for it."""

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from smtplib import SMTP
from socket import socket
from typing import NamedTuple

from django.core.mail.backends.smtp import EmailBackend


class Opened(NamedTuple):
    """A connection on which a mail may be begun."""

    connection: SMTP
    sock: socket


class Dialer:
    """Opens connections as Django's SMTP backend does: EMAIL_* settings, encryption, login."""

    def __init__(self) -> None:
        self.dialing = 0  # connections asked for that have neither come nor failed
        self._first = EmailBackend()
        self._results: SimpleQueue[Opened | Exception] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False

    def dial(self, number: int) -> None:
        """Begin to open so many connections."""
        for _ in range(number):
            backend = EmailBackend()
            if self._first.use_tls or self._first.use_ssl:
                backend.ssl_context = self._first.ssl_context  # reading the certificates takes a while
            self.dialing += 1
            threading.Thread(target=self._open, args=(backend,), daemon=True).start()

    def result(self, *, wait: float = 0) -> Opened | Exception | None:
        """One connection, or why one could not be opened; None where nothing came within `wait` seconds."""
        try:
            found = self._results.get(block=wait > 0, timeout=wait or None)
        except Empty:
            return None
        self.dialing -= 1
        return found

    def close(self) -> None:
        """Want no more connections: those that still come are closed."""
        with self._lock:
            self._closed = True
        while found := self.result():
            if isinstance(found, Opened):
                found.connection.close()

    def _open(self, backend: EmailBackend) -> None:
        try:
            opened = _opened(backend)
        except Exception as error:  # whatever it is, somebody waits for the result
            self._results.put(error)
            with suppress(Exception):
                backend.close()
            return
        with self._lock:
            if not self._closed:
                self._results.put(opened)
                return
        opened.connection.close()


def _opened(backend: EmailBackend) -> Opened:
    backend.open()
    connection = backend.connection
    if connection is None:
        raise ConnectionError("the mail backend opened nothing")
    connection.ehlo_or_helo_if_needed()
    if connection.sock is None:
        raise ConnectionError("the server ended the connection")
    return Opened(connection, connection.sock)
