"""What each card of an edition says, wherever it stands on the page; and what a page full of cards weighs."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from newsletter.front import A_PAGE, LARGE
from newsletter.models import EditionPaper
from papers.excerpt import MAX_CHARS
from papers.models import Paper, Topic
from tests.factories import make_edition, make_paper, make_topic
from tests.pages import get, words_of

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 2)  # Monday of week 10
MOST_BYTES = 100_000
SENTENCE = "We show that a change in how the work is scheduled gives 2.7 times the throughput at equal cost."
SUMMARY = f"{SENTENCE} {SENTENCE} {SENTENCE}"
# What is left of it in a small card: as many whole words as 200 characters have.
BRIEF = f"{SENTENCE} {SENTENCE} We…"
FACTS = "Sample Lab 27 Feb ▲ 61 upvotes 4 comments ★ 1.2k stars on GitHub"
COURSE = {"name": "votes", "value": 2.1, "text": "61 upvotes at 17 h, on course for about 130"}
COUNT = {"name": "votes", "value": 1.8, "text": "61 upvotes"}


@pytest.fixture(autouse=True)
def _at_the_end_of_the_month(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 3, 31, 17, tzinfo=UTC))


def printed(
    count: int, *topics: Topic, day: date = DAY, terms: Any = (COURSE,), evidence: Any = (), **fields: Any
) -> None:
    """An edition of so many papers, called by their places, all under the same topics for the same reason."""
    known: dict[str, Any] = {
        "abstract": SUMMARY,
        "organization_name": "Sample Lab",
        "upvotes": 61,
        "num_comments": 4,
        "github_stars": 1240,
        "published_on": date(2026, 2, 27),
        "listed_on": date(2026, 3, 30),
        "trending_terms": list(terms),
    }
    papers = [
        make_paper(title=f"Paper {number}", trending_score=1 / number, **(known | fields))
        for number in range(1, count + 1)
    ]
    edition = make_edition(date=day, papers=[(paper, []) for paper in papers])
    matches = [
        {"topic": topic.slug, "name": topic.name, "score": 0.8, "evidence": list(evidence)}
        for topic in topics
    ]
    edition.entries.update(terms=list(terms), matches=matches)


def cards_of(html: str) -> list[str]:
    """The words of each article and each item of a list of papers, in the page's order."""
    main = html[html.index('<div class="front">') : html.index("</main>")]
    main = re.sub(r"<aside.*?</aside>", "", main, flags=re.DOTALL)
    found = re.findall(r"<article.*?</article>|<li><p.*?</li>|<li><h3.*?</li>", main, re.DOTALL)
    return [words_of(card) for card in found]


@pytest.fixture
def agents() -> Topic:
    return make_topic(slug="agents", name="Agents")


@pytest.fixture
def robotics() -> Topic:
    return make_topic(slug="robotics", name="Robotics")


@pytest.mark.parametrize("path", [f"/{DAY}/", "/", "/week/"])
def test_every_card_has_title_summary_facts_topics_and_why(
    client: Client, agents: Topic, robotics: Topic, path: str
) -> None:
    printed(9, agents, robotics)
    leads = "Why it leads: 61 upvotes at 17 h, on course for about 130."
    why = "After 17 h, on course for about 130 upvotes."
    assert cards_of(get(client, path)) == [
        f"Agents · Robotics Paper 1 {SUMMARY} {FACTS} {leads}",
        *[f"Agents · Robotics Paper {number} {SUMMARY} {FACTS} {why}" for number in range(2, 6)],
        # They stand under "Agents", which is not said again.
        *[f"Paper {number} {SUMMARY} {FACTS} {why} Also under Robotics ." for number in range(6, 9)],
        f"Paper 9 {BRIEF} {FACTS} {why} Also under Robotics .",
    ]


def test_so_has_every_card_of_a_month_where_all_name_their_topics(
    client: Client, agents: Topic, robotics: Topic
) -> None:
    printed(9, agents, robotics)
    why = "After 17 h, on course for about 130 upvotes."
    assert cards_of(get(client, "/month/"))[5:] == [
        *[f"Agents · Robotics Paper {number} {SUMMARY} {FACTS} {why}" for number in range(6, 9)],
        f"Agents · Robotics Paper 9 {BRIEF} {FACTS} {why}",
    ]


def test_so_has_every_brief(client: Client, agents: Topic, robotics: Topic) -> None:
    printed(7, agents, robotics)
    why = "After 17 h, on course for about 130 upvotes."
    assert cards_of(get(client, f"/{DAY}/"))[5:] == [
        f"Agents · Robotics Paper {number} {BRIEF} {FACTS} {why}" for number in (6, 7)
    ]


def test_where_the_count_is_all_that_is_known_a_card_says_by_what_it_was_found(
    client: Client, agents: Topic
) -> None:
    printed(9, agents, terms=[COUNT], evidence=["tool use", "planning", "crews"])
    cards = cards_of(get(client, f"/{DAY}/"))
    why = "Matched: tool use , planning ."
    assert cards == [
        f"Agents Paper 1 {SUMMARY} {FACTS} Why it leads: 61 upvotes.",
        *[f"Agents Paper {number} {SUMMARY} {FACTS} {why}" for number in range(2, 6)],
        *[f"Paper {number} {SUMMARY} {FACTS} {why}" for number in range(6, 9)],
        f"Paper 9 {BRIEF} {FACTS} {why}",
    ]


