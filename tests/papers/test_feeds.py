"""Atom feeds of topics and searches, read by a parser that is not ours."""

from datetime import date
from typing import Any

import feedparser
import pytest
from defusedxml.ElementTree import fromstring
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from papers.models import Paper, Topic
from papers.search import page as search_page
from papers.search.finding import TooSlow
from tests.factories import file_under, make_paper, make_topic

pytestmark = pytest.mark.django_db
SITE = "http://127.0.0.1:8000"
ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = ("/topics/agents/feed.atom", "/search/feed.atom?q=otters")


@pytest.fixture(autouse=True)
def no_topics() -> None:
    Topic.objects.all().delete()


@pytest.fixture
def library() -> Paper:
    topic = make_topic(slug="agents", name="Agents & crews", description="Crews.")
    paper = make_paper(
        title="Otters <at> L$^2$ & more",
        arxiv_id="2604.13074",
        abstract="Otters: a < b & c > d, <script>alert(1)</script> stays text.",
        organization_name="Harbour Institute",
        categories=["cs.MA"],
    )
    file_under(paper, topic)
    return paper


def read(client: Client, path: str) -> Any:
    """The feed, which must be Atom without a fault."""
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/atom+xml; charset=utf-8")
    feed = feedparser.parse(answer.content)
    assert (feed.bozo, feed.version) == (False, "atom10"), feed.get("bozo_exception")
    return feed


def test_a_topics_feed_has_all_that_a_reader_of_feeds_shows(client: Client, library: Paper) -> None:
    feed = read(client, "/topics/agents/feed.atom")
    assert feed.feed.title == "Agents & crews · Paper Round"
    assert feed.feed.subtitle == "Crews."
    assert feed.feed.id == "tag:127.0.0.1,2026:/topics/agents/feed.atom"
    assert feed.feed.author == "Paper Round"
    assert feed.feed.language == "en"
    assert {link.rel: link.href for link in feed.feed.links} == {
        "alternate": f"{SITE}/topics/agents/",
        "self": f"{SITE}/topics/agents/feed.atom",
    }
    (entry,) = feed.entries
    assert entry.title == "Otters <at> L² & more" and entry.title_detail.type == "text/plain"
    assert entry.id == "tag:127.0.0.1,2026:/papers/2604.13074/"
    assert {link.rel: link.href for link in entry.links} == {
        "alternate": f"{SITE}/papers/2604.13074/",
        "related": "https://arxiv.org/abs/2604.13074",
    }
    assert [author.name for author in entry.authors] == ["Ada Example", "Ben Sample"]
    assert [(tag.term, tag.label) for tag in entry.tags] == [("agents", "Agents & crews"), ("cs.MA", None)]
    assert "<p>Otters: a &lt; b &amp; c &gt; d, &lt;script&gt;alert(1)" in entry.summary
    assert "Harbour Institute" in entry.summary
    created = library.created_at.isoformat(timespec="seconds")
    assert (entry.published, entry.updated) == (created, created)


def test_a_search_has_a_feed_of_what_was_listed_last(client: Client, library: Paper) -> None:
    make_paper(title="Old otters, otters, otters", listed_on=date(2026, 11, 1), published_on=None)
    make_paper(title="New otters", listed_on=date(2026, 11, 20), published_on=date(2026, 1, 1))
    feed = read(client, "/search/feed.atom?to=2026-11-30&q=otters")
    assert [entry.title for entry in feed.entries] == [
        "New otters",
        "Otters <at> L² & more",
        "Old otters, otters, otters",
    ]
    assert feed.feed.title == "“otters” · Paper Round"
    path = "/search/feed.atom?q=otters&to=2026-11-30"  # in one order, however it was asked
    assert feed.feed.id == f"tag:127.0.0.1,2026:{path}"
    assert read(client, path).entries == feed.entries


def test_a_paper_is_one_entry_in_all_feeds(client: Client, library: Paper) -> None:
    ids = {read(client, path).entries[0].id for path in FEEDS}
    assert len(ids) == 1


def test_signs_that_xml_cannot_say_are_left_out(client: Client) -> None:
    paper = make_paper(
        title="Otters\x0b and\ufffe\x1b more", abstract="Otters\uffff \x08.", authors=["A\x0cb"]
    )
    file_under(paper, make_topic(slug="agents", name="A\x02b"))
    for path in FEEDS:
        assert read(client, path).entries[0].title == "Otters and more"


def test_a_feed_without_papers_is_a_feed(client: Client) -> None:
    make_topic(slug="agents")
    for path in FEEDS:
        assert read(client, path).entries == []
        assert client.get(path).content == client.get(path).content


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_is_not_sent_again_until_it_changes(client: Client, library: Paper, path: str) -> None:
    first = client.get(path)
    assert not first.cookies and first["Access-Control-Allow-Origin"] == "*"
    known = {"If-None-Match": first["ETag"]}
    again = client.get(path, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "Last-Modified", "Cache-Control", "Access-Control-Allow-Origin"):
        assert again[name] == first[name]
    file_under(make_paper(title="More otters"), Topic.objects.get())
    assert client.get(path, headers=known).status_code == 200


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_speaks_english_to_everybody(client: Client, library: Paper, path: str) -> None:
    german = client.get(path, headers={"Accept-Language": "de"})
    assert german.content == client.get(path).content
    assert german["Content-Language"] == "en"


@pytest.mark.parametrize("path", ["/topics/nowhere/feed.atom", "/search/feed.atom", "/search/feed.atom?q=-x"])
def test_a_feed_of_nothing_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_search_that_takes_too_long_is_asked_to_wait(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_slow(*args: Any, **kwargs: Any) -> None:
        raise TooSlow

    monkeypatch.setattr(search_page.finding, "find", too_slow)
    for path in ("/search/feed.atom?q=otters", "/search.json?q=otters"):
        answer = client.get(path)
        assert (answer.status_code, answer["Retry-After"]) == (503, "60")


def test_feeds_cost_the_same_queries_whatever_their_length(client: Client, library: Paper) -> None:
    def queries() -> list[int]:
        counts = []
        for path in FEEDS:
            with CaptureQueriesContext(connection) as captured:
                client.get(path)
            counts.append(len(captured))
        return counts

    one = queries()
    for number in range(3):
        file_under(make_paper(title=f"Otters {number}"), Topic.objects.get())
    assert one == queries() == [3, 10]


def test_every_entry_has_what_atom_requires(client: Client, library: Paper) -> None:
    root = fromstring(client.get("/topics/agents/feed.atom").content)
    for element in (root, root.find(f"{ATOM}entry")):
        assert {"id", "title", "updated", "author", "link"} <= {
            child.tag.removeprefix(ATOM) for child in element
        }
