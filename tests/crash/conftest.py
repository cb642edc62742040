"""The database server of the crash tests, a world for each, and the kill log that is printed at the end.

Two forms: short within the whole suite; in full with CRASH=full (`make crash`), bounded to ten minutes.
"""

import os
import signal
import tempfile
import time
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
KILL_LOG = pytest.StashKey[list[str]]()
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
def kill_log(request: pytest.FixtureRequest) -> Iterator[Callable[[str], None]]:
    """Takes lines for the kill log; the first gets the test's time in front."""
    began = time.monotonic()
    lines: list[str] = []
    yield lines.append
    name = request.node.name.removeprefix("test_").replace("_", " ")
    log = request.config.stash.setdefault(KILL_LOG, [])
    log.append(f"{time.monotonic() - began:6.1f} s  {name}")
    log.extend(f"          {line}" for text in lines for line in text.splitlines())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(KILL_LOG, [])
    if lines:
        terminalreporter.section(f"kill log, {'in full' if FULL else 'short form: make crash runs it in full'}")
        for line in lines:
            terminalreporter.line(line)
