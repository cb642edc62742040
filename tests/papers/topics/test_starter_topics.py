"""The topics a new installation starts with, and the migration that loads them."""

import importlib
import tomllib

import pytest
from django.apps import apps
from django.db import connection

from papers.matching import Matcher, TopicRule
from papers.models import Topic
from papers.topics.phrases import parse_phrase

migration = importlib.import_module("papers.migrations.0002_starter_topics")

with migration.STARTER_TOPICS.open("rb") as file:
    TOPICS = tomllib.load(file)["topic"]


def load() -> None:
    with connection.schema_editor() as editor:
        migration.add_starter_topics(apps, editor)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic["slug"])
def test_a_starter_topic_is_whole_and_its_phrases_can_be_read(topic: dict[str, object]) -> None:
    Topic(**topic).clean_fields(exclude=["categories"])
    phrases = [parse_phrase(line).text for line in topic["phrases"]]  # type: ignore[attr-defined]
    assert len(phrases) == len({phrase.casefold() for phrase in phrases}) >= 20
    assert topic["description"] and topic["name"][0].upper() == topic["name"][0]  # type: ignore[index]


def test_no_category_files_papers_under_two_topics() -> None:
    categories = [category for topic in TOPICS for category in topic.get("categories", [])]
    assert len(categories) == len(set(categories))


@pytest.mark.parametrize(
    ("title", "topics"),
    [
        ("Large language models for low-resource languages", ["language-models"]),
        ("Speculative decoding with a shared KV cache", ["efficiency"]),
        ("A humanoid robot learns dexterous grasping", ["robotics"]),
        ("Text-to-speech with a singing voice", ["speech-audio"]),
        ("Membership inference against differentially private models", ["security-privacy"]),
        ("Multivariate time-series forecasting", ["time-series"]),
        ("Channel estimation for massive MIMO", ["signals"]),
        ("Error-correcting codes near channel capacity", ["signals"]),
        ("Node classification by graph neural networks", ["graphs"]),
        ("Community detection in a social network", ["social-networks"]),
        ("Radiance fields for a 3D asset", ["graphics-3d"]),
        ("Path tracing for character animation", ["graphics"]),
        ("Procedural memory of the elderly", []),
        ("A model of something", []),
        ("The price of bread in small towns", []),
    ],
)
def test_readers_would_file_these_titles_alike(title: str, topics: list[str]) -> None:
    matcher = Matcher(TopicRule(t["slug"], t["name"], t["phrases"], t.get("categories", ())) for t in TOPICS)
    assert [match.topic for match in matcher.match(title)] == topics


@pytest.mark.django_db
def test_the_migration_loads_every_topic_in_order() -> None:
    Topic.objects.all().delete()
    load()
    rows = Topic.objects.values_list("slug", "name", "description", "phrases", "categories", "is_active")
    assert list(rows) == [
        (t["slug"], t["name"], t["description"], t["phrases"], t.get("categories", []), True) for t in TOPICS
    ]


@pytest.mark.django_db
def test_running_it_again_leaves_what_editors_made_of_the_topics() -> None:
    Topic.objects.all().delete()
    load()
    Topic.objects.filter(slug="robotics").update(name="Robots at home", phrases=["vacuum cleaner"])
    Topic.objects.filter(slug="video").update(slug="film")
    Topic.objects.filter(slug="science").delete()
    kept = list(Topic.objects.order_by("pk").values())
    load()
    assert list(Topic.objects.exclude(slug="science").order_by("pk").values()) == kept
    assert Topic.objects.get(slug="science").name == "Science"
