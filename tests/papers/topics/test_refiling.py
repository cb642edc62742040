"""Filing all papers anew: what a wish survives, who takes over from whom, and what is said of it."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from papers import locks
from papers.models import FilingRun, Paper, PaperTopic
from papers.tasks import refile
from papers.topics import refiling
from tests.celery_queue import tasks_waiting
from tests.factories import file_under, make_paper, make_topic
from tests.processes import ROOT, program, wait_until

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refiling, "CHUNK", 3)


def robots(number: int) -> list[Paper]:
    return [make_paper(title=f"Robots that fold, part {part}") for part in range(number)]


def filed(slug: str) -> int:
    return PaperTopic.objects.filter(topic__slug=slug, decision="matched").count()


def runs() -> list[tuple[str, int, int, str]]:
    """(reason, done, of, outcome), the oldest wish first."""
    return [(run.reason, run.done, run.of, run.outcome) for run in FilingRun.objects.order_by("pk")]


def test_a_wish_is_worked_off_in_chunks_and_says_how_far_it_came() -> None:
    robots(7)
    make_topic(slug="fold-x", phrases=["robots"])
    refiling.ask("Fold was changed", now=NOW)
    assert runs() == [("Fold was changed", 0, 7, "")]
    steps = []
    while refiling.work(seconds=0):
        steps.append((filed("fold-x"), runs()))
    assert steps == [
        (3, [("Fold was changed", 3, 7, "")]),
        (6, [("Fold was changed", 6, 7, "")]),
    ]
    assert (filed("fold-x"), runs()) == (7, [("Fold was changed", 7, 7, "done")])
    assert FilingRun.objects.get().changed == 7
    assert refiling.work(seconds=0) is False


def test_papers_that_come_in_meanwhile_are_filed_and_counted() -> None:
    robots(3)
    make_topic(slug="fold-x", phrases=["robots"])
    refiling.ask("x", now=NOW)
    refiling.work(seconds=0)
    robots(2)
    refiling.work(seconds=0)
    assert (filed("fold-x"), runs()) == (5, [("x", 5, 5, "done")])


def test_a_newer_wish_takes_over_and_begins_at_the_first_paper() -> None:
    robots(5)
    topic = make_topic(slug="fold-x", phrases=["robots"])
    refiling.ask("first", now=NOW)
    refiling.work(seconds=0)
    topic.phrases = ["nothing of the kind"]
    topic.save()
    refiling.ask("second", now=NOW)
    refiling.work(seconds=60)
    assert (filed("fold-x"), runs()) == (0, [("first", 3, 5, "superseded"), ("second", 5, 5, "done")])


def test_a_wish_that_is_committed_late_is_not_lost_to_one_with_a_higher_number() -> None:
    robots(4)
    with transaction.atomic():
        late = refiling.ask("late", now=NOW)
        number = late.pk
        transaction.set_rollback(True)
    refiling.ask("early", now=NOW)
    refiling.work(seconds=0)
    FilingRun.objects.create(pk=number, reason="late", asked_at=NOW, total=4)
    refiling.work(seconds=60)
    assert runs() == [("late", 4, 4, "done"), ("early", 4, 4, "done")]


def test_editors_decisions_stay() -> None:
    one, two = robots(2)
    topic = make_topic(slug="fold-x", phrases=["robots"])
    file_under(one, topic, decision="removed")
    file_under(two, make_topic(slug="other-x"), decision="added")
    before = list(PaperTopic.objects.order_by("pk").values())
    refiling.ask("x", now=NOW)
    refiling.work(seconds=60)
    assert list(PaperTopic.objects.filter(pk__in=[row["id"] for row in before]).values()) == before
    assert list(PaperTopic.objects.filter(decision="matched").values_list("paper", "topic")) == [
        (two.pk, topic.pk)
    ]


def test_without_papers_a_wish_is_done_at_once() -> None:
    refiling.ask("x", now=NOW)
    assert (refiling.work(seconds=0), runs()) == (False, [("x", 0, 0, "done")])


def other_connection() -> "psycopg.Connection[Any]":
    here = connection.get_connection_params()
    wanted = ("dbname", "user", "password", "host", "port")
    return psycopg.connect(**{name: here[name] for name in wanted if name in here})


def test_where_another_worker_refiles_nothing_is_done() -> None:
    robots(1)
    refiling.ask("x", now=NOW)
    with other_connection() as other:
        other.execute("select pg_advisory_xact_lock(%s)", [locks._REFILING])
        assert (refiling.work(seconds=60), runs()) == (False, [("x", 0, 1, "")])
    assert (refiling.work(seconds=60), runs()) == (False, [("x", 1, 1, "done")])


@pytest.mark.django_db(transaction=True)
def test_a_chunk_waits_for_an_import_that_may_have_matched_by_the_old_topics() -> None:
    robots(1)
    refiling.ask("x", now=NOW)
    with other_connection() as importing:
        importing.execute("select pg_advisory_xact_lock(%s)", [locks._SAVING])
        with (
            transaction.atomic(),
            pytest.raises(OperationalError, match="lock timeout"),
            transaction.atomic(),
        ):
            connection.cursor().execute("set local lock_timeout = '50ms'")
            refiling.work(seconds=60)
        assert runs() == [("x", 0, 1, "")]
    refiling.work(seconds=60)
    assert runs() == [("x", 1, 1, "done")]


def test_the_tick_wakes_a_worker_only_where_nothing_moves(broker: str) -> None:
    def woken(minutes: int) -> list[str]:
        refiling.wake(now=NOW + timedelta(minutes=minutes), expires=60)
        return tasks_waiting()

    assert woken(9) == []
    refiling.ask("x", now=NOW)
    assert [woken(1), woken(3)] == [[], [refiling.TASK]]
    FilingRun.objects.update(moved_at=NOW + timedelta(minutes=4))
    assert [woken(5), woken(7)] == [[], [refiling.TASK]]
    FilingRun.objects.update(finished_at=NOW)
    assert woken(9) == []


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_woken_once_the_wish_is_written(broker: str) -> None:
    with transaction.atomic():
        refiling.ask("x", now=NOW)
        assert tasks_waiting() == []
    assert tasks_waiting() == [refiling.TASK]


def test_the_task_queues_itself_again_while_there_is_more(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from papers import tasks

    monkeypatch.setattr(tasks, "REFILE_SECONDS", 0)
    robots(4)
    refiling.ask("x", now=NOW)
    told = []
    for _ in range(2):
        refile()
        told.append(tasks_waiting())
    assert (told, runs()) == ([[refiling.TASK], []], [("x", 4, 4, "done")])


def say(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("file_papers", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_the_command_files_everything_and_goes_on_where_a_filing_stopped() -> None:
    robots(4)
    make_topic(slug="fold-x", phrases=["robots"])
    assert say() == ["4 papers are filed anew, 4 filings changed."]
    refiling.ask("Fold was changed", now=NOW)
    refiling.work(seconds=0)
    assert say() == [
        "Going on after 3 of 4 papers (Fold was changed).",
        "4 papers are filed anew, 0 filings changed.",
    ]
    refiling.ask("again", now=NOW)
    refiling.work(seconds=0)
    assert say("--anew") == ["4 papers are filed anew, 0 filings changed."]
    assert [outcome for *_, outcome in runs()] == ["done", "done", "superseded", "done"]


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_command_counts_up_in_one_line() -> None:
    robots(4)
    out = Terminal()
    call_command("file_papers", stdout=out)
    assert out.getvalue() == (
        "\r3 of 4 papers filed\r4 of 4 papers filed\r\x1b[K4 papers are filed anew, 0 filings changed.\n"
    )


FILL = """
from papers.models import Paper, Topic
Topic.objects.all().delete()
Topic.objects.create(slug="robots", name="Robots", phrases=["robots"])
names = [f"robots {number}" for number in range(2500)]
Paper.objects.bulk_create(
    Paper(title=name, title_key=name, title_hash=f"{number:016x}") for number, name in enumerate(names)
)
"""


def manage(database: str, *arguments: str) -> list[str]:
    """What a command of manage.py says, run to its end on this database."""
    environment = os.environ | {"DATABASE_URL": database}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_killed_while_filing_it_loses_no_finished_chunk_and_goes_on(own_database: str) -> None:
    manage(own_database, "migrate", "--verbosity", "0")
    manage(own_database, "shell", "--verbosity", "0", "--command", FILL)
    environment = os.environ | {"DATABASE_URL": own_database}
    rows = "select done, done_through, outcome from papers_filingrun"
    with psycopg.connect(own_database, autocommit=True) as looker, psycopg.connect(own_database) as holder:
        # The second chunk waits for this row, which is never committed.
        holder.execute(
            "insert into papers_papertopic (paper_id, topic_id, score, evidence, decision)"
            " select p.id, t.id, 1, '[]', 'matched' from papers_paper p, papers_topic t"
            " order by p.id offset 1500 limit 1"
        )
        with program("manage.py", "file_papers", env=environment, stdout=subprocess.DEVNULL) as process:
            first = wait_until(lambda: looker.execute(f"{rows} where done > 0").fetchone(), 30, "one chunk")
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        holder.rollback()
        assert (first[0], looker.execute(rows).fetchall()) == (1000, [first])
        assert manage(own_database, "file_papers") == [
            "Going on after 1,000 of 2,500 papers (asked for by hand).",
            "2,500 papers are filed anew, 2,500 filings changed.",
        ]
        counts = "select count(*), count(distinct paper_id) from papers_papertopic"
        assert looker.execute(counts).fetchone() == (2500, 2500)
