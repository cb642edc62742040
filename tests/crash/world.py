"""A world to kill in: one database, one mail server, programs that are quick to start, and one judge."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from tests.crash.oracle import Mail, Row, Verdict, judge
from tests.processes import ROOT, RunningSink, smtp_sink

LEASE = 5  # seconds, the shortest there is
LINES = 4  # connections of one sender to the mail server
TIMEOUT = 3  # seconds for one answer of the mail server
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([0-9a-f-]{36})@", re.IGNORECASE | re.MULTILINE)

# What the database itself saw: every change of a state, in the transaction that made it.
WITNESS = """
    create table crash_history (
        id bigserial primary key, at timestamptz not null default clock_timestamp(),
        xact xid8 not null default pg_current_xact_id(), kind text not null, row bigint not null,
        was text not null, became text not null);
    create function crash_witness() returns trigger language plpgsql as $$
        begin
            insert into crash_history (kind, row, was, became)
                values (tg_argv[0], new.id, old.state, new.state);
            return null;
        end $$;
    create trigger crash_delivery after update on newsletter_delivery for each row
        when (old.state is distinct from new.state) execute function crash_witness('delivery');
    create trigger crash_reader after update on newsletter_subscriber for each row
        when (old.state is distinct from new.state) execute function crash_witness('reader');
"""
_LEDGER = """
    select d.public_id::text, s.email, d.edition_id, d.state, coalesce(h.gates, 0), coalesce(h.returns, 0)
      from newsletter_delivery d
      join newsletter_subscriber s on s.id = d.subscriber_id
      left join (select row, count(*) filter (where became = 'handoff') as gates,
                        count(*) filter (where was in ('handoff', 'in_doubt') and became = 'pending')
                            as returns
                   from crash_history where kind = 'delivery' group by row) h on h.row = d.id
