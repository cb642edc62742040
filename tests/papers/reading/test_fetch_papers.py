"""`manage.py fetch_papers` against a real server: what it reads, what it prints, how it ends."""

import io
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from papers.models import Paper, SourceRun
from papers.reading import calendars
from papers.sources.names import name_of
from tests.processes import ROOT, wait_until
from tests.source_server import SourceServer
from tests.source_shapes import Announcements, ArxivPaper, hf_item

pytestmark = pytest.mark.django_db
FRIDAY = date(2026, 9, 18)


def run(*arguments: str) -> tuple[list[str], str]:
    """(lines of its output, message of its exit)."""
    out = io.StringIO()
    try:
        call_command("fetch_papers", *arguments, stdout=out, stderr=out, no_color=True)
    except CommandError as error:
        return _lines(out), str(error)
    return _lines(out), ""


def _lines(out: io.StringIO) -> list[str]:
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def listed(day: date, number: int) -> list[Any]:
    return [hf_item(f"2609.{day.day:02}{n:03}", listed_on=day, upvotes=n) for n in range(1, number + 1)]


def test_one_day_is_read_and_told_in_one_line(sources: SourceServer) -> None:
    sources.lists[FRIDAY] = [*listed(FRIDAY, 2), hf_item("no id")]
    target = ("--source", "huggingface", "--date", "2026-09-18")
    lines, end = run(*target)
    assert end == "" and len(lines) == 1
    assert lines[0].startswith("Hugging Face 2026-09-18 partial 1 of 3 records could not be read: ")
    assert lines[0].endswith(" (2 new, 0 updated, 0 unchanged, 1 rejected)")
    sources.lists[FRIDAY] = listed(FRIDAY, 2)
    assert run(*target) == (
        ["Hugging Face 2026-09-18 ok 2 records: 0 new, 2 updated, 0 unchanged"],
        "",
    )
    assert set(Paper.objects.values_list("listed_on", flat=True)) == {FRIDAY}


def test_a_weekend_is_asked_for_only_by_its_date(sources: SourceServer) -> None:
    assert run("--source", "huggingface", "--date", "2026-09-19") == (
        ["Hugging Face 2026-09-19 quiet Saturday: Hugging Face has no list at weekends"],
        "",
    )
    assert len(sources.requests) == 1


def test_days_that_went_by_are_read_one_by_one_and_not_again(sources: SourceServer) -> None:
    today = timezone.now().date()
    days = [today - timedelta(days=n) for n in range(9, -1, -1)]
    workdays = [day for day in days if day.weekday() < 5]
    for day in workdays:
        sources.lists[day] = listed(day, 2)
    arguments = ("--source", "huggingface", "--since", f"{days[0]}")
    expected = [
        f"Hugging Face {day} ok 2 records: 2 new, 0 updated, 0 unchanged"
        if day in workdays
        else f"Hugging Face {day} - {day:%A}: Hugging Face has no list at weekends"
        for day in days
    ]
    assert run(*arguments) == (expected, "")
    asked = len(sources.requests)
    assert asked == len(workdays)
    lines, _ = run(*arguments)
    old = [day for day in workdays if day < today]
    assert [line for line in lines if "read before" in line] == [
        f"Hugging Face {day} - read before" for day in old
    ]
    assert len(sources.requests) - asked == len(workdays) - len(old)
    run(*arguments, "--again")
    assert SourceRun.objects.count() == len(sources.requests) == 3 * len(workdays) - len(old)


def test_a_failure_costs_only_itself_and_the_exit_says_so(sources: SourceServer, settings: Any) -> None:
    settings.NEWSLETTER_SOURCES = ["huggingface"]
    sources.break_next("huggingface", "html")
    lines, end = run()
    assert lines[0].split()[3] == "failed" and "a web page instead of data" in lines[0]
    assert len(lines) in (2, 3, 4) and all(line.split()[3] in ("quiet", "stale") for line in lines[1:])
    assert end == f"1 of {len(lines)} readings failed; run the same command again."


def test_a_source_that_asks_for_rest_is_left_alone_by_a_backfill_too(sources: SourceServer) -> None:
    sources.break_always("huggingface", "429", retry_after="1800")
    arguments = ("--source", "huggingface", "--since", f"{timezone.now().date() - timedelta(days=9)}")
    lines, end = run(*arguments)
    asked = len(sources.requests)
    assert len([line for line in lines if " failed " in line]) == 1
    assert re.fullmatch(
        r"Hugging Face asked to be left alone until \d\d:\d\d UTC; run the same command again then\.", end
    )
    assert run(*arguments)[1] == end and len(sources.requests) == asked