def test_a_paper_from_an_archive_says_so_once_and_its_comments_once(client: Client, agents: Topic) -> None:
    archive = {"name": "archive", "value": 0.0, "text": "from the archive"}
    comments = {"name": "comments", "value": 0.1, "text": "4 comments"}
    printed(8, agents, terms=[archive, comments], from_archive=True, upvotes=None, github_stars=None)
    facts = "Sample Lab 27 Feb 4 comments"
    assert cards_of(get(client, f"/{DAY}/")) == [
        *[f"From the archive · Agents Paper {number} {SUMMARY} {facts}" for number in range(1, 6)],
        *[f"From the archive Paper {number} {SUMMARY} {facts}" for number in range(6, 9)],
    ]


def test_where_there_is_no_topic_either_a_card_says_the_count(client: Client) -> None:
    printed(9, terms=[COUNT])
    assert cards_of(get(client, f"/{DAY}/")) == [
        f"Paper 1 {SUMMARY} {FACTS} Why it leads: 61 upvotes.",
        *[f"Paper {number} {SUMMARY} {FACTS} 61 upvotes." for number in range(2, 9)],
        f"Paper 9 {BRIEF} {FACTS} 61 upvotes.",
    ]


@pytest.mark.parametrize("path", [f"/{DAY}/", "/", "/week/", "/month/"])
def test_a_paper_that_its_authors_withdrew_since_says_so(client: Client, agents: Topic, path: str) -> None:
    printed(7, agents)
    client.get(path)  # what is kept of it in memory tells nothing of this yet
    Paper.objects.filter(title__in=["Paper 1", "Paper 7"]).update(withdrawn=True)
    cards = cards_of(get(client, path))
    assert [card.partition(" Paper")[0] for card in cards[:6]] == ["Withdrawn · Agents"] + ["Agents"] * 5
    assert cards[6].startswith("Withdrawn")


@pytest.mark.parametrize("path", [f"/{DAY}/", "/week/", "/month/"])
def test_a_topic_that_is_switched_off_is_named_and_leads_nowhere(
    client: Client, agents: Topic, robotics: Topic, path: str
) -> None:
    printed(9, agents, robotics)
    whole = get(client, path)
    Topic.objects.filter(slug="agents").update(is_active=False)
    html = get(client, path)
    assert words_of(html).count("Agents · Robotics") == words_of(whole).count("Agents · Robotics") > 0
    assert ("/topics/agents/" in whole, "/topics/agents/" in html) == (True, False)
    assert html.count("/topics/robotics/") == whole.count("/topics/robotics/")


def test_a_card_of_which_next_to_nothing_is_known_is_a_title(client: Client) -> None:
    facts = ("abstract", "organization_name", "author_count", "authors", "published_on")
    unknown: dict[str, Any] = dict.fromkeys([*facts, "upvotes", "num_comments", "github_stars"])
    printed(9, terms=[], **unknown)
    html = get(client, f"/{DAY}/")
    assert cards_of(html) == [f"Paper {number}" for number in range(1, 10)]
    assert 'class="dek"' not in html and 'class="why"' not in html


def test_the_first_of_the_first_sections_are_set_large_and_all_others_small(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.front.LARGE_SECTIONS", 1)
    topics = [make_topic(), make_topic()]
    rows = [(make_paper(title=f"Paper {place}"), [topics[place % 2]]) for place in range(1, 14)]
    make_edition(date=DAY, papers=rows)
    first, second = get(client, f"/{DAY}/").split('<section class="section"')[1:]
    large, small = first.split('<ul class="headlines">')
    assert re.findall(r"Paper \d+", large) == ["Paper 6", "Paper 8", "Paper 10"] and LARGE == 3
    assert re.findall(r"Paper \d+", small) == ["Paper 12"]
    assert re.findall(r"Paper \d+", second.split('<ul class="headlines">')[1]) == [
        *("Paper 7", "Paper 9", "Paper 11", "Paper 13")
    ]
    assert [part.count('<p class="dek"') for part in (large, small, second)] == [3, 1, 4]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("path", [f"/{DAY}/", "/week/", "/month/"])
def test_a_full_page_is_light_with_all_that_it_loads(client: Client, language: str, path: str) -> None:
    topics = [make_topic(slug=f"a-usual-topic-{n}", name=f"A usual topic {n}") for n in range(16)]
    month = [DAY + timedelta(days=days) for days in range(7, 30, 7)] if path == "/month/" else []
    for day in [DAY, *month]:
        printed(A_PAGE // 4 if month else A_PAGE + 1, day=day, organization_name="University of Samples")
    for place, row in enumerate(EditionPaper.objects.all()):
        row.card["summary"] = f"{SENTENCE} "[: MAX_CHARS // 4] * 4
        row.card["title"] = "A Title of Usual Length: What Was Done, How It Came Out, and Why It Matters"
        row.matches = [
            {"topic": topic.slug, "name": topic.name, "score": 0.8, "evidence": ["throughput", "decoding"]}
            for topic in (topics[place % 16], topics[(place + 1) % 16])
        ]
        row.save()
    page = client.get(path, headers={"Accept-Language": language})
    static = Path(settings.BASE_DIR) / "static"
    files = ("site.css", "subscribe.js", "mark.svg")
    loaded = [page.content, *((static / name).read_bytes() for name in files)]
    assert len(cards_of(page.content.decode())) == A_PAGE
    assert sum(map(len, loaded)) < MOST_BYTES
