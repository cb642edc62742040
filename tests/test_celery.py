"""A real worker and a real beat on a real broker run the timetable."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from config import keeper
from config.celery import TICK, app
from config.valkey import Valkey
from newsletter import tasks
from tests.processes import ROOT, RunningSink, program, smtp_sink, wait_until
from tests.source_server import SourceServer
from tests.source_shapes import hf_item

DONE = re.compile(rf"Task {re.escape(TICK)}\[[0-9a-f-]+\] succeeded")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a Valkey that lives as long as this test run."""
    return keeper.join(Valkey(tmp_path_factory.mktemp("broker")))


class Crew:
    """Celery processes on `broker`, each with its output in a file of `folder`."""

    def __init__(self, folder: Path, broker: str, **environment: str) -> None:
        self.folder = folder
        self.environment = os.environ | {"REDIS_URL": broker} | environment
        self.stack = ExitStack()

    def manage(self, *arguments: str) -> None:
        """Run a command of manage.py to its end."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def start(self, name: str, *arguments: str) -> None:
        output = self.stack.enter_context((self.folder / f"{name}.log").open("wb"))
        command = ["-m", "celery", "--app", "config", *arguments, "--loglevel", "INFO"]
        self.stack.enter_context(program(*command, env=self.environment, stdout=output, stderr=output))

    def worker(self) -> None:
        self.start("worker", "worker", "--concurrency", "1", "--without-gossip", "--without-mingle")

    def beat(self) -> None:
        self.start("beat", "beat", "--pidfile=")

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()


@pytest.fixture
def crew(tmp_path: Path, broker: str, own_database: str) -> Iterator[Crew]:
    crew = Crew(tmp_path, broker, DATABASE_URL=own_database, NEWSLETTER_TICK_SECONDS="1")
    crew.manage("migrate", "--verbosity", "0")
    with crew.stack:
        yield crew


def test_the_whole_timetable_is_one_tick() -> None:
    assert {name: (entry["task"], entry["schedule"]) for name, entry in app.conf.beat_schedule.items()} == {
        "tick": ("newsletter.tasks.tick", 60.0)
    }


def test_tasks_can_be_lost_but_never_carry_code_or_pile_up() -> None:
    names = ("task_acks_late", "task_ignore_result", "result_backend", "accept_content", "task_serializer")
    assert [app.conf[name] for name in names] == [False, True, None, ["json"], "json"]
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.beat_schedule["tick"]["options"]["expires"] <= 60


def test_a_worker_alone_ticks_by_its_own_timer(crew: Crew) -> None:
    crew.worker()
    wait_until(lambda: len(DONE.findall(crew.said("worker"))) >= 3, 40, "three ticks without a beat")


def test_beat_sends_ticks_that_a_worker_takes(crew: Crew) -> None:
    crew.beat()
    wait_until(lambda: "Sending due task tick" in crew.said("beat"), 40, "beat sends a tick")
    crew.worker()
    wait_until(lambda: DONE.search(crew.said("worker")), 40, "the worker ticks")


ROBOTS = ["A robot that folds paper hats", "Two robots share one umbrella"]
GLACIERS = ["Glaciers seen from a bicycle"]
SEED = """
from django.core.management import call_command
from django.utils import timezone
from newsletter.addresses import parse_address
from newsletter.mixes import mix_for
from newsletter.signup import request_subscription
from papers.models import Topic

Topic.objects.all().delete()
robots = Topic.objects.create(slug="robots", name="Robots", phrases=["robot"])
Topic.objects.create(slug="glaciers", name="Glaciers", phrases=["glacier"])
Topic.objects.create(slug="bees", name="Bees", phrases=["bee"])
call_command("import_papers", {papers!r})
call_command("import_subscribers", {readers!r})
asks = parse_address("asks@example.org")
request_subscription(asks, mix_for({{robots: "normal"}}), now=timezone.now())
"""
READERS = """email,topics
robots@example.org,robots
glaciers@example.org,glaciers
everything@example.org,
bees@example.org,bees
"""


def seed(crew: Crew) -> None:
    """Papers of yesterday, four readers (nothing is there for one of them), and one who only asked."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    papers, readers = crew.folder / "papers.jsonl", crew.folder / "readers.csv"
    lines = [
        {
            "title": title,
            "abstract": "We look closely.",
            "arxiv_id": f"2610.0000{number}",
            "listed_on": f"{yesterday}",
            "observed_at": f"{yesterday}T20:00:00Z",
            "upvotes": 40 // number,
        }
        for number, title in enumerate([*ROBOTS, *GLACIERS], start=1)
    ]
    papers.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    readers.write_text(READERS)
    crew.manage("shell", "--command", SEED.format(papers=str(papers), readers=str(readers)))


