"""The labelled rows that the shipped weights were learned from, where they are at hand."""

import pytest

from papers.learning.crossvalidation import Held
from papers.learning.evaluation import PRIMARY_CATEGORIES
from papers.learning.labelled import LabelledPaper, RowReport, read_labelled
from papers.learning.measuring import figures, file_held_out, measurable
from papers.learning.primary import PrimaryGuess
from papers.matching import Matcher
from papers.topics.artefact import starter_rules
from papers.topics.weights import mark_of, shipped_weights
from tests.conftest import SHARED

FILE = SHARED / "data" / "arxiv_labelled.jsonl.gz"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="needs ../shared")


@pytest.fixture(scope="module")
def papers() -> list[LabelledPaper]:
    report = RowReport()
    found = list(read_labelled(FILE, report))
    assert (report.read, report.rejects) == (3000, [])
    return found


def test_an_evaluation_recognises_every_row_that_the_shipped_weights_saw(papers: list[LabelledPaper]) -> None:
    assert {mark_of(paper.title) for paper in papers} <= shipped_weights().known


def test_the_shipped_weights_serve_the_starter_topics(papers: list[LabelledPaper]) -> None:
    """On rows they saw, so this only shows that weights, topics and code belong together."""
    some = papers[::4]
    rules = measurable(starter_rules(), some)
    held = [Held(tuple(range(len(some))), shipped_weights())]
    found = figures(rules, some, file_held_out(rules, some, held))
    assert len(found.topics) == 12
    assert found.macro_f1 > 0.7
    assert found.marked_in_any_per_100 is not None and found.marked_in_any_per_100 < 25


def test_the_topics_without_categories_leave_off_topic_papers_alone(papers: list[LabelledPaper]) -> None:
    """They have only phrases, so nothing was learned from these rows; with the others it stays under 30."""
    rules = starter_rules()
    touched = {category for rule in rules for category in rule.categories}
    matcher = Matcher([rule for rule in rules if not rule.categories])
    foreign = [one for one in papers if one.sample == "offtopic" and touched.isdisjoint(one.categories)]
    filed = sum(bool(matcher.match(one.title, one.abstract)) for one in foreign)
    assert len(foreign) == 401
    assert filed / len(foreign) < 0.225


def test_the_likeliest_category_is_mostly_the_primary_one(papers: list[LabelledPaper]) -> None:
    guess = PrimaryGuess(shipped_weights(), PRIMARY_CATEGORIES)
    some = papers[::6]
    assert sum(guess.of(one.title, one.abstract) == one.categories[0] for one in some) > len(some) / 2


def test_a_paper_that_starts_like_no_topic_is_matched_by_its_title_alone(papers: list[LabelledPaper]) -> None:
    """Records without an abstract must be filed sensibly: fewer topics than with one, and not none at all."""
    matcher = Matcher(starter_rules(), shipped_weights())
    some = [paper for paper in papers[::6] if paper.sample != "offtopic"]
    titled = sum(bool(matcher.match(paper.title)) for paper in some)
    whole = sum(bool(matcher.match(paper.title, paper.abstract)) for paper in some)
    assert 0.4 * whole < titled <= 1.1 * whole
