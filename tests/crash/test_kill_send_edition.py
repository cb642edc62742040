"""`send_edition` killed with SIGKILL at random moments: nobody gets two mails, and nobody is forgotten."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.processes import ROOT, RunningSink, smtp_sink, wait_until

KILLS = 20
READERS = 500
LEASE = 5  # seconds, the shortest there is

_FILL = """
import datetime
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
topics = [make_topic(slug=f"crash-{{n}}") for n in range(3)]
papers = [(make_paper(), [topics[n % 3]]) for n in range(9)]
make_edition(date=datetime.date(2026, 11, 20), papers=papers)
for number in range({readers}):
    make_subscriber(email=f"reader{{number}}@example.org", topics={{topics[number % 3]: "normal"}})
"""

_LEDGER = """
    select s.email, d.state from newsletter_delivery d join newsletter_subscriber s on s.id = d.subscriber_id
"""


@pytest.fixture
def environment(own_database: str, tmp_path: Path) -> dict[str, str]:
    settings = {
        "DATABASE_URL": own_database,
        "NEWSLETTER_LEASE_SECONDS": str(LEASE),
        "EMAIL_TIMEOUT": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
    }
    return os.environ | settings


def start(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "manage.py", "send_edition"]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()


def kill_after_first_mails(environment: dict[str, str], sink: RunningSink, chance: random.Random) -> bool:
    """Start a run and kill it a random moment after its first mail; False where it ended before."""
    log = sink.folder / "log.jsonl"
    before = log.stat().st_size
    process = start(environment)
    try:
        while log.stat().st_size == before:
            if process.poll() is not None:
                return False
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.12))
        if process.poll() is not None:
            return False
        process.kill()
    finally:
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()
    return True


def test_twenty_kills_and_nobody_gets_two_mails_or_is_forgotten(
    environment: dict[str, str], tmp_path: Path
) -> None:
    database = environment["DATABASE_URL"]
    chance = random.Random()
    fill = [sys.executable, "-c", f"import django; django.setup()\n{_FILL.format(readers=READERS)}"]
    subprocess.run(fill, cwd=ROOT, env=environment, check=True)
    with smtp_sink(tmp_path / "sink") as sink:
        environment = environment | {"EMAIL_URL": f"smtp://127.0.0.1:{sink.port}"}
        killed = sum(kill_after_first_mails(environment, sink, chance) for _ in range(KILLS))
        assert killed == KILLS, "too few readers: a run ended before it could be killed"
        interrupted = len(sink.mails())

        def closed() -> bool:
            finished = subprocess.run(
                [sys.executable, "manage.py", "send_edition"], cwd=ROOT, env=environment, capture_output=True
            )
            assert finished.returncode == 0, finished.stderr.decode()
            return rows(database, "select state from newsletter_edition")[0][0].startswith("closed")

        # Claims of killed runs are waited for; a mail that was on its way is in doubt once its lease ran out.
        wait_until(closed, 30, "the edition is closed")
        mails = sink.mails()
        assert closed() and len(sink.mails()) == len(mails), "a closed edition sends nothing"
    received = Counter(address for mail in mails for address in mail["recipients"])
    assert set(received.values()) == {1}, [address for address, times in received.items() if times > 1]
    ledger = dict(rows(database, _LEDGER))
    states = Counter(ledger.values())
    assert set(states) <= {"accepted", "in_doubt"}
    assert sum(states.values()) == len(ledger) == READERS
    assert states["in_doubt"] <= KILLS
    # The sink has every mail that is called accepted; of those in doubt it may or may not.
    accepted = {address for address, state in ledger.items() if state == "accepted"}
    assert accepted <= set(received) <= set(ledger)
    expected = "closed_with_in_doubt" if states["in_doubt"] else "closed"
    assert rows(database, "select state from newsletter_edition") == [(expected,)]
    assert 0 < interrupted < READERS
