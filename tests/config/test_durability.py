"""A database that could forget is refused at every door, by a real PostgreSQL that is told to."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import environ
import psycopg
import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.durability import UnsafeDatabase, refuse_unsafe
from newsletter import tasks
from newsletter.models import Delivery, Edition
from papers.models import Mark
from tests.config.test_embedded import User
from tests.factories import make_edition, make_paper, make_subscriber
from tests.processes import ROOT, wait_until

OFF = "PostgreSQL runs with synchronous_commit=off: a crash could undo what the sender was told is kept"


@pytest.fixture
def forgetful() -> None:
    """This test's connection, without waiting for the disk at a commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


@pytest.mark.django_db
def test_a_database_as_it_comes_is_safe_and_asked_once() -> None:
    with CaptureQueriesContext(connection) as seen:
        refuse_unsafe(connection)
    assert len(seen) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["local", "remote_write", "remote_apply", "on"])
def test_every_commit_that_reaches_the_disk_is_durable_enough(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL synchronous_commit = {value}")
    refuse_unsafe(connection)


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "side"), [(-62, "ahead of"), (62, "behind")])
def test_a_clock_that_is_a_minute_off_is_refused(seconds: int, side: str) -> None:
    refuse_unsafe(connection, clock=lambda: timezone.now() + timedelta(seconds=58 if seconds > 0 else -58))
    with pytest.raises(UnsafeDatabase) as refused:
        refuse_unsafe(connection, clock=lambda: timezone.now() + timedelta(seconds=seconds))
    sentence = f"is 6[12] s {side} this machine's, more than 60 s: set both by NTP$"
    assert refused.match(f"^the clock of PostgreSQL {sentence}")


@pytest.mark.django_db
def test_a_slow_answer_is_no_skew() -> None:
    moments = iter([timezone.now() - timedelta(minutes=5), timezone.now() + timedelta(minutes=5)])
    refuse_unsafe(connection, clock=lambda: next(moments))


# --- Doors


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["tick", "send_edition", "serve"])
def test_commands_refuse_with_the_sentence_and_do_nothing(forgetful: None, command: str) -> None:
    make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])])
    make_subscriber()
    with pytest.raises(CommandError, match=OFF):
        call_command(command, **({"port": 0} if command == "serve" else {}))
    assert (Delivery.objects.count(), Mark.objects.count(), Edition.objects.get().state) == (0, 0, "frozen")


@pytest.mark.django_db
@pytest.mark.parametrize("task", [tasks.tick, tasks.drain, tasks.send_outbox])
def test_tasks_say_so_and_do_nothing(forgetful: None, task: Any, caplog: pytest.LogCaptureFixture) -> None:
    make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])])
    make_subscriber()
    task()
    (said,) = caplog.messages
    assert said.startswith(f"Nothing is sent: {OFF}")
    assert (Delivery.objects.count(), Mark.objects.count()) == (0, 0)


def test_a_worker_does_not_start(own_database: str) -> None:
    url = f"{own_database}{'&' if '?' in own_database else '?'}options=-c%20synchronous_commit%3Doff"
    done = subprocess.run(
        [sys.executable, "-m", "celery", "--app", "config", "worker", "--concurrency", "1"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:9/0"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"paper-round: {OFF}")


# --- What only a server of its own can be told


@pytest.fixture(scope="module")
def own_server() -> Iterator[str]:
    """The URL of a PostgreSQL that only this module uses."""
    folder = tempfile.mkdtemp(prefix="durability-")
    user = User(Path(folder))
    yield user.url
    user.leave()
    shutil.rmtree(folder)


@pytest.fixture
def own_connection(db: None, own_server: str) -> Iterator[BaseDatabaseWrapper]:
    entry = {**project.DATABASES["default"], **environ.Env.db_url_config(own_server)}
    handler = ConnectionHandler({"default": entry})
    yield handler["default"]
    handler["default"].close()
    with psycopg.connect(own_server, autocommit=True) as server:
        server.execute("ALTER SYSTEM RESET ALL")
        server.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_was_told_to_be_fast_is_refused(
    own_server: str, own_connection: Any, name: str
) -> None:
    refuse_unsafe(own_connection)
    with psycopg.connect(own_server, autocommit=True) as server:
        server.execute(f"ALTER SYSTEM SET {name} = off")
        server.execute("SELECT pg_reload_conf()")

    def said() -> str:
        try:
            refuse_unsafe(own_connection)
        except UnsafeDatabase as refused:
            return str(refused)
        return ""

    sentence = wait_until(said, 10, "the server read its settings anew")
    assert sentence.startswith(f"PostgreSQL runs with {name}=off: a crash ")
    assert sentence.endswith("; set it to on")
