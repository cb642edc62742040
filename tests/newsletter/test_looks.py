"""The mail that a choice would bring, looked at before an address is given: nothing is written."""

import re
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.models import OutboxMail, Subscriber, TopicMix
from newsletter.people import previewing
from papers.models import Topic
from tests.factories import make_edition, make_paper, make_topic
from tests.newsletter.test_people import post
from tests.pages import faults_of, get, hidden_field, words_of

pytestmark = pytest.mark.django_db

PAGE = "/subscribe/preview/"


@pytest.fixture
def topics() -> dict[str, Topic]:
    Topic.objects.all().delete()
    return {slug: make_topic(slug=slug, name=slug.capitalize()) for slug in ("agents", "theory", "vision")}


@pytest.fixture
def today(topics: dict[str, Topic]) -> date:
    """An edition of today about agents, and one of yesterday about theory."""
    day = timezone.now().date()
    make_edition(date=day, papers=[(make_paper(title="Plans That Survive"), [topics["agents"]])])
    make_edition(date=day - timedelta(days=1), papers=[(make_paper(title="Bounds"), [topics["theory"]])])
    return day


def frame(client: Client, html: str) -> Any:
    """The answer in the frame of the page."""
    found = re.search(r'<iframe[^>]* src="([^"]+)"', html)
    assert found is not None
    return client.get(found[1].replace("&amp;", "&"))


def test_the_mail_of_today_is_shown_with_the_choice_and_a_form_for_the_address(
    client: Client, today: date
) -> None:
    html = get(client, f"{PAGE}?topic=agents&length=5&days=weekdays&hour=7&timezone=Europe/Berlin")
    words = words_of(html)
    assert "Your mail of today This is the very mail that you would have got today." in words
    assert (
        "Topics Agents When Monday to Friday at 07:00 (Europe/Berlin) Length at most 5 papers a mail" in words
    )
    assert "Subject Plans That Survive" in words
    carried = {name: hidden_field(html, name) for name in ("topics", "length", "days", "hour", "timezone")}
    assert carried == {
        "topics": "agents", "length": "5", "days": "weekdays", "hour": "7", "timezone": "Europe/Berlin",
    }  # fmt: skip
    mail = frame(client, html)
    assert "Plans That Survive" in mail.content.decode() and "Bounds" not in mail.content.decode()


def test_the_form_below_the_mail_asks_for_just_that_choice(client: Client, today: date) -> None:
    html = get(client, f"{PAGE}?topic=agents&length=5")
    post(client, topics=hidden_field(html, "topics"), length=hidden_field(html, "length"))
    mail = OutboxMail.objects.get()
    assert mail.mix is not None
    assert ([topic.slug for topic in mail.mix.topics.all()], mail.mix.length) == (["agents"], 5)


def test_looking_writes_nothing(client: Client, today: date) -> None:
    frame(client, get(client, f"{PAGE}?topic=agents&length=20"))
    post(client, PAGE, topics=["agents"], email="ada@example.org")
    counts = [model.objects.count() for model in (TopicMix, Subscriber, OutboxMail)]
    assert counts == [0, 0, 0]


def test_an_address_typed_before_looking_comes_back_and_is_in_no_url(client: Client, today: date) -> None:
    html = post(client, PAGE, topics=["agents"], email="ada@example.org").content.decode()
    assert 'value="ada@example.org"' in html
    assert [link for link in re.findall(r'(?:href|src)="([^"]*)"', html) if "example.org" in link] == []
    assert 'value="ada@' not in get(client, f"{PAGE}?email=ada@example.org")


def test_a_quiet_day_shows_the_last_mail_that_would_have_come(client: Client, today: date) -> None:
    html = get(client, f"{PAGE}?topic=theory")
    yesterday = today - timedelta(days=1)
    assert f"Your mail of {yesterday:%A} {yesterday.day} {yesterday:%B %Y}" in words_of(html)
    assert "Since then nothing stood under these topics, so no mail would have come." in words_of(html)
    assert "Bounds" in frame(client, html).content.decode()


def test_a_topic_without_papers_says_that_no_mail_would_come(client: Client, today: date) -> None:
    html = get(client, f"{PAGE}?topic=vision")
    assert "Nothing for you in the latest editions" in words_of(html)
    assert "<iframe" not in html


def test_a_weekly_choice_shows_the_mail_of_the_week(client: Client, today: date) -> None:
    mail = frame(client, get(client, f"{PAGE}?topic=agents&topic=theory&days=sun")).content.decode()
    assert "Plans That Survive" in mail and "Bounds" in mail


def test_before_the_first_edition_there_is_nothing_to_show(client: Client, topics: dict[str, Topic]) -> None:
    html = get(client, PAGE)
    assert "There is no edition to show yet" in words_of(html)
    assert client.get(f"{PAGE}mail/").status_code == 404


@pytest.mark.parametrize("query", ["topic=no", "topic=%00", "length=7", "days=x", "timezone=Mars", "hour=7"])
def test_a_choice_that_cannot_be_is_answered_with_the_form_and_a_sentence(
    client: Client, today: date, query: str
) -> None:
    page = client.get(f"{PAGE}?{query}")
    html = page.content.decode()
    assert (page.status_code, page.templates[0].name) == (400, "newsletter/subscribe.html")
    assert len(re.findall(r'role="alert"><p>[A-Z][^<]+\.</p></div>', html)) == 1
    assert faults_of(html) == []
    assert client.get(f"{PAGE}mail/?{query}").status_code == 404


def test_the_frame_holds_the_mail_alone_and_can_do_nothing(client: Client, today: date) -> None:
    page = client.get(PAGE)
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    mail = frame(client, page.content.decode())
    assert mail["Content-Security-Policy"].startswith("sandbox ") and mail["X-Frame-Options"] == "SAMEORIGIN"
    assert [answer["X-Robots-Tag"] for answer in (page, mail)] == ["noindex", "noindex"]
    assert "/preferences/" in mail.content.decode() and '<base target="_blank">' in mail.content.decode()


def test_the_way_back_keeps_the_choice(client: Client, today: date) -> None:
    html = get(client, f"{PAGE}?topic=agents&topic=theory&length=15&days=fri")
    back = re.search(r'href="(/subscribe/\?[^"]+)"', html)
    assert back is not None
    assert parse_qs(urlsplit(back[1].replace("&amp;", "&")).query) == {
        "topic": ["agents", "theory"],
        "length": ["15"],
        "days": ["fri"],
    }


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}mail/"])
def test_a_network_that_looks_too_often_is_told_to_wait(
    client: Client, today: date, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previewing, "LOOKS_PER_HOUR", 3)
    assert [client.get(path).status_code for _ in range(5)] == [200] * 3 + [429] * 2
    assert client.get(path, REMOTE_ADDR="198.51.100.7").status_code == 200


def test_looking_costs_the_same_queries_for_more_papers(
    client: Client, topics: dict[str, Topic], django_assert_num_queries: Any
) -> None:
    day = timezone.now().date()
    for ago, papers in ((1, 1), (0, 12)):
        own = [(make_paper(), [topics["agents"]]) for _ in range(papers)]
        make_edition(date=day - timedelta(days=ago), papers=own)
        client.get(PAGE)  # how much topics bring is counted once in a while
        with django_assert_num_queries(3):
            client.get(f"{PAGE}?topic=agents")
