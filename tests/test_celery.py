"""A real worker and a real beat on a real broker run the timetable."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config import keeper
from config.celery import TICK, app
from config.valkey import Valkey
from tests.processes import ROOT, program, wait_until

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
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=crew.environment, check=True)
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