def test_a_source_that_is_down_is_not_asked_for_a_whole_month(sources: SourceServer) -> None:
    sources.break_always("huggingface", "html")
    lines, end = run("--source", "huggingface", "--since", f"{timezone.now().date() - timedelta(days=30)}")
    assert end == "5 readings failed in a row: run the same command again later."
    assert len([line for line in lines if " failed " in line]) == len(sources.requests) == 5


def test_arxiv_is_read_by_category_and_days_that_went_by_by_their_submissions(
    sources: SourceServer, settings: Any
) -> None:
    settings.NEWSLETTER_SOURCES, settings.NEWSLETTER_ARXIV_CATEGORIES = ["arxiv"], ["cs.LG"]
    sources.papers = [
        ArxivPaper("2609.00001", submitted=datetime(2026, 9, 16, 18, 1, tzinfo=UTC)),
        ArxivPaper("2609.00002", submitted=datetime(2026, 9, 17, 18, 1, tzinfo=UTC)),  # after 14:00 Eastern
    ]
    today = calendars.latest_possible_feed(timezone.now())
    sources.announced["cs.LG"] = Announcements(on=today, papers=[(ArxivPaper("2609.00003"), "new")])
    assert run() == (["arXiv cs.LG ok 1 record: 1 new, 0 updated, 0 unchanged"], "")
    lines, _ = run("--date", "2026-09-18")
    assert lines == ["arXiv cs.LG 2026-09-18 ok 1 record: 1 new, 0 updated, 0 unchanged"]
    assert set(Paper.objects.values_list("arxiv_id", "listed_on", "from_archive")) == {
        ("2609.00003", today, False),
        ("2609.00001", FRIDAY, False),
    }


TOMORROW = timezone.now().date() + timedelta(days=2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "NEWSLETTER_SOURCES names no source: name one with --source."),
        (("--source", "huggingface", "--again"), "--again goes with --since."),
        (("--source", "twitter"), "--source is 'twitter', but must be one of huggingface, arxiv."),
        (
            ("--source", "arxiv"),
            "NEWSLETTER_ARXIV_CATEGORIES is not set: it names what to read, such as cs.CL.",
        ),
        (
            ("--source", "huggingface", "--date", "foo"),
            "--date is 'foo', but must be a day such as 2026-11-20.",
        ),
        (
            ("--source", "huggingface", "--since", "2026-02-30"),
            "--since is '2026-02-30', but must be a day such as 2026-11-20.",
        ),
        (
            ("--source", "huggingface", "--date", f"{TOMORROW}"),
            f"--date is {TOMORROW}, which is still to come: in UTC today is {TOMORROW - timedelta(days=2)}.",
        ),
        (
            ("--source", "huggingface", "--date", "2026-09-18", "--since", "2026-09-18"),
            "--date and --since cannot be used together.",
        ),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_one_sentence(
    arguments: tuple[str, ...], sentence: str
) -> None:
    assert run(*arguments) == ([], sentence)
    assert not SourceRun.objects.exists()


@pytest.mark.parametrize("command", ["build_edition", "send_edition"])
def test_other_commands_refuse_a_date_in_the_same_words(command: str) -> None:
    with pytest.raises(CommandError, match=r"^--date is 'foo', but must be a day such as 2026-11-20\.$"):
        call_command(command, date="foo")


def test_the_names_of_sources_are_known() -> None:
    assert [name_of("huggingface"), name_of("somebody")] == ["Hugging Face", "somebody"]


def test_ctrl_c_ends_it_with_what_came_before_and_a_killed_one_is_told_later(own_database: str) -> None:
    with SourceServer() as sources:
        sources.break_always("huggingface", "silent")
        environment = os.environ | {
            "DATABASE_URL": own_database,
            "NEWSLETTER_HUGGINGFACE_URL": sources.huggingface_url,
        }

        def manage(*arguments: str) -> "subprocess.Popen[str]":
            # A shell that runs the suite in the background ignores SIGINT, and children inherit that.
            return subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                text=True,
            )

        migrating = manage("migrate", "--verbosity", "0")
        migrating.communicate(timeout=120)
        assert migrating.returncode == 0
        ends, told = [], []
        for number, stop in enumerate((signal.SIGINT, signal.SIGKILL), start=1):
            process = manage("fetch_papers", "--source", "huggingface", "--date", "2026-09-18")
            wait_until(lambda asked=number: len(sources.requests) == asked, 60, "the request is made")
            process.send_signal(stop)
            told.append(process.communicate(timeout=60)[1])
            ends.append(process.returncode)
        assert ends == [130, -signal.SIGKILL]
        assert "Stopped; what came is saved. The same command goes on from here." in told[0]
    with psycopg.connect(own_database) as connection:
        rows = connection.execute(
            "select verdict, message, finished_at is null, claimed_until is null from papers_sourcerun"
            " order by id"
        ).fetchall()
    assert rows == [("failed", "it was stopped", False, True), ("", "", True, False)]
