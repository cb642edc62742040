"""Editions, weeks and months as JSON, and the feed of the newsletter."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import feedparser
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter import editorial, open_data
from newsletter.models import Edition
from papers.models import Paper, Topic
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db
SITE = "http://127.0.0.1:8000"
FRIDAY = date(2026, 11, 20)
OUT = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)
PATHS = ("/2026-11-20.json", "/week/2026-W47.json", "/month/2026-11.json", "/feed.atom")


@pytest.fixture(autouse=True)
def late_in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the evening of that Friday."""
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 20, 20, tzinfo=UTC))


@pytest.fixture
def printed() -> list[Paper]:
    """Two papers of Friday, the first under a topic, and one of Wednesday; nothing on Thursday."""
    Topic.objects.all().delete()
    agents = make_topic(slug="agents", name="Agents")
    papers = [
        make_paper(title="First", arxiv_id="2604.00001", upvotes=30),
        make_paper(title="Second", arxiv_id="2604.00002", upvotes=20),
        make_paper(title="Earlier", arxiv_id="2604.00003", upvotes=10),
    ]
    make_edition(date=FRIDAY - timedelta(days=2), number=6, papers=[(papers[2], [])], frozen_at=OUT)
    make_edition(date=FRIDAY - timedelta(days=1), state="empty", released_at=None)
    make_edition(
        date=FRIDAY, number=7, candidate_count=61, note="Slow.", frozen_at=OUT,
        papers=[(papers[0], [agents]), (papers[1], [])], state="closed",
    )  # fmt: skip
    return papers