"""


@dataclass(slots=True)
class Child:
    """One program that runs in the world."""

    world: "World"
    pid: int
    log: Path

    def status(self) -> int | None:
        """None while it runs, else its exit status; negative: the signal that ended it."""
        return self.world.ask(poll=self.pid)

    def signal(self, number: int, *, group: bool = False) -> None:
        self.world.ask(signal=number, pid=self.pid, group=group)

    def kill(self, *, group: bool = False) -> int:
        """SIGKILL, to its whole group if asked; returns the status it ended with, which may be its own."""
        self.signal(signal.SIGKILL, group=group)
        return self.wait(10)

    def wait(self, seconds: float) -> int:
        end = time.monotonic() + seconds
        while (status := self.status()) is None:
            assert time.monotonic() < end, f"still runs after {seconds} s:\n{self.said()[-2000:]}"
            time.sleep(0.003)
        return status

    def said(self) -> str:
        return self.log.read_text(errors="replace")


class World:
    """Everything that one run needs. Use as a context manager: nothing outlives it."""

    def __init__(self, folder: Path, database: str, sink: RunningSink, **environment: str) -> None:
        self.folder = folder
        self.database = database
        self.sink = sink
        self.readers = 0
        self._started = 0
        own = {
            "DATABASE_URL": database,
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
            "EMAIL_TIMEOUT": str(TIMEOUT),
            "NEWSLETTER_LEASE_SECONDS": str(LEASE),
            "NEWSLETTER_SMTP_CONNECTIONS": str(LINES),
            "NEWSLETTER_FREEZE_AT": "00:00",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "INFO",
        }
        with (folder / "hatchery.log").open("wb") as log:
            self._hatchery = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.hatchery"],
                cwd=ROOT,
                env=os.environ | own | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._answer() == "ready"

    def ask(self, **request: Any) -> Any:
        assert self._hatchery.stdin is not None
        self._hatchery.stdin.write(json.dumps(request) + "\n")
        self._hatchery.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._hatchery.stdout is not None
        line = self._hatchery.stdout.readline()
        assert line, (self.folder / "hatchery.log").read_text()
        return json.loads(line)

    def close(self) -> None:
        """Ends every program that still runs here."""
        self._hatchery.communicate()
        self._hang_up()

    # --- Programs

    def start(self, program: str, *arguments: str, failpoint: str = "", log: str = "") -> Child:
        self._started += 1
        path = self.folder / (log or f"{self._started:04}.log")
        path.touch()
        pid = self.ask(hatch=[program, *arguments], failpoint=failpoint, log=str(path))
        return Child(self, pid, path)

    def send(self, failpoint: str = "") -> Child:
        return self.start("manage", "send_edition", failpoint=failpoint, log="senders.log")

    def run(self, program: str, *arguments: str, seconds: float = 60) -> None:
        child = self.start(program, *arguments)
        assert child.wait(seconds) == 0, child.said()[-3000:]

    def add_readers(self, count: int) -> None:
        self.run("tests.crash.seeding:add_readers", str(self.readers), str(count))
        self.readers += count

    # --- What is known of it

    @cached_property
    def _connection(self) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(self.database, autocommit=True)

    def _hang_up(self) -> None:
        if (connection := self.__dict__.pop("_connection", None)) is not None:
            connection.close()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Answers though the database was killed meanwhile; raises OperationalError while it is down."""
        try:
            return self._connection.execute(query, values or None).fetchall()
        except psycopg.OperationalError:
            self._hang_up()
            return self._connection.execute(query, values or None).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        return self.rows(query, *values)[0][0]

    def states(self) -> dict[str, int]:
        return dict(self.rows("select state, count(*) from newsletter_delivery group by state"))

    def doubtful(self) -> int:
        """Rows that passed the gate and have no answer: in doubt, or soon."""
        states = self.states()
        return states.get("handoff", 0) + states.get("in_doubt", 0)

    def waiting(self) -> int:
        """Readers who were sent nothing yet and whom no dead sender holds."""
        taken = "select count(*) from newsletter_delivery where state <> 'pending'"
        return self.readers - int(self.one(taken))

    def let_leases_run_out(self) -> None:
        """What waiting would do. Only while no sender lives."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(
                "update newsletter_delivery set lease_until = clock_timestamp() - interval '1 second'"
                " where lease_until is not null"
            )
            # Mails that had not left in whole when their sender slept are tried again in minutes.
            connection.execute("update newsletter_delivery set next_at = null where state = 'pending'")

    def edition(self) -> str:
        return str(self.one("select state from newsletter_edition where number = 1"))

    def closed(self) -> bool:
        return self.edition().startswith("closed")

    def wait_until_closed(self, seconds: float) -> float:
        """Returns the seconds that it took."""
        try:
            return wait_until(self.closed, seconds, "the edition is closed")
        except AssertionError as error:
            waiting = (
                "select s.email, d.state, d.reason, d.attempts, d.next_at - now() from newsletter_delivery d"
            )
            waiting += (
                " join newsletter_subscriber s on s.id = subscriber_id where settled_at is null limit 5"
            )
            raise AssertionError(f"{error}: {self.states()}, {self.rows(waiting)}") from None

    def arrived(self) -> int:
        """How many mails the server took; cheap enough to ask all the time."""
        log = self.sink.folder / "log.jsonl"
        return log.read_bytes().count(b"\n")

    def mails(self) -> list[Mail]:
        return [
            Mail(address, _delivery(self.sink.content(mail)))
            for mail in self.sink.mails()
            for address in mail["recipients"]
        ]

    def verdict(self, *, doubt_at_most: int, owed: int | None = None) -> Verdict:
        rows = [Row(*row) for row in self.rows(_LEDGER)]
        return judge(
            rows, self.mails(), owed=self.readers if owed is None else owed, doubt_at_most=doubt_at_most
        )

    def finish(self) -> None:
        """Send whatever is left, as often as it takes, until the edition is closed."""
        for _ in range(10):
            self.let_leases_run_out()
            self.run("manage", "tick", seconds=120)  # takes back and sends on
            self.run("manage", "send_edition", seconds=120)  # also to who became a reader since
            if self.closed():
                return
        raise AssertionError(f"the edition does not close: {self.states()}")


def _delivery(content: bytes) -> str:
    found = _MESSAGE_ID.search(content)
    return found[1].decode() if found else ""


@contextmanager
def a_world(folder: Path, database: str, *, slow: float = 0, **environment: str) -> Iterator[World]:
    """`slow` is how many seconds the mail server takes to say that it has a mail."""
    with smtp_sink(folder / "sink", slow=slow) as sink:
        world = World(folder, database, sink, **environment)
        try:
            yield world
        finally:
            world.close()


def wait_for_more(count: Callable[[], int], more: int, seconds: float, what: str) -> float:
    """Ask until `count` has grown by `more`; returns the seconds it took."""
    before = count()
    return wait_until(lambda: count() >= before + more, seconds, what)


def wait_until(holds: Callable[[], Any], seconds: float, what: str) -> float:
    """Ask until `holds`; returns the seconds it took. A database that is down meanwhile is no answer."""
    began = time.monotonic()
    while True:
        try:
            if holds():
                return time.monotonic() - began
        except psycopg.OperationalError:
            pass
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.02)
