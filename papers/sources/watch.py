"""Connections that stop a request which takes too long or brings too much, wherever it is at that moment.

A read timeout only limits the silence between two bytes, so a server that drips one byte a second holds a
worker for hours, and a line without an end fills its memory. Here every single receive looks at one watch.
"""

import http.client
import io
import socket
import time
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class Watch:
    """What is left for one request: seconds and bytes. `ran_out` says which of them ended, "" for neither."""

    def __init__(self) -> None:
        self.start(0, 0)

    def start(self, seconds: float, size: int) -> None:
        """Begin anew, for the next request."""
        self.ran_out = ""
        self._end = time.monotonic() + seconds
        self._room = size

    def remaining(self) -> float:
        """Seconds left. Raises TimeoutError where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            self.ran_out = "time"
            raise TimeoutError("the deadline of the whole request")
        return left

    def count(self, received: int) -> None:
        """Take received bytes off what may come. Raises OSError where it is too much."""
        self._room -= received
        if self._room < 0:
            self.ran_out = "room"
            raise OSError("more bytes than any good answer has")


class _Watched(io.RawIOBase):
    """The receiving side of a socket, with an eye on the watch."""

    def __init__(self, inner: Any, connection: socket.socket, watch: Watch) -> None:
        self._inner, self._connection, self._watch = inner, connection, watch

    def readable(self) -> bool:
        """Part of what io.BufferedReader asks for."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what has come; waits for the read timeout or the deadline, what is less."""
        patience, left = self._connection.gettimeout(), self._watch.remaining()
        if patience is None or left < patience:
            self._connection.settimeout(left)
        try:
            received = int(self._inner.readinto(buffer))
        except TimeoutError:
            self._watch.remaining()  # tells a deadline from a silence
            raise
        self._watch.count(received)
        return received

    def close(self) -> None:
        """Give up the socket's reading side as well."""
        self._inner.close()
        super().close()


class _Reply(http.client.HTTPResponse):
    def __init__(self, watch: Watch, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Watched(self.fp.detach(), sock, watch))


class WatchedAdapter(HTTPAdapter):
    """One kept connection per host, also through a proxy, each under the same watch."""

    def __init__(self, watch: Watch) -> None:
        reply = partial(_Reply, watch)
        plain = type("Connection", (HTTPConnection,), {"response_class": reply})
        secure = type("SecureConnection", (HTTPSConnection,), {"response_class": reply})
        self._pools = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }
        super().__init__(pool_connections=4, pool_maxsize=1)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Direct connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> PoolManager:
        """Connections through a proxy that the environment names."""
        manager: PoolManager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager
