"""The printed pages: the front page and its states, editions, and what machines ask for."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from newsletter import editorial
from newsletter.mixes import mix_for
from newsletter.models import Edition
from papers.models import Paper, Topic
from tests.factories import make_edition, make_paper, make_topic
from tests.pages import faults_of, headings_of, words_of

pytestmark = pytest.mark.django_db

TODAY = timezone.now().date()
OUTSIDE_THE_EDITION = ["Paper Round", "Yes, bring me the papers"]


def get(client: Client, path: str) -> str:
    """The page, which must be there and be HTML."""
    page = client.get(path)
    assert page.status_code == 200
    html = page.content.decode()
    assert faults_of(html) == []
    return html


def printed(count: int, *topics: Topic, day: date = TODAY, **fields: Any) -> list[Paper]:
    papers = [make_paper(title=f"Paper {number}") for number in range(1, count + 1)]
    rows = [(paper, [topics[index % len(topics)]] if topics else []) for index, paper in enumerate(papers)]
    make_edition(date=day, papers=rows, **fields)
    return papers


def test_the_front_page_has_every_paper_once_in_its_place(client: Client) -> None:
    printed(9, make_topic(slug="agents", name="Agents"), number=7, candidate_count=31)
    html = get(client, "/")
    assert headings_of(html) == [
        "Paper Round",
        "Paper 1",
        "Yes, bring me the papers",
        *[f"Paper {number}" for number in range(2, 6)],
        "Agents",
        *[f"Paper {number}" for number in range(6, 10)],
    ]
    words = words_of(html)
    assert "No. 7 · 9 papers chosen from 31" in words
    assert "Why it leads: 10 upvotes." in words


def test_topics_with_few_papers_share_the_briefs(client: Client) -> None:
    printed(9, make_topic(slug="agents", name="Agents"), make_topic(slug="theory", name="Theory"))
    assert headings_of(get(client, "/"))[7:] == ["In brief", "Paper 6", "Paper 8", "Paper 7", "Paper 9"]


def test_papers_under_no_topic_stand_elsewhere(client: Client) -> None:
    printed(8)
    assert headings_of(get(client, "/"))[7:] == ["Elsewhere", "Paper 6", "Paper 7", "Paper 8"]


def test_a_paper_that_an_editor_hid_is_not_listed(client: Client) -> None:
    papers = printed(3)
    papers[0].hidden = True
    papers[0].save()
    assert headings_of(get(client, "/")) == ["Paper Round", "Paper 2", "Yes, bring me the papers", "Paper 3"]


def test_a_paper_that_was_taken_out_is_not_listed(client: Client) -> None:
    papers = printed(3)
    edition = papers[0].entry.edition
    editorial.withdraw(edition.pk, [papers[0].pk])
    assert headings_of(get(client, "/")) == ["Paper Round", "Paper 2", "Yes, bring me the papers", "Paper 3"]


def test_before_the_first_edition_the_page_says_so(client: Client) -> None:
    assert "The first edition is being set" in headings_of(get(client, "/"))


@pytest.mark.parametrize(
    ("state", "heading"),
    [
        ("empty", "Nothing to print"),
        ("cancelled", "This edition was cancelled"),
        ("missed", "There is no edition of this day"),
    ],
)
def test_a_day_without_papers_says_why_and_shows_the_last_edition(
    client: Client, state: str, heading: str
) -> None:
    printed(7, day=TODAY - timedelta(days=3))
    hidden = make_paper(title="Hidden since", hidden=True)
    make_edition(date=TODAY - timedelta(days=2), papers=[(hidden, [])])
    make_edition(date=TODAY - timedelta(days=1), state="empty")
    make_edition(date=TODAY, state=state)
    day = TODAY - timedelta(days=3)
    coupon = "Yes, bring me the papers"
    last = f"Meanwhile, from the edition of {day:%A} {day.day} {day:%B %Y} 7 papers"
    papers = [f"Paper {number}" for number in range(1, 8)]
    # The front page is laid out as that edition was, so that there is something to read.
    front = ["Paper Round", heading, last, papers[0], coupon, *papers[1:5], "In brief", *papers[5:]]
    assert headings_of(get(client, "/")) == front
    older = headings_of(get(client, f"/{TODAY - timedelta(days=1)}/"))
    assert older[1:] == ["Nothing to print", coupon, last, *papers[:5]]


@pytest.mark.parametrize("state", ["open", "held"])
def test_what_is_not_printed_yet_is_nobodys_business(client: Client, state: str) -> None:
    printed(1, day=TODAY - timedelta(days=1))
    make_edition(date=TODAY, state=state)
    assert client.get(f"/{TODAY}/").status_code == 404
    assert "Paper 1" in headings_of(get(client, "/"))


def test_an_edition_of_tomorrow_stays_in_the_drawer(client: Client) -> None:
    printed(1, day=TODAY + timedelta(days=1))
    assert client.get(f"/{TODAY + timedelta(days=1)}/").status_code == 404
    assert "Paper 1" not in headings_of(get(client, "/"))


def test_an_old_edition_leads_to_its_neighbours_and_calls_itself_archived(client: Client) -> None:
    days = [TODAY - timedelta(days=back) for back in (9, 5, 2)]
    for day in days:
        printed(1, day=day)
    html = get(client, f"/{days[1]}/")
    assert f'<a href="/{days[0]}/" rel="prev">' in html and f'<a href="/{days[2]}/" rel="next">' in html
    assert "From our archive · today’s paper" in words_of(html)


def test_papers_from_an_archive_are_called_that(client: Client) -> None:
    paper = make_paper(title="An Old One", from_archive=True, published_on=date(2019, 3, 1))
    make_edition(date=TODAY, papers=[(paper, [])])
    words = words_of(get(client, "/"))
    assert "From the archive An Old One" in words and "1 Mar 2019" in words
    card = words[words.index("From the archive") : words.index("Yes, bring me the papers")]
    assert "trending" not in card.lower()


def test_what_is_unknown_is_left_out(client: Client) -> None:
    paper = make_paper(
        title="Bare", upvotes=None, num_comments=None, author_count=None, authors=None, abstract=None
    )
    make_edition(date=TODAY, papers=[(paper, [])])
    html = get(client, "/")
    facts = re.findall(r'<p class="facts">(.*?)</p>', html)
    assert [words_of(line) for line in facts] == ["18 Nov"]
    assert "Why it leads" not in html and 'class="dek"' not in html and "None" not in html


def test_the_dateline_says_how_the_sources_did(client: Client) -> None:
    told = [
        {"source": "huggingface", "verdict": "ok", "text": "read at 00:17 UTC", "detail": "31 records"},
        {"source": "arxiv", "verdict": "stale", "text": "stale since Monday 16 November, 05:02 UTC"},
    ]
    make_edition(date=TODAY, papers=[(make_paper(), [])], sources=told)
    said = "Hugging Face read at 00:17 UTC · arXiv stale since Monday 16 November, 05:02 UTC"
    for path in ("/", f"/{TODAY}/"):
        assert said in words_of(get(client, path))


def test_a_quiet_day_does_not_look_like_a_broken_one(client: Client) -> None:
    told = [{"source": "huggingface", "verdict": "ok", "text": "read at 00:17 UTC"}]
    empty = make_edition(date=TODAY, state="empty", sources=told)
    page = words_of(get(client, "/"))
    assert "Nothing to print" in page and "could not be read" not in page
    empty.sources = [told[0] | {"verdict": "failed", "text": "never read"}]
    empty.save()
    page = words_of(get(client, "/"))
    assert "A source could not be read" in page and "Nothing to print" not in page


def test_markup_in_a_title_is_text(client: Client) -> None:
    paper = make_paper(title='<script>alert(1)</script> & "quotes"', abstract="</style><img src=x onerror=1>")
    make_edition(date=TODAY, papers=[(paper, [])])
    for path in ("/", f"/papers/{paper.arxiv_id}/"):
        html = get(client, path)
        assert "<script>" not in html and "<img" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quotes&quot;" in html


@pytest.mark.parametrize(
    "path", ["/2026-02-30/", "/0000-01-01/", "/2026-1-1/", "/1999-01-01/", "/nowhere/", "/%00/"]
)
def test_a_day_or_page_that_is_not_there_says_so(client: Client, path: str) -> None:
    page = client.get(path)
    assert (page.status_code, faults_of(page.content.decode())) == (404, [])
    assert "There is no such page" in words_of(page.content.decode())


@pytest.mark.parametrize("path", ["/", f"/{TODAY}/"])
def test_an_edition_costs_the_same_queries_whatever_its_size(client: Client, path: str) -> None:
    topic = make_topic()
    printed(1, topic)
    with CaptureQueriesContext(
        connection,
    ) as one:
        get(client, path)
    Edition.objects.all().delete()
    Paper.objects.all().delete()
    printed(12, topic, make_topic(), make_topic())
    with CaptureQueriesContext(connection) as many:
        get(client, path)
    assert len(one) == len(many) <= 6


def test_the_mail_of_a_mix_can_be_read_in_the_browser(client: Client) -> None:
    topic = make_topic(slug="agents", name="Agents")
    printed(3, topic)
    mix = mix_for({topic: "normal"})
    page = client.get(f"/{TODAY}/mix/{mix.slug}/")
    assert page.status_code == 200
    assert all(f"Paper {number}" in page.content.decode() for number in (1, 2, 3))
    assert page["X-Robots-Tag"] == "noindex"
    assert page["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert client.get(f"/{TODAY}/mix/nobodys/").status_code == 404


def test_pages_cannot_be_written_to(client: Client) -> None:
    assert [client.post(path).status_code for path in ("/", "/robots.txt", "/healthz", "/topics/")] == [
        405
    ] * 4


def test_every_answer_brings_a_strict_policy(client: Client) -> None:
    for path in ("/", "/nowhere/", "/subscribe/"):
        policy = client.get(path)["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';") and "unsafe" not in policy


def test_health_is_the_databases(client: Client) -> None:
    page = client.get("/healthz")
    assert (page.status_code, page.content) == (200, b"ok\n")


def test_a_database_that_is_away_gives_503_and_a_page(client: Client, settings: Any) -> None:
    client.raise_request_exception = False
    with override_settings(DEBUG=False), connection.execute_wrapper(_database_gone):
        health, page = client.get("/healthz"), client.get("/")
    assert (health.status_code, page.status_code) == (503, 503)
    assert "The press is standing still" in words_of(page.content.decode())
    assert faults_of(page.content.decode()) == []


def _database_gone(*_: Any) -> None:
    from django.db import OperationalError

    raise OperationalError("the connection is closed")
