"""A database put back to an earlier moment, with a real mail server that remembers what that one forgot."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.processes import ROOT, RunningSink, smtp_sink

READERS = 6
_FILL = f"""
from django.core.management import call_command
from django.utils import timezone
call_command("migrate", verbosity=0)
from papers.models import Mark
from tests.factories import make_edition, make_paper, make_subscriber
make_edition(date=timezone.now().date(), papers=[(make_paper(), [])])
for number in range({READERS}):
    make_subscriber(email=f"reader{{number}}@example.org")
Mark.objects.create(name="last tick", at=timezone.now())
"""


class Site:
    """manage.py on one database, mailing to the sink."""

    def __init__(self, database: str, sink: RunningSink) -> None:
        self.environment = os.environ | {
            "DATABASE_URL": database,
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
        }

    def manage(self, *arguments: str) -> str:
        return self._run("manage.py", *arguments)

    def fill(self) -> None:
        self._run("-c", f"import django; django.setup()\n{_FILL}")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def copies(own_database: str) -> Iterator[list[str]]:
    """The URLs of two databases that do not exist yet, dropped afterwards."""
    parts = urlsplit(own_database)
    names = [f"{parts.path[1:]}_{number}" for number in range(2)]
    yield [urlunsplit(parts._replace(path=f"/{name}")) for name in names]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        for name in names:
            connection.execute(f"drop database if exists {name} with (force)")


def back_up(database: str, copy: str) -> None:
    """Keep the database as it is at this moment."""
    names = [urlsplit(url).path[1:] for url in (copy, database)]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("create database {} template {}".format(*names))


def test_after_a_restore_nobody_is_mailed_twice_and_without_the_command_they_would_be(
    own_database: str, copies: list[str], tmp_path: Path
) -> None:
    with smtp_sink(tmp_path) as sink:
        site = Site(own_database, sink)
        site.fill()
        site.manage("send_edition", "--to", "reader0@example.org")
        for copy in copies:
            back_up(own_database, copy)
        site.manage("send_edition")
        once = Counter(mail["recipients"][0] for mail in sink.mails())
        assert (len(once), set(once.values())) == (READERS, {1})

        careful, careless = (Site(copy, sink) for copy in copies)
        said = careful.manage("after_restore", "--yes")
        assert f"Mails that may have been sent since then, now in doubt: {READERS - 1}." in said
        careful.manage("tick")
        careful.manage("send_edition")
        assert Counter(mail["recipients"][0] for mail in sink.mails()) == once

        careless.manage("send_edition")
        twice = Counter(mail["recipients"][0] for mail in sink.mails()) - once
        assert len(twice) == READERS - 1
