"""More like this, less like this: one step of a topic in the reader's mix, kept and undone."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from newsletter import staying, tasting
from newsletter.mixes import mix_for
from newsletter.models import Subscriber, WeightChange
from newsletter.tasting import Direction
from papers.models import Paper, Topic
from tests.factories import file_under, make_edition, make_paper, make_subscriber, make_topic

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
MORE, LESS = Direction.MORE, Direction.LESS


@pytest.fixture
def agents() -> Topic:
    return make_topic(slug="agents")


@pytest.fixture
def theory() -> Topic:
    return make_topic(slug="theory")


@pytest.fixture
def paper(agents: Topic, theory: Topic) -> Paper:
    """Printed under agents first, and under theory."""
    made = make_paper(arxiv_id="2611.00001")
    make_edition(date=date(2026, 11, 20), papers=[(made, [agents, theory])])
    return made


def weights_of(reader: Subscriber) -> dict[str, str]:
    reader.refresh_from_db()
    return {choice.topic.slug: choice.weight for choice in reader.mix.choices.select_related("topic")}


def moves(reader: Subscriber, paper: Paper, direction: Direction) -> list[tuple[str, str, str]]:
    return [(step.topic.slug, step.before, step.after) for step in tasting.steps(reader, paper, direction)]


@pytest.mark.parametrize(
    ("direction", "path"),
    [
        (MORE, ["off", "normal", "more", "more"]),
        (MORE, ["less", "normal", "more", "more"]),
        (LESS, ["more", "normal", "less", "off"]),
    ],
)
def test_each_press_moves_the_topic_by_one_step_up_to_the_end(
    paper: Paper, agents: Topic, direction: Direction, path: list[str]
) -> None:
    other = make_topic(slug="other")
    chosen = {agents: path[0]} if path[0] != "off" else {}
    reader = make_subscriber(topics={other: "less", **chosen})
    for before, after in pairwise(path):
        change = tasting.move(reader.pk, paper, agents, direction, before=before, now=NOW)
        assert (change is None) == (before == after)
        assert weights_of(reader) == {"other": "less", **({"agents": after} if after != "off" else {})}
    kept = WeightChange.objects.order_by("id").values_list("before", "after", "topic__slug", "paper")
    pairs = [(a, b) for a, b in pairwise(path) if a != b]
    assert list(kept) == [(a, b, "agents", paper.pk) for a, b in pairs]


def test_length_language_and_the_day_without_a_match_stay(paper: Paper, agents: Topic) -> None:
    reader = make_subscriber()
    reader.mix = mix_for({agents: "normal"}, length=15, language="de", when_empty="top")
    reader.save()
    tasting.move(reader.pk, paper, agents, MORE, before="normal", now=NOW)
    reader.refresh_from_db()
    assert (reader.mix.length, reader.mix.language, reader.mix.when_empty) == (15, "de", "top")
    assert weights_of(reader) == {"agents": "more"}


def test_topics_that_an_editor_switched_off_stay_in_the_mix(paper: Paper, agents: Topic) -> None:
    resting = make_topic(slug="resting", is_active=False)
    reader = make_subscriber(topics={agents: "normal", resting: "less"})
    tasting.move(reader.pk, paper, agents, MORE, before="normal", now=NOW)
    assert weights_of(reader) == {"agents": "more", "resting": "less"}


def test_the_topic_it_stood_under_comes_first_and_more_is_offered_of_the_others(
    paper: Paper, agents: Topic, theory: Topic
) -> None:
    reader = make_subscriber(topics={theory: "normal"})
    assert moves(reader, paper, MORE) == [("theory", "normal", "more"), ("agents", "off", "normal")]
    assert moves(reader, paper, LESS) == [("theory", "normal", "less")]


def test_a_paper_that_was_not_printed_moves_what_it_is_filed_under(agents: Topic, theory: Topic) -> None:
    paper = make_paper()
    file_under(paper, theory, score=0.9)
    file_under(paper, agents, score=0.5)
    file_under(paper, make_topic(slug="wrong"), decision="removed")
    file_under(paper, make_topic(slug="resting", is_active=False))
    reader = make_subscriber(topics={agents: "less"})
    assert moves(reader, paper, MORE) == [("agents", "less", "normal"), ("theory", "off", "normal")]


def test_who_gets_the_overall_top_is_told_that_one_topic_narrows_it(paper: Paper, agents: Topic) -> None:
    reader = make_subscriber()
    assert [step.narrows for step in tasting.steps(reader, paper, MORE)] == [True, True]
    assert tasting.steps(reader, paper, LESS) == []
    follower = make_subscriber(topics={agents: "less"})
    assert [step.narrows for step in tasting.steps(follower, paper, MORE)] == [False, False]


def test_who_drops_the_only_topic_is_told_that_the_overall_top_follows(
    paper: Paper, agents: Topic, theory: Topic
) -> None:
    last = make_subscriber(topics={agents: "less"})
    assert [step.widens for step in tasting.steps(last, paper, LESS)] == [True]
    both = make_subscriber(topics={agents: "less", theory: "normal"})
    assert [step.widens for step in tasting.steps(both, paper, LESS)] == [False, False]
    once = make_subscriber(topics={agents: "normal"})
    assert [step.widens for step in tasting.steps(once, paper, LESS)] == [False]


def test_a_second_press_of_the_same_button_is_no_second_step(paper: Paper, agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "less"})
    first = tasting.move(reader.pk, paper, agents, MORE, before="less", now=NOW)
    assert first is not None
    assert tasting.move(reader.pk, paper, agents, MORE, before="less", now=NOW) == first
    assert weights_of(reader) == {"agents": "normal"}
    assert WeightChange.objects.count() == 1


def test_a_page_that_shows_an_old_choice_changes_nothing(paper: Paper, agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "more"})
    for before in ("off", "less", "normal", "nonsense", ""):
        assert tasting.move(reader.pk, paper, agents, MORE, before=before, now=NOW) is None
    assert weights_of(reader) == {"agents": "more"}
    assert WeightChange.objects.count() == 0


def test_a_topic_that_is_none_of_the_papers_is_not_moved(paper: Paper) -> None:
    reader = make_subscriber()
    assert tasting.move(reader.pk, paper, make_topic(), MORE, before="off", now=NOW) is None
    assert weights_of(reader) == {}


def test_who_left_is_not_changed(paper: Paper, agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    change = tasting.move(reader.pk, paper, agents, MORE, before="normal", now=NOW)
    assert change is not None
    staying.unsubscribe(reader.pk, now=NOW)
    assert tasting.move(reader.pk, paper, agents, LESS, before="more", now=NOW) is None
    assert tasting.undo(reader.pk, change.pk, now=NOW) is None
    assert weights_of(reader) == {"agents": "more"}


def test_undoing_puts_the_topic_back_once(paper: Paper, agents: Topic) -> None:
    reader = make_subscriber()
    change = tasting.move(reader.pk, paper, agents, MORE, before="off", now=NOW)
    assert change is not None and weights_of(reader) == {"agents": "normal"}
    later = NOW + timedelta(hours=1)
    undone = tasting.undo(reader.pk, change.pk, now=later)
    assert undone == change and undone.undone_at == later
    assert weights_of(reader) == {}  # the overall top again
    assert tasting.undo(reader.pk, change.pk, now=later) is None


def test_what_was_moved_again_since_is_not_undone(paper: Paper, agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "less"})
    first = tasting.move(reader.pk, paper, agents, MORE, before="less", now=NOW)
    second = tasting.move(reader.pk, paper, agents, MORE, before="normal", now=NOW)
    assert first is not None and second is not None
    assert tasting.undo(reader.pk, first.pk, now=NOW) is None
    assert weights_of(reader) == {"agents": "more"}
    shown = [(one.change, one.may_be_undone) for one in tasting.lately(reader, now=NOW)]
    assert shown == [(second, True), (first, False)]
    tasting.undo(reader.pk, second.pk, now=NOW)
    reader.refresh_from_db()
    assert [(one.change, one.may_be_undone) for one in tasting.lately(reader, now=NOW)] == [(first, True)]


def test_nobody_undoes_what_another_reader_changed(paper: Paper, agents: Topic) -> None:
    reader, other = make_subscriber(topics={agents: "less"}), make_subscriber(topics={agents: "normal"})
    change = tasting.move(reader.pk, paper, agents, MORE, before="less", now=NOW)
    assert change is not None
    assert tasting.undo(other.pk, change.pk, now=NOW) is None
    assert (weights_of(reader), weights_of(other)) == ({"agents": "normal"}, {"agents": "normal"})


def test_old_changes_are_neither_shown_nor_kept_for_long(paper: Paper, agents: Topic, theory: Topic) -> None:
    reader = make_subscriber(topics={agents: "less"})
    tasting.move(reader.pk, paper, agents, MORE, before="less", now=NOW)
    assert len(tasting.lately(reader, now=NOW + timedelta(days=29))) == 1
    assert tasting.lately(reader, now=NOW + timedelta(days=31)) == []
    tasting.move(reader.pk, paper, theory, MORE, before="off", now=NOW + timedelta(days=91))
    assert list(WeightChange.objects.values_list("topic__slug", flat=True)) == ["theory"]


def test_showing_what_changed_asks_the_database_equally_often(paper: Paper, agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "less"})
    counts = []
    for before in ("less", "normal"):
        tasting.move(reader.pk, paper, agents, MORE, before=before, now=NOW)
        reader = Subscriber.objects.get(pk=reader.pk)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            for one in tasting.lately(reader, now=NOW):
                assert one.change.topic.name and one.change.paper.title
        counts.append(len(queries))
    assert counts == [3, 3]


def test_a_paper_is_found_by_either_of_its_names_unless_hidden() -> None:
    old = make_paper(arxiv_id="hep-th/9901001")
    nameless = make_paper(arxiv_id=None)
    assert tasting.paper_named("hep-th/9901001") == old
    assert tasting.paper_named(nameless.title_hash) == nameless
    nameless.arxiv_id = "2611.00002"
    nameless.save()
    assert tasting.paper_named(nameless.title_hash) == nameless  # a mail of before it had an id
    old.hidden = True
    old.save()
    assert [tasting.paper_named(key) for key in ("hep-th/9901001", "nowhere", "\0", "")] == [None] * 4