def read(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    return answer.json()


def bare(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with titles for papers."""
    return {**answer, "papers": [(paper["rank"], paper["title"]) for paper in answer["papers"]]}


def test_an_edition_tells_what_it_printed(client: Client, printed: list[Paper]) -> None:
    Paper.objects.update(upvotes=500)  # since
    told = read(client, "/2026-11-20.json")
    assert bare(told) == {
        "date": "2026-11-20",
        "url": f"{SITE}/2026-11-20/",
        "number": 7,
        "state": "printed",
        "printed_at": "2026-11-20T00:30:00Z",
        "revision": 0,
        "note": "Slow.",
        "candidate_count": 61,
        "previous": f"{SITE}/2026-11-19.json",
        "next": None,
        "paper_count": 2,
        "papers": [(1, "First"), (2, "Second")],
    }
    assert told["papers"][0] == {
        "key": "2604.00001",
        "url": f"{SITE}/papers/2604.00001/",
        "json": f"{SITE}/papers/2604.00001.json",
        "title": "First",
        "summary": "We measure something. It turns out to be large. Others may build on it.",
        "organization": None,
        "author_count": 2,
        "published_on": "2026-11-18",
        "upvotes": 30,
        "comments": 1,
        "github_stars": None,
        "why": "30 upvotes",
        "topics": [{"slug": "agents", "name": "Agents", "score": 0.8, "evidence": ["agents"]}],
        "from_archive": False,
        "arxiv_id": "2604.00001",
        "code_url": None,
        "project_url": None,
        "rank": 1,
        "edition": "2026-11-20",
    }


def test_a_quiet_day_says_so(client: Client, printed: list[Paper]) -> None:
    told = read(client, "/2026-11-19.json")
    assert (told["state"], told["number"], told["printed_at"], told["papers"]) == ("empty", None, None, [])


def test_a_week_has_the_best_of_its_editions_first_with_the_counts_of_now(
    client: Client, printed: list[Paper]
) -> None:
    Paper.objects.filter(title="Earlier").update(upvotes=900, trending_score=9)
    make_edition(date=date(2026, 11, 9), papers=[(make_paper(), [])])
    told = read(client, "/week/2026-W47.json")
    assert bare(told) == {
        "name": "2026-W47",
        "url": f"{SITE}/week/2026-W47/",
        "first": "2026-11-16",
        "last": "2026-11-22",
        "previous": f"{SITE}/week/2026-W46.json",
        "next": None,
        "editions": [
            {"date": day, "url": f"{SITE}/{day}/", "json": f"{SITE}/{day}.json", "paper_count": count}
            for day, count in (("2026-11-18", 1), ("2026-11-19", 0), ("2026-11-20", 2))
        ],
        "paper_count": 3,
        "page": 1,
        "pages": 1,
        "previous_page": None,
        "next_page": None,
        "papers": [(1, "Earlier"), (2, "First"), (3, "Second")],
    }
    assert (told["papers"][0]["upvotes"], told["papers"][0]["edition"]) == (900, "2026-11-18")


def test_a_long_month_has_pages(
    client: Client, printed: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_data, "PER_PAGE", 2)
    first, second = read(client, "/month/2026-11.json"), read(client, "/month/2026-11.json?page=2")
    address = f"{SITE}/month/2026-11.json"
    assert (first["page"], first["pages"], first["next_page"]) == (1, 2, f"{address}?page=2")
    assert (second["previous_page"], second["next_page"]) == (f"{address}?page=1", None)
    assert [bare(page)["papers"] for page in (first, second)] == [
        [(1, "First"), (2, "Earlier")],
        [(3, "Second")],
    ]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/2026-11-17.json", "There is no edition of this day."),
        ("/2026-11-21.json", "There is no edition of this day."),
        ("/week/2026-W01.json", "There is no edition in this week."),
        ("/month/2026-12.json", "There is no edition in this month."),
        ("/week/2026-W47.json?page=2", "This list has no page 2."),
    ],
)
def test_what_is_not_there_is_told_in_json(
    client: Client, printed: list[Paper], path: str, error: str
) -> None:
    make_edition(date=FRIDAY + timedelta(days=1), papers=[(make_paper(), [])])
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (404, {"error": error})


def test_days_and_weeks_that_are_not_in_the_calendar_are_not_found(client: Client) -> None:
    for path in ("/2026-02-30.json", "/week/2026-W54.json", "/month/2026-13.json"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("state", ["open", "held"])
def test_what_is_not_printed_yet_is_nobodys_business(
    client: Client, printed: list[Paper], state: str
) -> None:
    Edition.objects.filter(date=FRIDAY).update(state=state)
    assert client.get("/2026-11-20.json").status_code == 404
    for path in PATHS[1:]:
        assert b"First" not in client.get(path).content


def test_papers_that_were_hidden_or_taken_out_are_gone_at_once(client: Client, printed: list[Paper]) -> None:
    known = {path: client.get(path) for path in PATHS}
    editorial.withdraw(Edition.objects.get(date=FRIDAY).pk, [printed[0].pk])
    Paper.objects.filter(pk=printed[1].pk).update(hidden=True)
    for path in PATHS:
        tag, moment = known[path]["ETag"], known[path]["Last-Modified"]
        for asked in ({"If-None-Match": tag}, {"If-Modified-Since": moment}):
            now = client.get(path, headers=asked)
            assert now.status_code == 200
            assert b"First" not in now.content and b"Second" not in now.content


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_is_kept_until_it_changes(client: Client, printed: list[Paper], path: str) -> None:
    first = client.get(path)
    assert first["Access-Control-Allow-Origin"] == "*" and not first.cookies
    assert first["Cache-Control"] == "public, max-age=300"
    again = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["Last-Modified"] == first["Last-Modified"]
    assert client.post(path).status_code == 405


def test_the_feed_has_the_papers_of_the_latest_editions(client: Client, printed: list[Paper]) -> None:
    answer = client.get("/feed.atom")
    feed = feedparser.parse(answer.content)
    assert (feed.bozo, feed.version) == (False, "atom10")
    assert (feed.feed.title, feed.feed.id) == ("Paper Round", "tag:127.0.0.1,2026:/feed.atom")
    assert [entry.title for entry in feed.entries] == ["First", "Second", "Earlier"]
    entry = feed.entries[0]
    assert (entry.id, entry.link) == (
        "tag:127.0.0.1,2026:/papers/2604.00001/",
        f"{SITE}/papers/2604.00001/",
    )
    assert (entry.published, entry.updated) == ("2026-11-20T00:30:00+00:00",) * 2
    assert [tag.term for tag in entry.tags] == ["agents"]
    assert [author.name for author in entry.authors] == ["Ada Example", "Ben Sample"]


def test_a_feed_before_the_first_edition_is_empty(client: Client) -> None:
    feed = feedparser.parse(client.get("/feed.atom").content)
    assert (feed.bozo, feed.entries) == (False, [])


def test_the_feed_is_known_without_being_made(client: Client, printed: list[Paper]) -> None:
    known = {"If-None-Match": client.get("/feed.atom")["ETag"]}
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/feed.atom", headers=known).status_code == 304
    assert len(captured) == 2


def test_the_feed_is_made_once_for_everybody_until_it_changes(client: Client, printed: list[Paper]) -> None:
    def read() -> tuple[int, bytes]:
        with CaptureQueriesContext(connection) as captured:
            content = client.get("/feed.atom").content
        return len(captured), content

    (made, first), again = read(), read()
    assert (made, *again) == (3, 2, first)
    Paper.objects.filter(pk=printed[1].pk).update(authors=["Cleo Example"], categories=["cs.MA"])
    made, corrected = read()
    assert made == 3
    _, entry, _ = feedparser.parse(corrected).entries
    assert [author.name for author in entry.authors] == ["Cleo Example"]
    assert [tag.term for tag in entry.tags] == ["cs.MA"]
    Paper.objects.filter(pk=printed[1].pk).update(withdrawn=True)
    made, corrected = read()
    assert made == 3
    said = ["Withdrawn by its authors" in entry.summary for entry in feedparser.parse(corrected).entries]
    assert said == [False, True, False]


def test_lists_cost_the_same_queries_whatever_their_length(client: Client, printed: list[Paper]) -> None:
    def queries() -> list[int]:
        counts = []
        for path in PATHS:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path).status_code == 200
            counts.append(len(captured))
        return counts

    few = queries()
    Edition.objects.get(date=FRIDAY - timedelta(days=1)).delete()
    more = [(make_paper(), [make_topic()]) for _ in range(5)]
    make_edition(date=FRIDAY - timedelta(days=1), papers=more)
    assert few == queries() == [5, 6, 6, 3]
