"""One reading of a source over real HTTP: what is saved, what the run says, and who may read at once."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection

from newsletter.models import Edition, EditionPaper
from papers.models import Mark, Observation, Paper, SourceRun
from papers.reading import pacing, runs, singles
from papers.reading.fetching import fetch
from papers.reading.rounds import at_most, read_due
from papers.reading.targets import LEFT_OUT, LOOKUP, Target
from papers.sources.http import FetchError
from tests.source_server import Seen, SourceServer
from tests.source_shapes import Announcements, ArxivPaper, announcement_feed, hf_item

pytestmark = pytest.mark.django_db(transaction=True)

THURSDAY, FRIDAY, SATURDAY = date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21)
NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)


def listed(day: date, number: int, *, first: int = 1, votes: int = 0) -> list[Any]:
    return [
        hf_item(f"2611.{day.day:02}{n:03}", listed_on=day, upvotes=votes + n)
        for n in range(first, first + number)
    ]


def read(day: date = FRIDAY, *, now: datetime = NOW) -> SourceRun:
    run = fetch(Target("huggingface", day.isoformat()), now=now, wait=lambda seconds: None)
    assert run is not None
    return SourceRun.objects.get(pk=run.pk)


def counts(run: SourceRun) -> tuple[int, ...]:
    return run.read_count, run.new_count, run.updated_count, run.unchanged_count, run.rejected_count


def test_a_list_becomes_papers_and_observations_and_a_finished_run(sources: SourceServer) -> None:
    sources.lists[FRIDAY] = listed(FRIDAY, 60)
    run = read()
    assert (run.source, run.target, run.day) == ("huggingface", "2026-11-20", FRIDAY)
    assert (run.verdict, run.message, counts(run)) == ("ok", "60 records", (60, 60, 0, 0, 0))
    assert run.started_at == NOW and NOW <= run.finished_at < NOW + timedelta(minutes=1)
    assert (run.claimed_until, run.retry_at) == (None, None)
    assert set(Paper.objects.values_list("listed_on", flat=True)) == {FRIDAY}
    seen = Observation.objects.values_list("observed_at", flat=True)
    assert len(seen) == 60 and all(NOW <= moment < NOW + timedelta(minutes=1) for moment in seen)
    sources.lists[FRIDAY] = [*listed(FRIDAY, 61)[:-1], *listed(FRIDAY, 1, first=61)]
    assert counts(read(now=NOW + timedelta(hours=1))) == (61, 1, 60, 0, 0)
    assert Observation.objects.count() == 121


@pytest.mark.parametrize(
    ("day", "now", "verdict"),
    [
        (SATURDAY, NOW + timedelta(days=1), "quiet"),
        (FRIDAY, datetime(2026, 11, 20, 0, 20, tzinfo=UTC), "quiet"),
        (FRIDAY, NOW, "stale"),
    ],
)
def test_an_empty_list_is_judged_by_the_calendar(
    sources: SourceServer, day: date, now: datetime, verdict: str
) -> None:
    assert read(day, now=now).verdict == verdict


def test_a_list_of_another_day_is_stale_and_its_papers_keep_their_day(sources: SourceServer) -> None:
    # For one hour, the list of today comes for whatever day is asked for.
    sources.lists[THURSDAY] = listed(FRIDAY, 5)
    sources.lists[FRIDAY] = listed(FRIDAY, 5)
    run = read(THURSDAY)
    assert (run.verdict, run.message) == (
        "stale",
        "the list of Thursday 19 November was asked for, but it is the list of Friday 20 November",
    )
    assert set(Paper.objects.values_list("listed_on", flat=True)) == {FRIDAY}
    assert read(FRIDAY).verdict == "ok"
    sources.lists[THURSDAY] = listed(THURSDAY, 4)
    later = NOW + timedelta(hours=1)
    assert [read(day, now=later).verdict for day in (THURSDAY, FRIDAY)] == ["ok", "ok"]
    assert set(Paper.objects.values_list("arxiv_id", "listed_on")) == {
        *((f"2611.20{number:03}", FRIDAY) for number in range(1, 6)),
        *((f"2611.19{number:03}", THURSDAY) for number in range(1, 5)),
    }


def test_a_single_paper_of_another_day_makes_no_list_stale(sources: SourceServer) -> None:
    sources.lists[FRIDAY] = [*listed(FRIDAY, 1), *listed(THURSDAY, 1)]
    assert read().verdict == "ok"


def test_papers_that_tell_no_day_stand_on_the_list_that_was_asked_for(sources: SourceServer) -> None:
    sources.lists[FRIDAY] = [
        hf_item("2611.20001", submittedOnDailyAt=...),
        hf_item("2611.20002", submittedOnDailyAt="soon"),
    ]
    assert read().verdict == "ok"
    assert set(Paper.objects.values_list("listed_on", flat=True)) == {FRIDAY}


def test_a_reject_costs_itself_and_a_second_page_that_fails_costs_no_first_one(sources: SourceServer) -> None:
    sources.lists[FRIDAY] = [*listed(FRIDAY, 2), hf_item("no id")]
    run = read()
    assert (run.verdict, counts(run)) == ("partial", (3, 2, 0, 0, 1))
    assert len(run.rejects) == 1
    sources.lists[FRIDAY] = listed(FRIDAY, 60)
    sources.before_answer = lambda seen: _break_second_page(sources, seen)
    run = read(now=NOW + timedelta(hours=1))
    assert (run.verdict, run.read_count) == ("partial", 50)
    assert run.message.startswith("it broke off after 50 records: 127.0.0.1")
    assert run.retry_at is not None and Paper.objects.count() == 50


def _break_second_page(sources: SourceServer, seen: Seen) -> None:
    if seen.params.get("p", "0") != "0":
        sources.break_always("huggingface", "500")


def test_a_feed_that_breaks_off_keeps_what_came_and_is_asked_for_again(sources: SourceServer) -> None:
    papers = [(ArxivPaper(f"2611.3000{number}"), "new") for number in range(1, 6)]
    announced = Announcements(on=FRIDAY, papers=papers)
    sources.announced["cs.LG"] = announced
    whole = announcement_feed("cs.LG", announced)
    sources.break_next("announcements", "body", body=whole[: whole.index(b"<title>On 2611.30004")])
    run = fetch(Target("arxiv", "cs.LG"), now=NOW, wait=lambda seconds: None)
    assert run is not None and run.retry_at is not None
    assert (run.verdict, run.day, counts(run)) == ("partial", FRIDAY, (3, 3, 0, 0, 0))
    assert run.message.startswith("it broke off after 3 records: 127.0.0.1")
    assert run.message.endswith("cannot be read: the feed breaks off here, after entry 3.")
    assert timedelta(minutes=5) <= run.retry_at - NOW < timedelta(minutes=6)
    again = fetch(Target("arxiv", "cs.LG"), now=run.retry_at, wait=lambda seconds: None)
    assert again is not None
    assert (again.verdict, again.retry_at, counts(again)) == ("ok", None, (5, 2, 3, 0, 0))


def test_failures_in_a_row_are_retried_later_and_later(sources: SourceServer) -> None:
    sources.break_always("huggingface", "500")
    now, pauses = NOW, []
    for _ in range(6):
        run = read(now=now)
        assert (run.verdict, run.read_count) == ("failed", 0)
        pauses.append(round((run.retry_at - now) / timedelta(minutes=1)))
        now += timedelta(hours=2)
    assert pauses == [5, 10, 20, 40, 60, 60]
    sources.repair("huggingface")
    assert read(now=now).retry_at is None
    sources.break_always("huggingface", "html")
    assert round((read(now=now).retry_at - now) / timedelta(minutes=1)) == 5


def test_a_list_that_is_suddenly_empty_is_asked_for_again_soon(sources: SourceServer) -> None:
    sources.lists[FRIDAY] = listed(FRIDAY, 8)
    assert read().retry_at is None
    sources.lists[FRIDAY] = []
    run = read(now=NOW + timedelta(hours=1))
    assert run.verdict == "stale" and run.retry_at is not None
    assert round((run.retry_at - NOW) / timedelta(minutes=1)) == 65


def test_a_day_that_has_not_begun_where_the_source_is_fails_nothing(sources: SourceServer) -> None:
    midnight = datetime(2026, 11, 20, 0, 0, 2, tzinfo=UTC)
    sources.now = lambda: midnight - timedelta(seconds=5)
    for now in (midnight, midnight + timedelta(minutes=5)):
        run = read(FRIDAY, now=now)
        assert (run.verdict, run.message) == ("quiet", "the day has not begun yet")
        assert run.retry_at is not None and round((run.retry_at - now) / timedelta(minutes=1)) == 5
    sources.break_always("huggingface", "400")
    assert read(THURSDAY, now=midnight).verdict == "failed"


def test_single_papers_that_arxiv_does_not_know_are_not_asked_for_again_at_once(
    sources: SourceServer,
) -> None:
    sources.lists[FRIDAY] = listed(FRIDAY, 2)
    read()
    run = fetch(Target("arxiv", LOOKUP), now=NOW, wait=lambda seconds: None)
    assert run is not None
    assert (run.verdict, run.retry_at, counts(run)) == ("partial", None, (2, 0, 0, 0, 2))
    assert run.message == "2 of 2 records could not be read: arXiv knows no paper of this id"


def test_a_source_that_asks_for_rest_gets_it_from_all_workers(sources: SourceServer) -> None:
    sources.break_always("huggingface", "429", retry_after="1800")
    assert read().verdict == "failed"
    until = pacing.rests_until("huggingface", now=NOW)
    assert until is not None and NOW + timedelta(minutes=30) <= until < NOW + timedelta(minutes=31)
    assert pacing.rests_until("huggingface", now=NOW + timedelta(minutes=32)) is None
    assert pacing.rests_until("arxiv", now=NOW) is None


def test_a_source_is_read_by_one_at_a_time(sources: SourceServer) -> None:
    sources.lists[FRIDAY] = listed(FRIDAY, 3)
    asked, go_on = threading.Event(), threading.Event()

    def pause(seen: Seen) -> None:
        asked.set()
        go_on.wait(20)

    sources.before_answer = pause
    first: list[SourceRun | None] = []

    def work() -> None:
        first.append(fetch(Target("huggingface", "2026-11-20"), now=NOW))
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    assert asked.wait(20)
    for name in ("2026-11-20", "2026-11-19"):
        assert fetch(Target("huggingface", name), now=NOW) is None
    go_on.set()
    worker.join()
    assert first[0] is not None and first[0].verdict == "ok"
    assert (SourceRun.objects.count(), len(sources.requests)) == (1, 1)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SoftTimeLimitExceeded, SystemExit])
def test_a_run_that_is_told_to_stop_is_finished_first(
    sources: SourceServer, stop: Callable[[], BaseException]
) -> None:
    sources.lists[FRIDAY] = listed(FRIDAY, 60)

    def interrupt(read: int) -> None:
        raise stop()

    with pytest.raises(stop):
        fetch(Target("huggingface", "2026-11-20"), now=NOW, progress=interrupt)
    run = SourceRun.objects.get()
    assert (run.verdict, run.message) == ("partial", "it broke off after 50 records: it was stopped")
    assert (run.claimed_until, Paper.objects.count()) == (None, 50)
    assert read(now=NOW + timedelta(seconds=1)).verdict == "ok"


def test_a_run_whose_process_was_killed_is_shown_as_broken_off(sources: SourceServer) -> None:
    sources.lists[FRIDAY] = listed(FRIDAY, 1)
    lost = runs.claim("huggingface", "2026-11-20", now=NOW)
    assert lost is not None
    assert fetch(Target("huggingface", "2026-11-20"), now=NOW + timedelta(minutes=4)) is None
    assert runs.sweep(now=NOW + timedelta(minutes=4)) == 0
    later = NOW + timedelta(minutes=6)
    assert [runs.sweep(now=later), runs.sweep(now=later)] == [1, 0]
    lost.refresh_from_db()
    assert (lost.verdict, lost.message, lost.finished_at) == ("failed", runs.BROKE_OFF, later)
    assert lost.retry_at == later
    assert read(now=later).verdict == "ok"


def test_turns_are_taken_three_seconds_apart_by_all(sources: SourceServer) -> None:
    waits: list[float] = []
    pacing.take_turn("arxiv request", 3, wait=waits.append)
    first = Mark.objects.get().at
    guard = threading.Barrier(4)

    def work() -> None:
        guard.wait(20)
        pacing.take_turn("arxiv request", 3, wait=waits.append)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # The first did not wait; each other has a slot of its own.
    assert Mark.objects.get().at == first + timedelta(seconds=12)
    assert len(waits) == 4 and all(
        wait <= slot for wait, slot in zip(sorted(waits), (3, 6, 9, 12), strict=True)
    )


def test_a_clock_that_was_set_back_makes_nobody_wait_for_hours() -> None:
    waits: list[float] = []
    pacing.take_turn("arxiv request", 3, wait=waits.append)
    Mark.objects.update(at=Mark.objects.get().at + timedelta(hours=2))
    pacing.take_turn("arxiv request", 3, wait=waits.append)
    assert len(waits) == 1 and 0 < waits[0] <= 60
    pacing.take_turn("a slow one", 100, wait=waits.append)
    with pytest.raises(FetchError, match=r"^The next turn of 'a slow one' is "):
        pacing.take_turn("a slow one", 100, wait=waits.append)
    assert len(waits) == 1


def test_only_papers_that_an_edition_may_still_take_are_asked_for_one_by_one(sources: SourceServer) -> None:
    sources.lists[THURSDAY] = listed(THURSDAY, 5)
    read(THURSDAY, now=NOW - timedelta(days=1))
    printed, hidden, withdrawn, doubtful, wanted = Paper.objects.order_by("arxiv_id")
    edition = Edition.objects.create(date=THURSDAY)
    EditionPaper.objects.create(
        edition=edition, paper=printed, rank=1, score=1, terms=[], matches=[], card={}
    )
    Paper.objects.filter(pk=hidden.pk).update(hidden=True)
    Paper.objects.filter(pk=withdrawn.pk).update(withdrawn=True)
    Paper.objects.filter(pk=doubtful.pk).update(needs_review=True)
    assert list(singles.off_their_lists([THURSDAY], read_since=NOW)) == [wanted]


def test_arxiv_is_asked_for_the_categories_of_papers_that_others_listed(
    sources: SourceServer, settings: Any
) -> None:
    settings.NEWSLETTER_SOURCES, settings.NEWSLETTER_ARXIV_CATEGORIES = ["huggingface", "arxiv"], ["hep-th"]
    sources.now = lambda: NOW
    sources.lists[FRIDAY] = listed(FRIDAY, 2)
    read()
    sources.papers = [ArxivPaper("2611.20001", categories=("cs.CL", "cs.LG"))]
    done = read_due("arxiv", now=NOW, seconds=30, wait=lambda seconds: None)
    told = [(run.target, run.verdict, counts(run)) for run in done]
    assert [one for one in told if not one[0].startswith("hep-th 2026")] == [
        ("hep-th", "quiet", (0, 0, 0, 0, 0)),
        (LOOKUP, "partial", (2, 0, 1, 0, 1)),
    ]
    paper = Paper.objects.get(arxiv_id="2611.20001")
    assert (paper.categories, paper.listed_on, paper.upvotes) == (["cs.CL", "cs.LG"], FRIDAY, 1)
    assert read_due("arxiv", now=NOW + timedelta(minutes=59), seconds=30) == []
    named = [one.params["id_list"] for one in sources.asked("arxiv") if "id_list" in one.params]
    assert named == ["2611.20001,2611.20002"]
    Paper.objects.filter(arxiv_id="2611.20002").update(categories=["cs.CV"])
    assert read_due("arxiv", now=NOW + timedelta(minutes=61), seconds=30) == []


def test_candidates_that_left_their_list_are_asked_for_one_by_one_shortly_before_the_freeze(
    sources: SourceServer, settings: Any
) -> None:
    settings.NEWSLETTER_SOURCES = ["huggingface"]
    sources.lists[THURSDAY] = listed(THURSDAY, 4)
    read(THURSDAY, now=datetime(2026, 11, 19, 20, tzinfo=UTC))
    # The second leaves the list, though its page stays; of the third nothing is left.
    *_, fourth = entries = listed(THURSDAY, 4, votes=50)
    sources.lists[THURSDAY] = [entries[0], fourth]
    sources.lists[date(2026, 11, 1)] = [entries[1]]
    before = datetime(2026, 11, 20, 0, 14, tzinfo=UTC)
    assert [run.target for run in read_due("huggingface", now=before, seconds=30)][:4] == [
        "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20",
    ]  # fmt: skip
    last = read_due("huggingface", now=before + timedelta(minutes=1), seconds=30)
    assert [(run.target, run.verdict) for run in last] == [
        ("2026-11-17", "stale"),
        ("2026-11-18", "stale"),
        ("2026-11-19", "ok"),
        (LEFT_OUT, "partial"),
    ]
    assert counts(last[-1]) == (2, 0, 1, 0, 1)
    assert last[-1].message == "1 of 2 records could not be read: Hugging Face has no such paper any more"
    votes = dict(Paper.objects.values_list("arxiv_id", "upvotes"))
    assert votes == {"2611.19001": 51, "2611.19002": 52, "2611.19003": 3, "2611.19004": 54}
    assert Paper.objects.get(arxiv_id="2611.19002").listed_on == THURSDAY
    assert read_due("huggingface", now=before + timedelta(minutes=2), seconds=30) == []


def test_after_a_failure_the_other_readings_are_left_to_the_next_tick(
    sources: SourceServer, settings: Any
) -> None:
    settings.NEWSLETTER_SOURCES = ["huggingface"]
    sources.break_always("huggingface", "500")
    ticks = [NOW, NOW + timedelta(minutes=1)]
    done = [read_due("huggingface", now=now, seconds=30, wait=lambda seconds: None) for now in ticks]
    assert [[(run.target, run.verdict) for run in runs_of_one] for runs_of_one in done] == [
        [("2026-11-17", "failed")],
        [("2026-11-18", "failed")],
    ]


def test_a_silent_source_is_left_after_a_while_and_its_run_is_finished(
    sources: SourceServer, settings: Any
) -> None:
    settings.NEWSLETTER_SOURCES = ["huggingface"]
    sources.break_always("huggingface", "silent")
    with at_most(0.3):
        read_due("huggingface", now=NOW, seconds=30)
    run = SourceRun.objects.get()
    assert (run.verdict, run.message, run.claimed_until) == ("failed", "it was stopped", None)


def test_a_claim_that_was_made_while_the_clock_was_ahead_locks_nobody_out(sources: SourceServer) -> None:
    ahead = runs.claim("huggingface", "2026-11-20", now=NOW + timedelta(hours=3))
    assert ahead is not None
    assert runs.claim("huggingface", "2026-11-19", now=NOW) is not None
    assert runs.sweep(now=NOW) == 1
    ahead.refresh_from_db()
    assert (ahead.verdict, ahead.message) == ("failed", runs.BROKE_OFF)
