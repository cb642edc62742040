"""`send_edition` killed with SIGKILL around a call for many readers: they are in doubt, and no others."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.processes import ROOT, program
from tests.provider_server import settings_for

MIXES, READERS = 3, 20  # readers of each mix: one call

_FILL = """
import datetime
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
topics = [make_topic(slug=f"crash-{{n}}") for n in range({mixes})]
make_edition(date=datetime.date(2026, 11, 20), papers=[(make_paper(), [topic]) for topic in topics])
for number in range({readers}):
    for topic in topics:
        make_subscriber(email=f"{{topic.slug}}-{{number}}@example.org", topics={{topic: "normal"}})
"""


@pytest.fixture
def environment(own_database: str) -> dict[str, str]:
    settings = {
        "DATABASE_URL": own_database,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
    }
    return os.environ | settings


def run(environment: dict[str, str], failpoint: str = "") -> int:
    """The exit status of one run, killed at the place named."""
    done = subprocess.run(
        [sys.executable, "manage.py", "send_edition"],
        cwd=ROOT,
        env=environment | {"NEWSLETTER_FAILPOINT": failpoint},
        capture_output=True,
        timeout=60,
    )
    return done.returncode


def query(environment: dict[str, str], text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else []


def test_a_killed_call_leaves_its_own_readers_in_doubt_and_nobody_gets_two_mails(
    environment: dict[str, str], tmp_path: Path
) -> None:
    fill = _FILL.format(mixes=MIXES, readers=READERS)
    setup = f"import django; django.setup()\n{fill}"
    subprocess.run([sys.executable, "-c", setup], cwd=ROOT, env=environment, check=True, timeout=60)
    with program("-m", "tests.provider_server", "--out", str(tmp_path), stdout=subprocess.PIPE) as provider:
        environment |= settings_for("mailgun", int(provider.stdout.readline()))
        for place in ("before-call", "after-call"):
            assert run(environment, place) == -signal.SIGKILL
            # The dead sender's leases would run out by themselves, later.
            query(
                environment,
                "update newsletter_delivery set lease_until = now() - interval '1 second'"
                " where lease_until is not null",
            )
        assert run(environment) == 0
        lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    rows = query(environment, "select public_id::text, state from newsletter_delivery")
    doubtful = {public_id for public_id, state in rows if state == "in_doubt"}
    accepted = {public_id for public_id, state in rows if state == "accepted"}
    taken = [line["delivery_id"] for line in lines if line["taken"]]
    assert len(taken) == len(set(taken)) == (MIXES - 1) * READERS
    assert (len(doubtful), len(accepted), len(rows)) == (2 * READERS, READERS, MIXES * READERS)
    # One killed call was never made, the other was: nobody can tell them apart from here.
    assert accepted < set(taken) < accepted | doubtful
    assert query(environment, "select state from newsletter_edition") == [("closed_with_in_doubt",)]
