"""A week of lists read by itself from a real server, tick after tick, with two broken days in it."""

import gzip
import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client

from newsletter import heartbeat
from newsletter.models import Edition, EditionPaper
from papers.models import Paper, SourceRun
from papers.reading.rounds import read_due
from papers.reading.targets import LEFT_OUT
from tests.conftest import SHARED
from tests.pages import words_of
from tests.source_server import SourceServer
from tests.source_shapes import Announcements, ArxivPaper, hf_item

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 9, 14)
DAYS = [MONDAY + timedelta(days=n) for n in range(9)]  # to Tuesday of the week after
WEDNESDAY, FRIDAY, SUNDAY = MONDAY + timedelta(days=2), MONDAY + timedelta(days=4), MONDAY + timedelta(days=6)
MOMENTS = [time(0, 16), time(0, 31), time(1, 16), time(2, 1), time(6), time(12, 30), time(23, 50)]


@pytest.fixture
def server(sources: SourceServer, settings: Any) -> SourceServer:
    settings.NEWSLETTER_SOURCES = ["huggingface"]
    return sources


def tick(now: datetime) -> None:
    """What a worker does, with all of its clocks at `now`."""
    for source in heartbeat.beat(now=now).due_sources:
        read_due(source, now=now, seconds=30, wait=lambda seconds: None)


def item(day: date, number: int) -> Any:
    return hf_item(f"2609.{day.day:02}{number:03}", listed_on=day, upvotes=3 * number)


def fill(server: SourceServer, day: date, moment: time) -> None:
    """A list grows all day: 3 papers at first, then 5, 7 and 8, each with more votes than before; one of
    Thursday's stood on Tuesday's list too."""
    size = {time(6): 3, time(12, 30): 5, time(23, 50): 7}.get(moment)
    if size and day.weekday() < 5:
        server.lists[day] = [item(day, number) for number in range(1, size + 1)]
    yesterday = day - timedelta(days=1)
    if moment == time(0, 16) and yesterday.weekday() < 5:  # the last one came just before midnight
        server.lists[yesterday] = [item(yesterday, number) for number in range(1, 9)]
        if yesterday.weekday() == 3:
            server.lists[yesterday].append(item(MONDAY + timedelta(days=1), 2))


def weather(server: SourceServer, day: date, moment: time) -> None:
    """On Wednesday every answer is an error, on Friday half of one in the morning and a web page later."""
    if moment == MOMENTS[0]:
        server.repair("huggingface")
        if day == WEDNESDAY:
            server.break_always("huggingface", "500")
        if day == FRIDAY:
            server.break_always("huggingface", "cut off")
    if day == FRIDAY and moment == time(12, 30):
        server.break_always("huggingface", "html")


def play(server: SourceServer) -> None:
    for day in DAYS:
        for moment in MOMENTS:
            if day == MONDAY and moment < time(6):
                continue
            fill(server, day, moment)
            weather(server, day, moment)
            tick(datetime.combine(day, moment, UTC))


def editions() -> dict[str, tuple[str, int, str]]:
    """Weekday and day → state, papers, what it says of its source."""
    return {
        f"{edition.date:%a %d}": (edition.state, edition.entries.count(), edition.sources[0]["text"])
        for edition in Edition.objects.exclude(state="open").filter(date__gt=MONDAY).order_by("date")
    }


def lost(server: SourceServer) -> set[str]:
    listed = {entry["paper"]["id"] for papers in server.lists.values() for entry in papers}
    printed = set(EditionPaper.objects.values_list("paper__arxiv_id", flat=True))
    return listed - printed


