"""Which readings were whole lists."""

from datetime import UTC, date, datetime, timedelta

import pytest

from papers.models import Observation, Paper, SourceRun
from papers.ranking.list_readings import list_readings
from papers.reading.fetching import fetch
from papers.reading.targets import LEFT_OUT, Target
from tests.factories import make_paper
from tests.source_server import SourceServer
from tests.source_shapes import hf_item

DAY, NEXT = date(2026, 11, 19), date(2026, 11, 20)


def at(hour: float) -> datetime:
    return datetime(2026, 11, 19, tzinfo=UTC) + timedelta(hours=hour)


def saw(paper: Paper, hour: float, source: str = "huggingface") -> None:
    Observation.objects.create(paper=paper, source=source, observed_at=at(hour), upvotes=1)


def ran(
    target: str, hour: float, verdict: str = "ok", *, hours: float | None = 0.1, source: str = ""
) -> None:
    """A run that began at this hour; `hours=None`: it has not ended."""
    SourceRun.objects.create(
        source=source or "huggingface",
        target=target,
        started_at=at(hour),
        finished_at=None if hours is None else at(hour + hours),
        verdict=verdict,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("verdict", ["partial", "failed", "stale", "quiet", ""])
def test_only_runs_that_ended_well_have_read_a_whole_list(verdict: str) -> None:
    paper = make_paper(listed_on=DAY)
    saw(paper, 4)
    ran("2026-11-19", 4)
    saw(paper, 6)
    ran("2026-11-19", 6, verdict)
    assert list_readings([DAY, NEXT]) == {DAY: [at(4)]}


@pytest.mark.django_db
def test_single_papers_and_lists_of_other_days_say_nothing_of_a_list() -> None:
    paper = make_paper(listed_on=DAY)
    saw(paper, 4)
    ran(LEFT_OUT, 4)
    saw(paper, 30)  # it stands on the next day's list as well
    ran("2026-11-20", 30)
    assert list_readings([DAY, NEXT]) == {}


@pytest.mark.django_db
def test_what_a_run_that_has_not_ended_reads_is_not_whole_yet() -> None:
    saw(make_paper(listed_on=DAY), 5)
    ran("2026-11-19", 4, "", hours=None)
    assert list_readings([DAY]) == {}


@pytest.mark.django_db
def test_recordings_that_were_imported_are_whole_lists() -> None:
    paper = make_paper(listed_on=DAY)
    saw(paper, 4)
    saw(paper, 10)
    ran("recordings.jsonl", 3, "partial", hours=40)
    ran("9999-99-99", 3, hours=40)
    ran("cs.CL", 3, hours=40, source="arxiv")
    assert sorted(list_readings([DAY])[DAY]) == [at(4), at(10)]


@pytest.mark.django_db(transaction=True)
def test_a_list_that_was_fetched_tells(sources: SourceServer) -> None:
    sources.lists[DAY] = [hf_item(f"2611.{n:05}", listed_on=DAY, upvotes=n) for n in (1, 2, 3)]
    run = fetch(Target("huggingface", DAY.isoformat()), now=at(14), wait=lambda seconds: None)
    assert run is not None and run.verdict == "ok"
    moments = set(Observation.objects.values_list("observed_at", flat=True))
    assert set(list_readings([DAY])[DAY]) == moments
