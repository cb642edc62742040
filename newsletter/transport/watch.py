"""Watches one HTTP call: whether the whole request left, and that it ends in time. It asks once only.

`requests` has no end for a call, only for each pause within it: a server that sends a byte now and then
holds it for ever. And it does not tell whether a connection broke before or after the request had left.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager


class Watch:
    """What is known of the call under way.

    `left`: the last byte of the request was given to the network. `cut`: its time was over.
    """

    def __init__(self) -> None:
        self.left = self.cut = False
        self.connection: Any = None
        self._socket: socket.socket | None = None

    @contextmanager
    def call(self, seconds: float) -> Iterator[None]:
        """One call: after `seconds` its connection is cut, which the caller sees as a broken one."""
        self.left = self.cut = False
        self.connection = self._socket = None
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def mount(self, session: Session) -> None:
        """Make the session's connections known here; it neither retries nor follows to another address."""
        adapter = _Adapter(self)
        for prefix in ("http://", "https://"):
            session.mount(prefix, adapter)
        session.max_redirects = 0

    def whole_request_left(self) -> None:
        # An answer that ends the connection takes it from the connection object, but not from here.
        self.left, self._socket = True, self.connection.sock

    def _cut(self) -> None:
        self.cut = True
        known = self._socket or getattr(self.connection, "sock", None)
        if known is not None:
            with suppress(OSError):
                socket.socket.shutdown(known, socket.SHUT_RDWR)  # TLS's own shutdown is not for other threads


class _Adapter(HTTPAdapter):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch_over(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        self._watch_over(manager)
        return manager

    def _watch_over(self, manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = {
            "http": _watched(HTTPConnectionPool, self._watch),
            "https": _watched(HTTPSConnectionPool, self._watch),
        }


def _watched(pool: Any, watch: Watch) -> Any:
    """The pool's class, whose connections tell the watch."""

    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        def request(self, *args: Any, **kwargs: Any) -> None:
            watch.connection = self
            super().request(*args, **kwargs)
            watch.whole_request_left()

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})