def test_two_broken_days_cost_no_paper_and_are_told(server: SourceServer, client: Client) -> None:
    play(server)
    assert editions() == {
        "Tue 15": ("closed", 8, "read at 00:16 UTC"),
        "Wed 16": ("closed", 7, "not read since Tuesday 15 September, 23:50 UTC"),
        "Thu 17": ("closed", 9, "read at 00:16 UTC"),
        "Fri 18": ("closed", 7, "not read since Thursday 17 September, 23:50 UTC"),
        "Sat 19": ("closed", 9, "read at 00:16 UTC"),
        "Sun 20": ("empty", 0, "read at 00:16 UTC"),
        "Mon 21": ("empty", 0, "read at 00:16 UTC"),
        "Tue 22": ("closed", 8, "read at 00:16 UTC"),
    }
    server.lists.pop(DAYS[-1])  # for the edition of the next day
    assert lost(server) == set()
    assert Paper.objects.exclude(listed_on=DAYS[-1]).count() == EditionPaper.objects.count() == 48
    by_day = Counter(
        (f"{run.started_at.astimezone(UTC):%a}", run.verdict)
        for run in SourceRun.objects.filter(
            started_at__date__in=(WEDNESDAY, FRIDAY, FRIDAY + timedelta(days=1))
        )
    )
    assert {day for day, verdict in by_day if verdict != "failed"} == {"Sat"}
    assert {verdict for day, verdict in by_day if day == "Sat"} == {"ok"}
    last = SourceRun.objects.filter(target__gt="2026-09-14", target__lt="2026-09-22")
    verdicts = last.order_by("target", "-started_at").distinct("target").values_list("target", "verdict")
    # Tuesday's list was last wanted on Friday; it had been read whole on Thursday.
    assert dict(verdicts) == {"2026-09-15": "failed"} | {f"2026-09-{n}": "ok" for n in (16, 17, 18, 21)}
    broken, quiet = (words_of(client.get(f"/{day}/").content.decode()) for day in (WEDNESDAY, SUNDAY))
    assert "Hugging Face not read since Tuesday 15 September, 23:50 UTC" in broken
    assert "Nothing to print" in quiet and "Hugging Face read at 00:16 UTC" in quiet


def test_where_broken_days_are_held_their_papers_wait_for_the_next_edition(
    server: SourceServer, settings: Any
) -> None:
    settings.NEWSLETTER_STALE_SOURCES = "hold"
    play(server)
    assert {day: found[:2] for day, found in editions().items()} == {
        "Tue 15": ("closed", 8),
        "Wed 16": ("missed", 0),
        "Thu 17": ("closed", 16),
        "Fri 18": ("missed", 0),
        "Sat 19": ("closed", 16),
        "Sun 20": ("empty", 0),
        "Mon 21": ("empty", 0),
        "Tue 22": ("closed", 8),
    }
    assert Edition.objects.get(date=WEDNESDAY).held_because == (
        "Hugging Face not read since Tuesday 15 September, 23:50 UTC"
    )
    server.lists.pop(DAYS[-1])
    assert lost(server) == set()


def feed(server: SourceServer, day: date) -> None:
    """Two papers that are announced on this day."""
    papers = [(ArxivPaper(f"2609.{day.day:02}00{number}"), "new") for number in (1, 2)]
    server.announced["cs.LG"] = Announcements(on=day, papers=papers)


