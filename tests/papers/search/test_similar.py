"""Papers like a paper, on a real PostgreSQL."""

import os
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import Paper
from papers.search import similar
from papers.search.similar import similar_to, with_reasons
from tests.factories import file_under, make_paper, make_topic

pytestmark = pytest.mark.django_db


def paper(title: str, abstract: str = "", **fields: Any) -> Paper:
    return make_paper(title=title, abstract=abstract, **fields)


def titles(of: Paper, **options: Any) -> list[str]:
    return [found.title for found in similar_to(of, **options)]


def reasons(of: Paper) -> dict[str, Sequence[str]]:
    return {found.paper.title: found.shares for found in with_reasons(of)}


@pytest.fixture
def crowd() -> None:
    """Thirty papers about something else, so that words can be rare."""
    for number in range(30):
        paper(f"Weather number{number}", "Forecasts of the model for rain.")


@pytest.fixture
def one(crowd: None) -> Paper:
    return paper("Sparse Autoencoders for Steering", "Sparse autoencoders find features. We steer the model.")


def test_papers_that_share_rare_words_are_similar_the_more_the_better(one: Paper) -> None:
    paper("Steering a Ship", "Wind and model.")
    paper("Autoencoders Are Sparse", "Features of autoencoders.")
    paper("What Sparse Autoencoders Say About Steering", "Features.")
    assert titles(one) == [
        "What Sparse Autoencoders Say About Steering",
        "Autoencoders Are Sparse",
        "Steering a Ship",
    ]


def test_what_is_shared_is_told_as_the_paper_writes_it(one: Paper) -> None:
    paper("The Sparse Autoencoder and How to Steer", "")
    paper("An Autoencoder", "")
    assert reasons(one) == {
        "The Sparse Autoencoder and How to Steer": ["sparse autoencoders", "steering"],
        "An Autoencoder": ["autoencoders"],
    }


def test_keywords_that_both_have_are_told_first(crowd: None) -> None:
    one = paper("Otters", "Otters build dams.", keywords=["Sparse Coding", "KV cache"])
    paper("Beavers and Otters", "", keywords=["kv cache", "sparse coding"])
    assert reasons(one) == {"Beavers and Otters": ["KV cache", "Sparse Coding", "otters"]}


def test_names_with_capitals_inside_keep_them(crowd: None) -> None:
    one = paper("BERT and DeBERTa Distilled", "")
    paper("Distilled DeBERTa of BERT", "")
    assert list(reasons(one).values()) == [["BERT", "DeBERTa distilled"]]


def test_hidden_and_withdrawn_papers_and_the_paper_itself_are_left_out(one: Paper) -> None:
    text = {"title": one.title, "abstract": one.abstract}
    make_paper(**text, hidden=True)
    make_paper(**text, withdrawn=True)
    shown = make_paper(**text)
    assert similar_to(one) == [shown]


def test_a_word_that_both_say_once_in_passing_makes_nothing_similar(crowd: None) -> None:
    one = paper("Otters", "They sometimes meet a heron.")
    paper("Beavers", "The heron is not their friend.")
    assert titles(one) == []


def test_authors_make_nothing_similar(crowd: None) -> None:
    one = paper("Otters", authors=["Zofia Quell"], organization_name="Quell Lab")
    paper("Beavers", authors=["Zofia Quell"], organization_name="Quell Lab")
    assert titles(one) == []


def test_of_papers_as_near_the_one_under_the_same_topic_comes_first(crowd: None) -> None:
    agents, theory = make_topic(slug="agents"), make_topic(slug="theory")
    one, same, other = paper("Otters"), paper("Otters swim"), paper("Otters fly")
    removed = paper("Otters dig")
    for filed, topic in ((one, agents), (same, agents), (other, theory)):
        file_under(filed, topic)
    file_under(removed, agents, decision="removed")
    assert titles(one) == ["Otters swim", "Otters dig", "Otters fly"]


def test_a_topic_that_is_switched_off_brings_no_papers_nearer(crowd: None) -> None:
    off = make_topic(slug="off", is_active=False)
    one, same = paper("Otters"), paper("Otters swim")
    paper("Otters fly")
    for filed in (one, same):
        file_under(filed, off)
    assert titles(one) == ["Otters fly", "Otters swim"]


def test_five_are_shown_or_as_many_as_asked_for(one: Paper) -> None:
    for number in range(7):
        paper(f"Sparse autoencoders again {number}")
    assert (len(similar_to(one)), len(similar_to(one, limit=2))) == (5, 2)


def test_words_that_very_many_papers_have_are_passed_over(
    one: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper("Sparse autoencoders too")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE papers_paperwords")
    frequent = similar._NEAREST.replace("400", "1")
    monkeypatch.setattr(similar, "_NEAREST", frequent)
    assert titles(one) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "語言模型", "abstract": "🤖"},
        {"title": "'; DROP TABLE papers_paper; --", "abstract": "%s %(paper)s {} \\ ' \""},
        {"title": "12 34.5", "abstract": None},
        {"title": "$\\frac{a}{b}$", "abstract": "x" * 5_000},
    ],
)
def test_whatever_a_paper_says_is_answered(fields: dict[str, Any]) -> None:
    one, other = make_paper(**fields), make_paper(**fields)
    assert similar_to(one) in ([], [other])


def test_it_costs_the_same_queries_whatever_is_found(one: Paper) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            with_reasons(one)
        return len(captured)

    paper("Sparse autoencoders")
    first = queries()
    for _ in range(4):
        paper("Sparse autoencoders and more")
    assert first == queries() == 6


@pytest.mark.django_db(transaction=True)
def test_a_page_goes_without_where_it_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    one = paper("Otter")
    paper("Otter")
    monkeypatch.setattr(similar, "PATIENCE", 100)
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=name) as other:
        other.execute("LOCK TABLE papers_paperwords IN ACCESS EXCLUSIVE MODE")
        assert similar_to(one) == []
    assert len(similar_to(one)) == 1
