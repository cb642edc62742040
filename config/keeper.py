"""Shares one private server between processes: the first starts it, and when the last has gone it stops.

Every process that uses the server holds a shared lock on `<name>.users` while it lives, so the kernel
does the counting and lets go for a process that was killed. A small keeper process waits for the exclusive
lock, which it gets when nobody is left, and stops the server. `<name>.lock` lets one process at a time start
or leave; `<name>.keeper` is locked while a keeper lives.
"""

import atexit
import fcntl
import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

import psutil

BASE_DIR = Path(__file__).resolve().parent.parent
PATIENCE = 30  # seconds to wait for a server to stop
_children: list[subprocess.Popen[bytes]] = []


class ServerError(Exception):
    """A private server cannot run here; the message is one sentence for a person."""


class Server(ABC):
    """One private server whose files live in `var`."""

    name: str

    def __init__(self, var: Path) -> None:
        self.var = var.resolve()

    def file(self, kind: str) -> Path:
        return self.var / f"{self.name}.{kind}"

    @abstractmethod
    def pid(self) -> int | None:
        """The process of the running server, or None; never a stranger that was given a stale number."""

    @abstractmethod
    def start(self) -> None:
        """Start it and return when it answers; raises ServerError."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it in good order and return when it has gone."""

    @abstractmethod
    def url(self) -> str:
        """Where the running server answers."""


def join(server: Server) -> str:
    """Use `server` until this process ends, starting it where it does not run; returns its URL."""
    try:
        server.var.mkdir(parents=True, exist_ok=True)
        users = _open(server.file("users"))
    except PermissionError as error:
        raise ServerError(f"{error.filename} may not be written: it belongs to another user") from None
    fcntl.flock(users, fcntl.LOCK_SH)  # waits while a keeper is at work
    with _locked(server.file("lock")):
        # The keeper first: whoever is killed after this line leaves nothing running.
        _ensure_keeper(server)
        if server.pid() is None:
            server.start()
        url = server.url()
    atexit.register(_leave, server, users, os.getpid())
    return url


def detach(command: list[str], **options: object) -> "subprocess.Popen[bytes]":
    """Start a process that may outlive this one and does not hear its Ctrl-C."""
    process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
        command, stdin=subprocess.DEVNULL, start_new_session=True, **options
    )
    _children.append(process)
    return process


def runs(pid: int, *words: str) -> bool:
    """Whether `pid` lives and its command line has all `words`: a stale number may be a stranger's now."""
    try:
        line = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return all(any(part == word or part.endswith(f"/{word}") for part in line) for word in words)


def wait_gone(pid: int, seconds: float) -> bool:
    """Whether process `pid` ended within `seconds`; a dead child of ours counts as gone."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        end = time.monotonic() + seconds
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
    return True


def keep(server: Server, keeper_fd: int) -> NoReturn:
    """The keeper's whole life: wait until nobody uses `server`, stop it, end."""
    users = _open(server.file("users"))
    fcntl.flock(users, fcntl.LOCK_EX)
    server.stop()
    # Before `users`, which the end of this process unlocks: who gets that lock knows that no keeper is left.
    os.close(keeper_fd)
    os._exit(0)  # a return would close `users` while the process lives on for some milliseconds


def _ensure_keeper(server: Server) -> None:
    with _open(server.file("keeper")) as keeper:
        if not _try(keeper, fcntl.LOCK_EX):
            return
        # The keeper inherits the locked file, so there is no moment without an owner.
        detach(
            [sys.executable, "-m", "config.embedded", server.name, str(server.var), str(keeper.fileno())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=BASE_DIR,
            pass_fds=[keeper.fileno()],
        )


def _leave(server: Server, users: IO[bytes], owner: int) -> None:
    """Let go; if nobody else uses the server, return only when it has stopped."""
    if os.getpid() != owner:
        return  # a forked child is not a user of its own
    if not server.var.is_dir():
        return
    with _locked(server.file("lock")):
        users.close()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not _left(server):
            time.sleep(0.01)
    for child in _children:
        if child.poll() is None:
            child.returncode = 0  # it serves others now; Python would warn that it still runs
    _children.clear()


def _left(server: Server) -> bool:
    """Whether there is nothing to wait for: others use the server, or it is stopped and its keeper gone."""
    with _open(server.file("users")) as users, _open(server.file("keeper")) as keeper:
        if not _try(users, fcntl.LOCK_SH):
            return False  # the keeper is at work
        if not _try(users, fcntl.LOCK_EX):
            # Trying let go of the shared lock, and the keeper may have been faster: then it is at work.
            return _try(users, fcntl.LOCK_SH)  # others use it
        if not _try(keeper, fcntl.LOCK_EX):
            return False  # the keeper is about to take over
        server.stop()  # does nothing, unless somebody killed the keeper
        return True


def _open(path: Path) -> IO[bytes]:
    return path.open("ab")


def _try(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with _open(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
