"""Topics, searches and papers as JSON: the shapes that docs/api.md promises."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from papers.models import Observation, Paper, SourceRecord, Topic
from tests.factories import file_under, make_paper, make_topic

pytestmark = pytest.mark.django_db
SITE = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def no_topics() -> None:
    Topic.objects.all().delete()


def read(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    return answer.json()


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        read(client, path)
    return len(captured)


def shown(**changed: Any) -> dict[str, Any]:
    """The paper of `library` as lists show it."""
    return {
        "key": "2604.13074",
        "url": f"{SITE}/papers/2604.13074/",
        "json": f"{SITE}/papers/2604.13074.json",
        "title": "Otters at L²",
        "summary": "We measure something. It turns out to be large. Others may build on it.",
        "organization": None,
        "author_count": 2,
        "published_on": "2026-11-18",
        "upvotes": 10,
        "comments": 1,
        "github_stars": None,
        "why": "10 upvotes at 8 h",
        "topics": [{"slug": "agents", "name": "Agents", "score": 0.8, "evidence": ["tool use"]}],
        "from_archive": False,
        "arxiv_id": "2604.13074",
        "code_url": "https://github.com/example/otters",
        "project_url": None,
        **changed,
    }


@pytest.fixture
def library() -> Paper:
    topic = make_topic(slug="agents", name="Agents", description="Crews.", categories=["cs.MA"])
    paper = make_paper(
        title="Otters at L$^2$",
        arxiv_id="2604.13074",
        github_url="https://github.com/example/otters",
        project_url="javascript:alert(1)",
        trending_terms=[{"name": "votes", "value": 1.0, "text": "10 upvotes at 8 h"}],
        categories=["cs.MA"],
        doi="10.1000/182",
        arxiv_version=2,
    )
    file_under(paper, topic, evidence=["tool use"])
    return paper


def test_topics_tell_where_everything_of_them_is(client: Client, library: Paper) -> None:
    make_topic(slug="off", is_active=False)
    assert read(client, "/topics.json") == {
        "topics": [
            {
                "slug": "agents",
                "name": "Agents",
                "description": "Crews.",
                "categories": ["cs.MA"],
                "paper_count": 1,
                "url": f"{SITE}/topics/agents/",
                "json": f"{SITE}/topics/agents.json",
                "feed": f"{SITE}/topics/agents/feed.atom",
            }
        ]
    }


def test_a_topic_has_its_papers_newest_first_page_by_page(client: Client, library: Paper) -> None:
    topic = Topic.objects.get()
    for number in range(20):
        file_under(make_paper(title=f"P{number:02}", listed_on=date(2026, 11, 1)), topic)
    first = read(client, "/topics/agents.json")
    assert first["papers"][0] == shown()
    assert {name: value for name, value in first.items() if name not in ("papers", "topic")} == {
        "paper_count": 21,
        "page": 1,
        "pages": 2,
        "previous_page": None,
        "next_page": f"{SITE}/topics/agents.json?page=2",
    }
    second = read(client, "/topics/agents.json?page=2")
    assert (second["previous_page"], second["next_page"]) == (f"{SITE}/topics/agents.json?page=1", None)
    assert len(first["papers"]) == 20 and [paper["title"] for paper in second["papers"]] == ["P19"]


def test_a_search_tells_how_it_was_understood(client: Client, library: Paper) -> None:
    found = read(client, "/search.json?q=otters&topic=agents&topic=nowhere&from=2026-11-01&to=tomorrow")
    assert found == {
        "query": "otters",
        "topics": ["agents"],
        "from": "2026-11-01",
        "to": None,
        "mistakes": ["“tomorrow” is no date; a date looks like 2026-11-20."],
        "did_you_mean": None,
        "paper_count": 1,
        "is_exact": True,
        "page": 1,
        "pages": 1,
        "previous_page": None,
        "next_page": None,
        "papers": [shown()],
    }


def test_a_search_that_finds_nothing_offers_another_spelling(client: Client) -> None:
    make_paper(title="Interpretability")
    found = read(client, "/search.json?q=interpretabillity")
    assert (found["paper_count"], found["papers"]) == (0, [])
    assert found["did_you_mean"] == "interpretability"


def test_a_paper_tells_all_that_is_known_of_it(client: Client, library: Paper) -> None:
    SourceRecord.objects.create(
        paper=library, source="huggingface", identity="arxiv:2604.13074", arxiv_id="2604.13074",
        title_keys=[], payload={}, first_read_on=date(2026, 11, 19),
    )  # fmt: skip
    Observation.objects.create(
        paper=library, source="huggingface", upvotes=4,
        observed_at=datetime(2026, 11, 19, 6, 30, tzinfo=UTC),
    )  # fmt: skip
    Observation.objects.create(paper=library, source="jsonl", upvotes=4)  # at no known time
    assert read(client, "/papers/2604.13074.json") == {
        **shown(),
        "abstract": "We measure something. It turns out to be large. Others may build on it.",
        "authors": ["Ada Example", "Ben Sample"],
        "withdrawn": False,
        "listed_on": "2026-11-19",
        "arxiv_version": 2,
        "categories": ["cs.MA"],
        "doi": "10.1000/182",
        "journal_ref": None,
        "comment": None,
        "discussion_url": "https://huggingface.co/papers/2604.13074",
        "observations": [
            {
                "at": "2026-11-19T06:30:00Z",
                "source": "huggingface",
                "upvotes": 4,
                "comments": None,
                "github_stars": None,
            }
        ],
        "similar": [],
    }


def test_what_nobody_knows_is_null(client: Client) -> None:
    unknown = ("abstract", "authors", "author_count", "published_on", "upvotes", "num_comments", "listed_on")
    paper = make_paper(title="Only a Title", arxiv_id=None, **dict.fromkeys(unknown))
    told = read(client, f"/papers/{paper.title_hash}.json")
    assert {name for name, value in told.items() if value not in (None, [], "", False)} == {
        *("key", "url", "json", "title")
    }


def test_every_address_that_it_tells_is_there(client: Client, library: Paper) -> None:
    old = make_paper(title="Old Style", arxiv_id="hep-th/9901001")
    file_under(old, Topic.objects.get())
    told = [*read(client, "/topics.json")["topics"], *read(client, "/topics/agents.json")["papers"]]
    addresses = {row[name] for row in told for name in ("url", "json", "feed") if name in row}
    assert len(addresses) == 7
    assert {client.get(address.removeprefix(SITE)).status_code for address in addresses} == {200}


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/topics/nowhere.json", "There is no topic of this name."),
        ("/topics/agents.json?page=2", "This list has no page 2."),
        ("/topics/agents.json?page=x", "There is no such page."),
        ("/papers/nowhere.json", "No paper has this name."),
        ("/search.json", "There is no word to look for: say q=…."),
        ("/search.json?q=otters&page=2", "This search has no page 2."),
    ],
)
def test_what_is_not_there_is_told_in_json(client: Client, library: Paper, path: str, error: str) -> None:
    answer = client.get(path, headers={"Accept-Language": "de"})
    assert (answer.status_code, answer.json()) == (404, {"error": error})


PATHS = ("/topics.json", "/topics/agents.json", "/search.json?q=otters", "/papers/2604.13074.json")


@pytest.mark.parametrize("path", PATHS)
def test_the_answer_may_be_read_from_any_site_and_is_kept_until_it_changes(
    client: Client, library: Paper, path: str
) -> None:
    first = client.get(path)
    assert first["Access-Control-Allow-Origin"] == "*"
    assert first["Cache-Control"] == "public, max-age=300"
    known = {"If-None-Match": first["ETag"]}
    assert client.get(path, headers=known).status_code == 304
    assert client.head(path)["ETag"] == first["ETag"]
    assert client.get(path, headers={"Accept-Language": "de"}).content == first.content
    assert not first.cookies
    assert ("Last-Modified" in first) == (path != "/topics.json")
    Paper.objects.filter(pk=library.pk).update(title="Beavers and otters", hidden=path == "/topics.json")
    assert client.get(path, headers=known).status_code in (200, 404)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_changed_by_asking(client: Client, library: Paper, path: str) -> None:
    assert client.post(path).status_code == 405


def test_lists_cost_the_same_queries_whatever_their_length(client: Client, library: Paper) -> None:
    def add(names: str) -> None:
        for name in names:
            paper = make_paper(title=f"Otters again {name}")
            file_under(paper, Topic.objects.get(slug="agents"))
            file_under(paper, make_topic(slug=f"topic-{name}"))

    add("ab")  # so that there are similar ones
    few = [queries(client, path) for path in PATHS]
    add("cdef")
    assert few == [queries(client, path) for path in PATHS] == [4, 5, 11, 10]