def received(sink: RunningSink) -> dict[str, list[tuple[str, str]]]:
    """Per envelope recipient: subject and the titles in its parts, of each mail that came."""
    mails: dict[str, list[tuple[str, str]]] = {}
    for mail in sink.mails():
        content = message_from_bytes(sink.content(mail), EmailMessage, policy=default)
        assert [part.get_content_type() for part in content.walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]
        assert [content["To"]] == mail["recipients"]
        texts = [part.get_content() for part in content.iter_parts()]
        held = [[title for title in [*ROBOTS, *GLACIERS] if title in text] for text in texts]
        assert held[0] == held[1], "the text and the HTML part tell of the same papers"
        mails.setdefault(content["To"], []).append((content["Subject"], " | ".join(held[0])))
    return mails


def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()


def test_the_days_mails_arrive_once_at_a_real_mail_server(crew: Crew, own_database: str) -> None:
    with smtp_sink(crew.folder / "sink") as sink:
        crew.environment |= {"NEWSLETTER_FREEZE_AT": "00:00", "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}"}
        seed(crew)
        crew.beat()
        crew.worker()
        editions = "select state from newsletter_edition where number is not null"
        wait_until(lambda: rows(own_database, editions) == [("closed",)], 40, "the edition is closed")
        wait_until(lambda: "asks@example.org" in received(sink), 20, "the mail to confirm is sent")
        arrived = {
            "asks@example.org": [("Confirm your subscription to Paper Round", "")],
            "robots@example.org": [(f"{ROBOTS[0]}, and 1 more", " | ".join(ROBOTS))],
            "glaciers@example.org": [(GLACIERS[0], GLACIERS[0])],
            "everything@example.org": [(f"{ROBOTS[0]}, and 2 more", " | ".join([*ROBOTS, *GLACIERS]))],
        }
        assert received(sink) == arrived

        ticks = len(DONE.findall(crew.said("worker")))
        later = ticks + 3  # a tick under way when the edition closed is not a later one
        wait_until(lambda: len(DONE.findall(crew.said("worker"))) >= later, 20, "later ticks")
        assert received(sink) == arrived
        assert rows(
            own_database,
            "select s.email, d.state, d.reason from newsletter_delivery d"
            " join newsletter_subscriber s on s.id = d.subscriber_id order by s.email",
        ) == [
            ("bees@example.org", "skipped", "nothing matched"),
            ("everything@example.org", "accepted", ""),
            ("glaciers@example.org", "accepted", ""),
            ("robots@example.org", "accepted", ""),
        ]


def test_papers_of_today_are_fetched_by_themselves(crew: Crew, own_database: str) -> None:
    today = datetime.now(UTC).date()
    lists = [today - timedelta(days=n) for n in range(3, -1, -1)]
    weekdays = [day for day in lists if day.weekday() < 5]
    with SourceServer() as sources:
        for day in weekdays:
            sources.lists[day] = [hf_item(f"2610.{day.day:02}001", listed_on=day)]
        crew.environment |= {
            "NEWSLETTER_SOURCES": "huggingface",
            "NEWSLETTER_HUGGINGFACE_URL": sources.huggingface_url,
            "NEWSLETTER_FREEZE_AT": "00:00",
        }
        crew.beat()
        crew.worker()
        # Earlier lists are caught up with too; they are none of this test's.
        of_these = f"where target >= '{weekdays[0]}' order by target"
        runs = f"select target, verdict, read_count from papers_sourcerun {of_these}"
        expected = [(day.isoformat(), "ok", 1) for day in weekdays]
        wait_until(lambda: rows(own_database, runs) == expected, 40, "each list was read once")
        editions = "select state from newsletter_edition where number is not null"
        wait_until(lambda: rows(own_database, editions) == [("closed",)], 40, "the edition is closed")
        ticks = len(DONE.findall(crew.said("worker"))) + 3
        wait_until(lambda: len(DONE.findall(crew.said("worker"))) >= ticks, 20, "later ticks")
        assert rows(own_database, runs) == expected, "nothing is due again"
    told = "select sources -> 0 ->> 'verdict' from newsletter_edition where number is not null"
    assert rows(own_database, told) == [("ok",)]
    printed = "select count(*) from newsletter_editionpaper"
    assert rows(own_database, printed) == [(len([day for day in weekdays if day < today]),)]


def test_a_wish_to_refile_that_no_broker_knows_of_is_found_by_the_tick(crew: Crew, own_database: str) -> None:
    seed(crew)
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute("update papers_topic set phrases = '{paper}' where slug = 'bees'")
        connection.execute(
            "insert into papers_filingrun (reason, asked_at, total, done, done_through, changed, outcome)"
            " values ('Bees was changed', now() - interval '1 hour', 3, 0, 0, 0, '')"
        )
    crew.worker()
    run = "select done, changed, outcome from papers_filingrun"
    wait_until(lambda: rows(own_database, run) == [(3, 1, "done")], 40, "the papers are filed anew")


def test_no_time_limit_ends_what_only_waits_for_its_answer() -> None:
    longest = 30 + settings.NEWSLETTER_LEASE_SECONDS + settings.EMAIL_TIMEOUT
    assert longest < app.conf.task_soft_time_limit < app.conf.task_time_limit
    assert (tasks.tick.soft_time_limit, tasks.tick.time_limit) == (900, 1200)
