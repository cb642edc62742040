"""Stored scores follow what was seen, and change nothing where nothing changed."""

from datetime import UTC, date, datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from papers.ingest import ingest
from papers.models import Observation, Paper
from papers.ranking.scoring import rank_scores, score_of, score_papers
from papers.sources.record import PaperRecord, Reading
from tests.factories import make_paper

NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)


def saw(paper: Paper, upvotes: int, hour: int) -> None:
    moment = datetime(2026, 11, 19, hour, tzinfo=UTC)
    Observation.objects.create(paper=paper, source="huggingface", observed_at=moment, upvotes=upvotes)


@pytest.mark.django_db
def test_a_score_knows_nothing_of_what_was_seen_later() -> None:
    paper = make_paper()
    saw(paper, 10, 6)
    saw(paper, 90, 18)
    assert [term.text for term in score_of(paper, as_of=NOON).terms if term.name == "votes"] == [
        "10 upvotes at 6 h, on course for about 29"
    ]


@pytest.mark.django_db
def test_what_is_ranked_together_knows_who_came_late_to_its_list() -> None:
    early, late, elsewhere = make_paper(title="A"), make_paper(title="B"), make_paper(title="C")
    Paper.objects.filter(pk=elsewhere.pk).update(listed_on=date(2026, 11, 18))
    elsewhere.refresh_from_db()
    saw(early, 1, 4)
    for paper in (early, late, elsewhere):
        saw(paper, 20, 10)
    scores = rank_scores([late, elsewhere], as_of=NOON)
    read_at = datetime(2026, 11, 19, 4, tzinfo=UTC)
    assert scores == [score_of(late, as_of=NOON, list_read_at=[read_at]), score_of(elsewhere, as_of=NOON)]
    assert scores[0].value > score_of(late, as_of=NOON).value


@pytest.mark.django_db
def test_only_whole_lists_tell_who_came_late() -> None:
    early, late = make_paper(title="A"), make_paper(title="B")
    moment = datetime(2026, 11, 19, 4, tzinfo=UTC)
    Observation.objects.create(paper=early, source="jsonl", observed_at=moment, upvotes=1)
    saw(late, 20, 10)
    assert rank_scores([late], as_of=NOON) == [score_of(late, as_of=NOON)]


@pytest.mark.django_db
def test_ranking_many_papers_takes_as_many_queries_as_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(30):
        saw(make_paper(title=f"Paper {number}"), 10, 6)
    with django_assert_num_queries(4):  # papers, observations, when their lists were read, and the runs
        assert len(rank_scores(list(Paper.objects.prefetch_related("observations")), as_of=NOON)) == 30


@pytest.mark.django_db
def test_scores_are_stored_with_their_terms_once() -> None:
    paper = make_paper()
    saw(paper, 10, 6)
    assert score_papers([paper.pk], now=NOON) == 1
    assert score_papers([paper.pk], now=NOON) == 0
    paper.refresh_from_db()
    assert paper.trending_score == score_of(paper, as_of=NOON).value
    assert [term["name"] for term in paper.trending_terms if term["value"]] == ["votes"]


@pytest.mark.django_db
def test_many_papers_take_as_many_queries_as_one(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    papers = [make_paper() for _ in range(30)]
    for paper in papers:
        saw(paper, 10, 6)
    with django_assert_num_queries(3):  # papers, observations, one update
        score_papers([paper.pk for paper in papers], now=NOON)


@pytest.mark.django_db
def test_an_import_stores_the_score_of_what_it_read() -> None:
    record = PaperRecord(
        source="huggingface",
        title="A Title",
        listed_on=date(2026, 11, 19),
        reading=Reading(observed_at=NOON, upvotes=10),
    )
    ingest([record], source="huggingface", target="a file", now=NOON)
    paper = Paper.objects.get()
    assert paper.trending_score == score_of(paper, as_of=NOON).value > 1
