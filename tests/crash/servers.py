"""Private servers that may be killed and come back as they were."""

import os
import signal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from config import keeper
from config.postgres import Postgres
from config.valkey import Valkey, _answers, _program

# Commit times are the proof of what came first: a gate, or an unsubscribe.
OPTIONS = {"track_commit_timestamp": "on", "max_connections": "200"}


class Database:
    """A PostgreSQL of our own; everything that it needs to keep its word (fsync, ...) is as it comes."""

    def __init__(self, folder: Path) -> None:
        self.server = Postgres(folder)
        self.server.start()
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            for name, value in OPTIONS.items():
                connection.execute(f"alter system set {name} = '{value}'")
        self.server.stop()
        self.server.start()

    def url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.server.url())._replace(path=f"/{name}"))

    def create(self, name: str, *, like: str = "template1") -> str:
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(f"create database {name} template {like}")
        return self.url(name)

    def kill(self) -> None:
        """`kill -9` of the server; its backends notice and go."""
        pid = self.server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert keeper.wait_gone(pid, 10)
        _reap()

    def kill_a_backend(self) -> None:
        """`kill -9` of one backend, after which the server drops all others and recovers by itself."""
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)

    def restart(self) -> None:
        self.server.start()

    def stop(self) -> None:
        self.server.stop()
        _reap()


class Broker(Valkey):
    """A Valkey that comes back on the port and with the password that it had: its users know no other."""

    def kill(self) -> None:
        pid = self.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert keeper.wait_gone(pid, 10)
        _reap()

    def restart(self) -> None:
        parts = urlsplit(self.url())
        with (self.folder / "log").open("ab") as log:
            process = keeper.detach(
                [str(_program()), str(self.settings)], stdout=log, stderr=log, cwd=self.folder
            )
        assert parts.port and parts.password
        assert _answers(process, parts.port, parts.password), "Valkey does not come back"
        (self.folder / "pid").write_text(str(process.pid))

    def flush(self) -> None:
        import redis

        with redis.Redis.from_url(self.url()) as client:
            client.flushall()


def _reap() -> None:
    """Python warns of children that nobody waited for."""
    for child in keeper._children[:]:
        if child.poll() is not None:
            keeper._children.remove(child)
