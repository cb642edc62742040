"""What arXiv's feeds replace is old and must not fill an edition; a day that its API tells is no archive."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from newsletter import edition
from papers.models import Paper, SourceRun
from papers.reading.fetching import fetch
from papers.reading.targets import Target
from tests.source_server import SourceServer
from tests.source_shapes import Announcements, ArxivPaper, hf_item

pytestmark = pytest.mark.django_db(transaction=True)

THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
EVENING = datetime(2026, 11, 19, 20, tzinfo=UTC)
FREEZE = datetime(2026, 11, 20, 6, tzinfo=UTC)


def read(source: str, name: str) -> SourceRun:
    run = fetch(Target(source, name), now=EVENING, wait=lambda seconds: None)
    assert run is not None
    return run


def printed() -> list[str]:
    entries = edition.build(FRIDAY, now=FREEZE).entries.order_by("rank")
    return [entry.paper.arxiv_id or "" for entry in entries.select_related("paper")]


def counts(run: SourceRun) -> tuple[int, ...]:
    return run.read_count, run.new_count, run.updated_count, run.unchanged_count, run.rejected_count


@pytest.fixture(autouse=True)
def voted_list(sources: SourceServer) -> list[str]:
    """Three papers that readers voted for; gives their ids, the most votes first."""
    ids = ["2611.19003", "2611.19002", "2611.19001"]
    sources.lists[THURSDAY] = [hf_item(name, listed_on=THURSDAY, upvotes=int(name[-1])) for name in ids]
    assert read("huggingface", "2026-11-19").verdict == "ok"
    return ids


def test_replacements_of_papers_that_nobody_listed_are_left_out(
    sources: SourceServer, voted_list: list[str]
) -> None:
    old = [(ArxivPaper(f"2401.{number:05}", version=3), "replace") for number in range(1, 61)]
    cross = [(ArxivPaper("2402.00001", version=2, categories=("math.OC", "cs.LG")), "replace-cross")]
    listed = [(ArxivPaper("2611.19001", version=2, abstract="Told better."), "replace")]
    new = [(ArxivPaper("2611.30001"), "new")]
    sources.announced["cs.LG"] = Announcements(on=THURSDAY, papers=[*old, *cross, *listed, *new])
    run = read("arxiv", "cs.LG")
    assert (run.verdict, counts(run)) == ("ok", (63, 1, 1, 61, 0))
    assert run.message == "63 records, 61 of them new versions of papers not known here and left out"
    assert not Paper.objects.filter(from_archive=True).exists() and Paper.objects.count() == 4
    known = Paper.objects.get(arxiv_id="2611.19001")
    assert (known.abstract, known.arxiv_version, known.listed_on) == ("Told better.", 2, THURSDAY)
    assert printed() == voted_list


def test_papers_of_a_day_that_the_api_is_asked_for_need_attention_like_all_others(
    sources: SourceServer, voted_list: list[str], settings: Any
) -> None:
    submitted = datetime.combine(date(2026, 11, 18), time(12), UTC)
    sources.papers = [ArxivPaper(f"2611.4{number:04}", submitted=submitted) for number in range(30)]
    run = read("arxiv", "cs.LG 2026-11-19")
    assert (run.verdict, counts(run)) == ("ok", (30, 30, 0, 0, 0))
    fetched = Paper.objects.filter(arxiv_id__startswith="2611.4")
    assert set(fetched.values_list("listed_on", "from_archive")) == {(THURSDAY, False)}
    assert printed() == voted_list
