"""How many papers a choice usually brings: counted in the latest editions, and said in a few words."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test.utils import override_settings

from newsletter.usual import EDITIONS, Usual, in_words, mail_in_words, usual
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db

FRIDAY = date(2026, 11, 20)


def test_a_paper_under_two_topics_counts_once() -> None:
    agents, theory = make_topic(slug="agents"), make_topic(slug="theory")
    both, one, none = [agents, theory], [agents], []
    make_edition(date=FRIDAY, papers=[(make_paper(), own) for own in (both, both, one, none)])
    found = usual()
    slugs: list[list[str]] = [["agents"], ["theory"], ["agents", "theory"], [], ["unknown"]]
    assert [found.a_day(own) for own in slugs] == [3, 2, 3, 4, 0]
    assert found.each_a_day() == {"agents": 3, "theory": 2}


def test_days_without_papers_count_as_days_and_papers_taken_out_count_no_more() -> None:
    agents = make_topic(slug="agents")
    printed = make_edition(date=FRIDAY, papers=[(make_paper(), [agents]), (make_paper(), [agents])])
    printed.entries.filter(rank=2).update(removed_in=1)
    make_edition(date=FRIDAY - timedelta(days=1), state="empty")
    make_edition(date=FRIDAY + timedelta(days=1), state="open", papers=[(make_paper(), [agents])])
    assert usual() == Usual(2, ((("agents",), 1),))


def test_only_the_latest_editions_count() -> None:
    old, new = make_topic(slug="old"), make_topic(slug="new")
    for ago in range(EDITIONS + 3):
        topic = new if ago < EDITIONS else old
        make_edition(date=FRIDAY - timedelta(days=ago), papers=[(make_paper(), [topic])])
    assert (usual().a_day(["new"]), usual().a_day(["old"])) == (1, 0)


def test_it_is_counted_with_one_query_and_then_kept(django_assert_num_queries: Any) -> None:
    make_edition(date=FRIDAY, papers=[(make_paper(), [])])
    with django_assert_num_queries(1):
        first = usual()
    with django_assert_num_queries(0):
        assert usual() == first


@override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache",
                                       "LOCATION": "redis://127.0.0.1:1"}})  # fmt: skip
def test_without_a_cache_it_is_counted_each_time() -> None:
    assert usual() == Usual()
    make_edition(date=FRIDAY, papers=[(make_paper(), [])])
    assert usual() == Usual(1, (((), 1),))


@pytest.mark.parametrize(
    ("a_day", "words"),
    [
        (12.5, "13 a day"),
        (0.96, "1 a day"),
        (0.9, "6 a week"),
        (1 / 7, "1 a week"),
        (0.03, "now and then"),
        (0, "none lately"),
    ],
)
def test_a_topic_says_how_often_it_comes(a_day: float, words: str) -> None:
    assert in_words(a_day) == words


@pytest.mark.parametrize(
    ("a_day", "weekly", "words"),
    [
        (6.4, False, "About 6 papers a day"),
        (40, False, "About 10 papers a day"),
        (1, False, "About 1 paper a day"),
        (0.4, False, "About 3 papers a week"),
        (1 / 7, False, "About 1 paper a week"),
        (0.05, False, "A paper now and then"),
        (1, True, "About 7 papers a week"),
        (40, True, "About 10 papers a week"),
        (0.01, True, "A paper now and then"),
        (0, False, "No paper lately"),
    ],
)
def test_a_choice_says_what_it_brings_within_the_length_of_a_mail(
    a_day: float, weekly: bool, words: str
) -> None:
    assert mail_in_words(a_day, length=10, weekly=weekly) == words
