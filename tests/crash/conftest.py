"""The database server of the crash tests, a world for each, and the kill log that is printed at the end.

Two forms: short within the whole suite; in full with CRASH=full (`make crash`), which takes some nine minutes
and is stopped after ten.
"""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from pathlib import Path
from types import FrameType

import psycopg
import pytest

from tests.crash.servers import Broker, Database
from tests.crash.world import WITNESS, World, a_world

FULL = os.environ.get("CRASH") == "full"
LONGEST = 600  # seconds
KILL_LOG = "kill log"
Worlds = Callable[..., World]
_numbers = count(1)


@pytest.fixture(scope="session", autouse=True)
def bounded() -> Iterator[None]:
    """In full, ten minutes and no more."""

    def too_long(number: int, frame: FrameType | None) -> None:
        pytest.exit(f"the crash tests took more than {LONGEST} s", returncode=1)

    if FULL:
        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(LONGEST)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session")
def server() -> Iterator[Database]:
    """A PostgreSQL of our own, with a migrated database to copy: `crash`.

    Not in pytest's folder, which another run of pytest shuts for the user that PostgreSQL runs as.
    """
    with tempfile.TemporaryDirectory(prefix="paper-round-crash-") as name:
        folder = Path(name)
        database = Database(folder)
        try:
            url = database.create("crash")
            with a_world(folder, url) as world:
                world.run("manage", "migrate", "--verbosity", "0")
                world.run("tests.crash.seeding:prepare")
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(WITNESS)
            yield database
        finally:
            database.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def worlds(server: Database, tmp_path: Path) -> Iterator[Worlds]:
    """Makes worlds, each with its own copy of the prepared database."""
    with ExitStack() as stack:

        def make(*, slow: float = 0, **environment: str) -> World:
            name = f"crash_{next(_numbers)}"
            folder = tmp_path / name
            folder.mkdir()
            context: AbstractContextManager[World] = a_world(
                folder, server.create(name, like="crash"), slow=slow, **environment
            )
            return stack.enter_context(context)

        yield make


@pytest.fixture
def kill_log(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes what the kill log says of this test."""
    return lambda text: record_property(KILL_LOG, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report
        for kind in ("passed", "failed")
        for report in terminalreporter.stats.get(kind, [])
        if any(name == KILL_LOG for name, _ in report.user_properties) and report.when == "call"
    ]
    if reports:
        terminalreporter.section(
            f"kill log, {'in full' if FULL else 'short form: make crash runs it in full'}"
        )
    for report in reports:
        name = report.location[2].removeprefix("test_").replace("_", " ")
        terminalreporter.line(f"{report.duration:6.1f} s  {name}")
        for _, text in report.user_properties:
            for line in str(text).splitlines():
                terminalreporter.line(f"          {line}")
