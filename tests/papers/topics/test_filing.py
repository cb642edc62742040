"""Filing papers: what is written, what is removed, and what an editor's decision withstands."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from papers.models import Paper, PaperTopic, Topic
from papers.topics import filing
from papers.topics.filing import file_papers, matcher_of
from papers.topics.learned import store
from papers.topics.weights import Weights, shipped_weights

pytestmark = pytest.mark.django_db

ADDED, MATCHED, REMOVED = PaperTopic.Decision.ADDED, PaperTopic.Decision.MATCHED, PaperTopic.Decision.REMOVED


@pytest.fixture
def nothing_learned() -> None:
    """Weights of no models, so that phrases and categories alone decide."""
    store(Weights({}), figures={}, now=timezone.now())


@pytest.fixture
def robots(nothing_learned: None) -> Topic:
    Topic.objects.all().delete()
    return Topic.objects.create(
        slug="robots", name="Robots", phrases=["robot", "gripper"], categories=["cs.RO"]
    )


@pytest.fixture
def sound(robots: Topic) -> Topic:
    return Topic.objects.create(slug="sound", name="Sound", phrases=["speech", "music ^0.9"])


def paper(title: str, **columns: object) -> Paper:
    return Paper.objects.create(title=title, title_key=title.lower(), title_hash=title[:16], **columns)


def filings() -> list[tuple[str, str, str]]:
    rows = PaperTopic.objects.order_by("paper__title", "topic__slug")
    return [(row.paper.title, row.topic.slug, row.decision) for row in rows.select_related("paper", "topic")]


def test_a_paper_is_filed_with_score_and_evidence(robots: Topic, sound: Topic) -> None:
    one = paper("A robot", abstract="It has a gripper and hears speech.", keywords=["gripper"])
    assert file_papers([one.pk]) == 1
    row = PaperTopic.objects.get()
    assert (row.paper, row.topic, row.score, row.evidence, row.decision, row.editor) == (
        *(one, robots, 0.8428, ["robot", "gripper"]),
        *(MATCHED, None),
    )


def test_only_the_named_papers_are_filed(robots: Topic) -> None:
    one, two = paper("A robot"), paper("B robot")
    assert file_papers([two.pk, two.pk, 10**9]) == 1
    assert filings() == [("B robot", "robots", MATCHED)]
    assert file_papers(None) == 1
    assert [title for title, _, _ in filings()] == [one.title, two.title]


def test_no_papers_file_nothing(robots: Topic) -> None:
    paper("A robot")
    assert file_papers([]) == 0
    assert filings() == []


def test_the_primary_category_counts_as_such_wherever_it_stands(robots: Topic) -> None:
    paper("Primary", categories=["cs.LG", "cs.RO"], primary_category="cs.RO")
    paper("Cross-list", categories=["cs.LG", "cs.RO"], primary_category="cs.LG")
    paper("Unknown", categories=None)
    file_papers(None)
    assert filings() == [("Primary", "robots", MATCHED)]


def test_filing_again_changes_nothing(robots: Topic) -> None:
    paper("A robot")
    assert file_papers(None) == 1
    before = list(PaperTopic.objects.values())
    assert file_papers(None) == 0
    assert list(PaperTopic.objects.values()) == before


def test_what_no_longer_matches_is_removed_and_what_changed_is_updated(robots: Topic, sound: Topic) -> None:
    one, two = paper("Robot speech"), paper("Robot music")
    file_papers(None)
    one.title = "Speech with a gripper"
    one.save()
    sound.phrases = ["speech"]
    sound.save()
    assert file_papers(None) == 2  # one's robots row is updated, two's sound row is removed
    assert filings() == [
        ("Robot music", "robots", MATCHED),
        (one.title, "robots", MATCHED),
        (one.title, "sound", MATCHED),
    ]
    assert PaperTopic.objects.get(paper=one, topic=robots).evidence == ["gripper"]
    assert two.filings.count() == 1


def test_an_editors_decision_is_never_touched(robots: Topic, sound: Topic) -> None:
    one = paper("A robot")
    PaperTopic.objects.create(paper=one, topic=robots, score=0.1, evidence=["by hand"], decision=REMOVED)
    PaperTopic.objects.create(paper=one, topic=sound, score=1, evidence=[], decision=ADDED)
    before = list(PaperTopic.objects.order_by("pk").values())
    assert file_papers(None) == 0
    assert list(PaperTopic.objects.order_by("pk").values()) == before


def test_filings_under_a_topic_that_was_switched_off_go_unless_an_editor_made_them(robots: Topic) -> None:
    one, two = paper("A robot"), paper("A cook")
    PaperTopic.objects.create(paper=two, topic=robots, score=1, decision=ADDED)
    file_papers(None)
    Topic.objects.update(is_active=False)
    assert file_papers(None) == 1
    assert filings() == [("A cook", "robots", ADDED)]
    assert one.filings.count() == 0


def test_a_phrase_that_cannot_be_read_costs_only_itself(robots: Topic) -> None:
    Topic.objects.update(phrases=["robot ^loud", "", "gripper"])
    paper("A robot"), paper("A gripper")
    file_papers(None)
    assert filings() == [("A gripper", "robots", MATCHED)]


def test_the_number_of_queries_does_not_grow_with_papers(robots: Topic, sound: Topic) -> None:
    def queries(act: Callable[[], int]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            act()
        return len(captured)

    ids = [paper(f"Robot speech {number}").pk for number in range(100)]
    file_papers([])  # a process reads the learned weights once
    assert queries(lambda: file_papers(ids[:1])) == queries(lambda: file_papers(ids[1:]))


def test_topics_are_read_once_so_that_one_switched_on_meanwhile_breaks_nothing(robots: Topic) -> None:
    ids = [paper("A robot").pk]
    with CaptureQueriesContext(connection) as captured:
        file_papers(ids)
    assert sum('FROM "papers_topic"' in query["sql"] for query in captured) == 1


def test_all_papers_are_filed_though_they_come_in_chunks(
    robots: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "CHUNK", 3)
    ids = [paper(f"Robot {number}").pk for number in range(10)]
    assert file_papers(None) == 10
    PaperTopic.objects.all().delete()
    assert file_papers(ids) == 10


def test_without_any_training_the_shipped_weights_file_papers() -> None:
    topic = Topic.objects.create(slug="r", name="R", categories=["cs.RO"])
    one = paper("Learning dexterous manipulation", abstract="A robot arm with a gripper grasps what it sees.")
    assert file_papers(None) == 1
    row = PaperTopic.objects.get()
    assert (row.paper, row.topic) == (one, topic)
    assert set(row.evidence) <= set(shipped_weights().models["cs.RO"].terms)


def test_a_matcher_can_be_made_of_a_topic_that_is_not_saved(robots: Topic) -> None:
    robots.phrases = ["kettle"]
    assert [match.topic for match in matcher_of([robots, Topic(slug="t", name="T")]).match("A kettle")] == [
        "robots"
    ]
    assert matcher_of(Topic.objects.filter(is_active=True)).match("A kettle") == []