def test_a_week_of_announcements_in_which_one_feed_is_not_made(server: SourceServer, settings: Any) -> None:
    settings.NEWSLETTER_SOURCES, settings.NEWSLETTER_ARXIV_CATEGORIES = ["arxiv"], ["cs.LG"]
    server.announced["cs.LG"] = Announcements(on=MONDAY - timedelta(days=3))
    for day in DAYS[:7]:
        for moment in (time(0, 31), time(4, 5), time(5, 10), time(12, 30)):
            if moment == time(4, 5) and day.weekday() < 5 and day != WEDNESDAY:
                feed(server, day)
            tick(datetime.combine(day, moment, UTC))
    week = SourceRun.objects.exclude(target__lt="cs.LG 2026-09-14", target__gt="cs.LG ")
    found = week.order_by("started_at").values_list("started_at", "day", "verdict")
    assert [(f"{at.astimezone(UTC):%a %H}", f"{day:%a}", verdict) for at, day, verdict in found] == [
        ("Mon 00", "Fri", "quiet"),  # of the week before, and empty
        ("Mon 04", "Mon", "ok"),
        ("Tue 04", "Tue", "ok"),
        ("Wed 04", "Tue", "ok"),  # it may be late
        ("Wed 05", "Tue", "ok"),
        ("Wed 12", "Tue", "stale"),
        ("Thu 00", "Tue", "stale"),
        ("Thu 04", "Thu", "ok"),
        ("Thu 04", "Wed", "quiet"),  # it is gone, so the API was asked
        ("Fri 04", "Fri", "ok"),
    ]
    assert editions() == {
        "Tue 15": ("closed", 2, "read at 04:05 UTC"),
        "Wed 16": ("closed", 2, "read at 04:05 UTC"),
        "Thu 17": ("empty", 0, "stale since Wednesday 16 September, 05:10 UTC"),
        "Fri 18": ("closed", 2, "read at 04:05 UTC"),
        "Sat 19": ("closed", 2, "read at 04:05 UTC"),
        "Sun 20": ("empty", 0, "read at 04:05 UTC"),
    }


SAMPLE = SHARED / "data" / "hf_daily_papers_sample.jsonl.gz"


@pytest.mark.skipif(not SAMPLE.exists(), reason="needs ../shared")
def test_a_recorded_week_gives_every_paper_and_prints_none_twice(server: SourceServer) -> None:
    first, last = datetime(2026, 5, 11, tzinfo=UTC), datetime(2026, 5, 17, tzinfo=UTC)
    with gzip.open(SAMPLE, "rt") as lines:
        answers = [json.loads(line) for line in lines]
    for answer in answers:
        answer["at"] = datetime.fromisoformat(answer["observed_at"])
    for answer in answers:  # Friday's before: what the first edition is made from
        if answer["at"].date() == date(2026, 5, 8):
            server.lists[answer["at"].date()] = answer["items"]
    week = sorted((one for one in answers if first <= one["at"] < last), key=lambda one: one["at"])
    freezes = [first + timedelta(days=n, minutes=minute) for n in range(1, 7) for minute in (16, 31)]
    steps: list[tuple[datetime, Any]] = [(answer["at"], answer) for answer in week]
    steps += [(moment, None) for moment in freezes]
    for moment, answer in sorted(steps, key=lambda step: step[0]):
        server.repair("huggingface")
        if answer:
            server.lists[date.fromisoformat(answer["list_date"])] = answer["items"]
            if answer["list_date"] in ("2026-05-12", "2026-05-14") and answer["observer"] == "A":
                server.break_always("huggingface", "html" if answer["list_date"] < "2026-05-13" else "500")
        tick(moment)
    listed = {entry["paper"]["id"] for answer in week for entry in answer["items"]}
    listed |= {entry["paper"]["id"] for entry in server.lists[date(2026, 5, 8)]}
    assert set(Paper.objects.values_list("arxiv_id", flat=True)) == listed
    printed = list(EditionPaper.objects.values_list("paper__arxiv_id", flat=True))
    assert len(printed) == len(set(printed)) and set(printed) <= listed
    states = Edition.objects.exclude(state="open").order_by("date")
    assert [(edition.date.day, edition.state) for edition in states] == [
        (day, "closed") for day in (11, 12, 13, 14, 15, 16)
    ] + [(17, "empty")]
    assert {edition.sources[0]["verdict"] for edition in states} == {"ok"}
    week_of_runs = SourceRun.objects.exclude(target__lt="2026-05-08")
    found = set(week_of_runs.exclude(target=LEFT_OUT).values_list("verdict", flat=True))
    assert found == {"ok", "quiet", "failed"}
    # The one paper that left its list is gone for good, which is no failure of the source.
    assert set(SourceRun.objects.filter(target=LEFT_OUT).values_list("verdict", flat=True)) == {"partial"}
