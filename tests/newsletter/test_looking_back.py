"""Weeks and months, the pages of a very full day, and what pages say to browsers and to other sites."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter import front
from newsletter.models import Edition
from papers.models import Paper, Topic
from tests.factories import make_edition, make_paper, make_topic
from tests.pages import get, headings_of, words_of

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)  # of week 10
COUPON = "Yes, bring me the papers"


def printed(days: int, *scores: int, topic: Topic | None = None, **fields: Any) -> list[Paper]:
    """An edition so many days after Monday, with a paper for each score, called by it."""
    papers = [make_paper(title=f"Paper {score}", trending_score=score, **fields) for score in scores]
    rows = [(paper, [topic] if topic else []) for paper in papers]
    make_edition(date=MONDAY + timedelta(days=days), papers=rows)
    return papers


def test_a_week_has_the_papers_of_its_days_the_best_first_under_their_topics(client: Client) -> None:
    agents = make_topic(slug="agents", name="Agents")
    printed(0, 5, 90, 30, topic=agents)
    printed(3, 70, 10, 60, topic=agents)
    printed(6, 80, 40, 50)
    printed(7, 99)  # the Monday after
    assert headings_of(get(client, "/week/2026-W10/")) == [
        "The best papers: Week 10, 2026",
        "Paper 90",
        COUPON,
        *["Paper 80", "Paper 70", "Paper 60", "Paper 50"],
        "Agents",
        *["Paper 30", "Paper 10", "Paper 5"],
        "In brief",
        "Paper 40",
    ]


def test_a_month_has_a_section_for_each_of_its_weeks_the_latest_first(client: Client) -> None:
    printed(-1, 1)  # the first of March, a Sunday of week 9
    printed(0, 90, 80, 70, 60, 50, 5)
    printed(9, 4)
    make_edition(date=MONDAY + timedelta(days=15), state=Edition.State.EMPTY)
    printed(-2, 100)  # the last of February
    html = get(client, "/month/2026-03/")
    assert headings_of(html) == [
        "The best papers: March 2026",
        "Paper 90",
        COUPON,
        *["Paper 80", "Paper 70", "Paper 60", "Paper 50"],
        "Week 12",
        *["Week 11", "Paper 4"],
        *["Week 10", "Paper 5"],
        *["Week 9", "Paper 1"],
    ]
    assert "the best of 2 to 8 March 2026" in words_of(html)
    assert 'href="/week/2026-W12/"' in html


def test_the_days_of_a_week_lead_to_their_editions_with_the_number_of_papers(client: Client) -> None:
    printed(0, 1, 2)
    printed(2, 3)
    make_edition(date=MONDAY + timedelta(days=3), state=Edition.State.EMPTY)
    html = get(client, "/week/2026-W10/")
    line = re.search(r'<ul class="line-of-days">(.*?)</ul>', html, re.DOTALL)
    assert line is not None
    days = "Mon 2 2 papers Tue 3 Wed 4 1 paper Thu 5 Fri 6 Sat 7 Sun 8"
    assert words_of(line[1]) == days
    assert re.findall(r'href="(.*?)"', line[1]) == ["/2026-03-02/", "/2026-03-04/", "/2026-03-05/"]
    assert "3 papers · with the latest counts" in words_of(html)


def test_weeks_and_months_lead_to_those_beside_them(client: Client) -> None:
    for days in (-14, 0, 31):
        printed(days, days + 100)
    week, month = get(client, "/week/2026-W10/"), get(client, "/month/2026-03/")
    assert '<a href="/week/2026-W08/" rel="prev">' in week and '<a href="/week/2026-W14/" rel="next">' in week
    assert '<a href="/month/2026-02/" rel="prev">' in month
    assert '<a href="/month/2026-04/" rel="next">' in month


def test_a_day_leads_to_its_week_and_month_and_a_week_to_the_month_of_its_first_edition(
    client: Client,
) -> None:
    printed(-1, 1)  # Sunday, the first of March
    day, week = get(client, "/2026-03-01/"), get(client, "/week/2026-W09/")
    assert '<a href="/week/2026-W09/">Week 9, 2026</a>' in day
    assert '<a href="/month/2026-03/">March 2026</a>' in day
    assert '<a href="/month/2026-03/">March 2026</a>' in week  # though it begins in February


def test_the_bar_says_which_page_is_open(client: Client) -> None:
    printed(0, 1)
    for path in ("/", "/week/", "/month/", "/topics/", "/search/"):
        assert re.findall(r'href="([^"]*)" aria-current="page"', get(client, path)) == [path]


@pytest.mark.parametrize("quiet_days", [(), (40,)])
def test_this_week_is_the_latest_that_has_papers(client: Client, quiet_days: tuple[int, ...]) -> None:
    printed(0, 1)
    for days in quiet_days:
        make_edition(date=MONDAY + timedelta(days=days), state=Edition.State.EMPTY)
    for path, span in (("/week/", "Week 10, 2026"), ("/month/", "March 2026")):
        html = get(client, path)
        assert headings_of(html)[:2] == [f"The best papers: {span}", "Paper 1"]
        assert "so far" not in words_of(html)


def test_a_week_that_is_not_over_says_so(client: Client) -> None:
    make_edition(date=timezone.now().date(), papers=[(make_paper(), [])])
    assert "1 paper so far" in words_of(get(client, "/week/"))


def test_of_many_papers_a_week_shows_the_best_and_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.looking_back.MOST", 3)
    printed(0, 1, 2, 3, 4, 5)
    html = get(client, "/week/2026-W10/")
    assert headings_of(html)[1:] == ["Paper 5", COUPON, "Paper 4", "Paper 3"]
    assert "These are the best 3 of 5 papers." in words_of(html)


@pytest.mark.parametrize("path", ["/week/", "/month/"])
def test_before_the_first_edition_a_look_back_says_so(client: Client, path: str) -> None:
    assert "The first edition is being set" in headings_of(get(client, path))


def test_a_quiet_week_and_month_say_so_and_name_the_last_papers_before(client: Client) -> None:
    printed(-40, 1)
    make_edition(date=MONDAY, state=Edition.State.EMPTY)
    for path, span in (("/week/2026-W10/", "week"), ("/month/2026-03/", "month")):
        html = get(client, path)
        assert f"No paper was printed this {span}" in headings_of(html)
        before = "The last papers before that stand in the edition of Wednesday 21 January 2026 ."
        assert before in words_of(html)


@pytest.mark.parametrize(
    "path",
    [
        *("/week/2026-W11/", "/week/2026-W54/", "/week/2026-W00/", "/week/0000-W01/", "/week/9999-W53/"),
        *("/month/2026-13/", "/month/2026-04/", "/month/2026-3/", "/week/9999-W52/", "/week/2099-W01/"),
        *("/2026-03-02/?page=2", "/2026-03-02/?page=0", "/2026-03-02/?page=x", "/2026-03-02/?page=٢"),
    ],
)
def test_a_week_month_or_page_that_is_not_there_says_so(client: Client, path: str) -> None:
    printed(0, 1)
    assert client.get(path).status_code == 404


def test_a_very_full_day_has_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.views.A_PAGE", 2)
    printed(0, *range(1, 6))
    pages = [get(client, f"/{MONDAY}/{query}") for query in ("", "?page=2", "?page=3")]
    found = [re.findall(r"Paper \d", words_of(html)) for html in pages]
    assert found == [["Paper 1", "Paper 2"], ["Paper 3", "Paper 4"], ["Paper 5"]]
    assert f'<a rel="next" href="/{MONDAY}/?page=3">' in pages[1]
    assert f'<a rel="prev" href="/{MONDAY}/">' in pages[1]
    # The front page leads on to the same pages.
    assert re.findall(r"Paper \d", words_of(get(client, "/?page=2"))) == found[0]


def test_a_card_names_the_two_topics_that_fit_best(client: Client) -> None:
    topics = [make_topic(slug=f"shelf-{name}", name=f"Shelf {name}") for name in "abc"]
    make_edition(date=MONDAY, papers=[(make_paper(), topics)])
    kicker = re.search(r'<p class="kicker">(.*?)</p>', get(client, f"/{MONDAY}/"))
    assert kicker is not None and words_of(kicker[1]) == "Shelf a · Shelf b"
    assert re.findall(r'href="(.*?)"', kicker[1]) == ["/topics/shelf-a/", "/topics/shelf-b/"]


def test_a_reason_too_weak_to_tell_leaves_no_full_stop_behind() -> None:
    weak = {"name": "votes", "text": "1 upvote at 11 h, on course for about 2"}
    story = front.story_of({}, [], [weak])
    assert (story.why, story.attention) == ("", "")


@pytest.mark.parametrize("path", ["/week/2026-W10/", "/month/2026-03/", "/week/", "/month/"])
def test_a_look_back_costs_the_same_queries_whatever_it_holds(client: Client, path: str) -> None:
    printed(0, 1)
    with CaptureQueriesContext(connection) as few:
        get(client, path)
    for days in range(1, 7):
        printed(days, *range(days * 10, days * 10 + 9), topic=make_topic())
    with CaptureQueriesContext(connection) as many:
        get(client, path)
    assert len(few) <= len(many) <= 7  # with one more where no week before has to be looked for


@pytest.mark.parametrize("path", ["/week/2026-W10/", "/month/2026-03/"])
def test_a_look_back_that_was_made_is_not_read_again_for_the_next_visitor(client: Client, path: str) -> None:
    printed(0, *range(9))
    first = get(client, path)
    with CaptureQueriesContext(connection) as queries:
        again = get(Client(), path)
    assert headings_of(again) == headings_of(first) and "Paper 0" in headings_of(again)
    assert [query["sql"] for query in queries if '"card"' in query["sql"]] == []


PAGES = ["/", f"/{MONDAY}/", "/week/", "/week/2026-W10/", "/month/", "/month/2026-03/"]


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_that_has_the_page_is_not_sent_it_again(client: Client, path: str) -> None:
    (paper,) = printed(0, 1)
    first = client.get(path)
    assert {"Accept-Language", "Cookie"} <= {part.strip() for part in first["Vary"].split(",")}
    assert first["Last-Modified"] and first["Cache-Control"] == "private, no-cache"
    again = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert client.head(path, headers={"If-None-Match": first["ETag"]}).status_code == 304
    # Another browser has no cookie, so a form from the first one's page would be refused.
    assert Client().get(path, headers={"If-None-Match": first["ETag"]}).status_code == 200
    paper.hidden = True
    paper.save()
    changed = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200 and "Paper 1" not in changed.content.decode()


def test_new_votes_change_a_week_and_leave_an_edition_as_it_was(client: Client) -> None:
    (paper,) = printed(0, 1)
    known = {path: client.get(path)["ETag"] for path in (f"/{MONDAY}/", "/week/")}
    Paper.objects.filter(pk=paper.pk).update(upvotes=77)
    seen = {path: client.get(path, headers={"If-None-Match": etag}) for path, etag in known.items()}
    assert [seen[path].status_code for path in known] == [304, 200]
    assert "▲ 77" in words_of(seen["/week/"].content.decode())


def test_a_topic_that_is_renamed_changes_the_coupon_of_a_page_that_a_browser_has(client: Client) -> None:
    topic = make_topic(slug="agents", name="Agents")
    printed(0, 1)
    first = client.get("/")
    topic.name = "Helpers"
    topic.save()
    again = client.get("/", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 200 and "Helpers" in again.content.decode()


@pytest.mark.parametrize(
    ("path", "own", "title"),
    [
        ("/", "/", "Paper Round"),
        (f"/{MONDAY}/", f"/{MONDAY}/", "The papers of Monday 2 March 2026"),
        ("/week/", "/week/2026-W10/", "The best papers: Week 10, 2026"),
        ("/month/2026-03/", "/month/2026-03/", "The best papers: March 2026"),
    ],
)
def test_a_page_says_how_a_link_to_it_is_shown(
    client: Client, settings: Any, path: str, own: str, title: str
) -> None:
    settings.SITE_URL = "https://papers.example.org"
    printed(0, 1)
    html = get(client, path)
    told = dict(re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]+)" content="([^"]*)">', html))
    assert (told["og:title"], told["og:site_name"], told["twitter:card"]) == (title, "Paper Round", "summary")
    assert told["og:url"] == f"https://papers.example.org{own}"
    assert told["og:image"] == "https://papers.example.org/static/mark.png"
    assert f'<link rel="canonical" href="https://papers.example.org{own}">' in html
    assert "description" in " ".join(told) and "None" not in told.values()


def test_a_page_behind_a_mailed_link_tells_its_address_to_nobody(client: Client) -> None:
    html = client.get("/confirm/some-token/").content.decode()
    assert "og:url" not in html and "canonical" not in html
