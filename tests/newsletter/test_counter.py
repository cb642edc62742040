"""The counter: the whole form, what it asks, and what becomes of it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from newsletter.models import OutboxMail
from papers.models import Topic
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.newsletter.test_people import post
from tests.pages import get, words_of

pytestmark = pytest.mark.django_db

WHOLE = {"length": "5", "days": "fri", "hour": "7", "timezone": "Europe/Berlin"}


@pytest.fixture
def agents() -> Topic:
    Topic.objects.all().delete()
    return make_topic(slug="agents", name="Agents")


def wish() -> dict[str, Any]:
    """What the one mail that waits would put in force."""
    mail = OutboxMail.objects.select_related("mix").get()
    assert mail.mix is not None
    time = (mail.timezone, mail.hour, mail.weekdays)
    return {"topics": mail.mix.key.split()[:-3], "length": mail.mix.length, "time": time}


def selected(html: str, name: str) -> str:
    """What the page shows as chosen of a list."""
    found = re.search(rf'<select name="{name}".*?</select>', html, re.DOTALL)
    assert found is not None
    option = re.search(r"<option[^>]*\bselected[^>]*>([^<]*)", found[0])
    return option[1] if option else ""


def test_each_topic_says_how_much_it_brings_and_the_choice_how_much_in_all(
    client: Client, agents: Topic
) -> None:
    theory = make_topic(slug="theory", name="Theory")
    today = timezone.now().date()
    for ago in range(7):
        papers = [(make_paper(), [agents]), (make_paper(), [agents, theory] if ago == 0 else [agents])]
        make_edition(date=today - timedelta(days=ago), papers=papers)
    words = words_of(get(client, "/subscribe/"))
    assert "Agents 2 a day Theory 1 a week About 2 papers a day" in words
    assert "About 1 paper a week" in words_of(get(client, "/subscribe/?topic=theory"))
    assert "About 5 papers a week" in words_of(get(client, "/subscribe/?topic=agents&days=sat&length=5"))


def test_before_the_first_edition_nothing_is_said_of_how_much(client: Client, agents: Topic) -> None:
    words = words_of(get(client, "/subscribe/"))
    assert "Agents See today’s mail first" in words and "About" not in words


def test_the_whole_choice_waits_for_its_confirmation(client: Client, agents: Topic) -> None:
    assert post(client, topics=["agents"], **WHOLE).status_code == 200
    assert wish() == {"topics": [f"{agents.pk}:normal"], "length": 5, "time": ("Europe/Berlin", 7, 16)}


@pytest.mark.parametrize(
    ("fields", "time"),
    [
        ({"days": "", "hour": "", "timezone": ""}, ("UTC", None, 127)),
        ({"days": "daily", "hour": "0", "timezone": "asia/calcutta"}, ("Asia/Calcutta", 0, 127)),
        ({"days": "weekdays", "hour": "", "timezone": "Asia/Tokyo"}, ("Asia/Tokyo", None, 31)),
        # The coupon of the front page asks for no time; the browser may tell where it is.
        ({}, ("", None, 127)),
        ({"zone_guess": "Europe/Vienna"}, ("Europe/Vienna", None, 127)),
        ({"zone_guess": "Middle/Earth"}, ("", None, 127)),
    ],
)
def test_what_is_left_out_is_as_usual(
    client: Client, agents: Topic, fields: dict[str, str], time: tuple[str, int | None, int]
) -> None:
    assert post(client, **fields).status_code == 200
    assert wish() == {"topics": [], "length": 10, "time": time}


def test_the_coupon_leaves_the_time_of_a_reader_as_it_is(client: Client, agents: Topic) -> None:
    make_subscriber(email="ada@example.org", hour=7)
    post(client, topics=["agents"], zone_guess="Europe/Vienna")
    assert wish()["time"] == ("", None, 127)


def test_the_language_of_the_page_is_the_language_of_the_mails(client: Client, agents: Topic) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de-AT"
    post(client)
    assert OutboxMail.objects.get().mix.language == "de"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"length": "1000"}, "Choose one of the given answers."),
        ({"length": "NaN"}, "Choose one of the given answers."),
        ({"days": "\0"}, "Choose one of the given answers."),
        ({"days": "never"}, "Choose one of the given answers."),
        ({"hour": "24"}, "Choose one of the given answers."),
        ({"hour": "-1", "timezone": "UTC"}, "Choose one of the given answers."),
        ({"hour": "7", "timezone": ""}, "An hour needs a place: please choose your time zone as well."),
        ({"timezone": "Middle/Earth"}, "We do not know this time zone. Please choose one of the list."),
        ({"timezone": "../../etc/passwd"}, "We do not know this time zone. Please choose one of the list."),
        ({"timezone": "x" * 5000}, "Ensure this value has at most 64 characters (it has 5000)."),
    ],
)
def test_a_time_that_cannot_be_comes_back_with_a_sentence(
    client: Client, agents: Topic, fields: dict[str, str], sentence: str
) -> None:
    page = post(client, topics=["agents"], **{"days": "daily", **fields})
    assert page.status_code == 400
    html = page.content.decode()
    assert re.findall(r'role="alert"><p>([^<]*)</p></div>', html) == [sentence]
    assert 'value="agents" checked' in html and '<details class="times" open>' in html
    assert len(html) < 30_000
    assert OutboxMail.objects.count() == 0


def test_a_whole_choice_survives_a_mistake(client: Client, agents: Topic) -> None:
    html = post(client, email="ada@", topics=["agents"], **WHOLE).content.decode()
    assert [selected(html, name) for name in WHOLE] == ["5", "every Friday", "07:00", "Europe/Berlin"]


def test_a_link_fills_the_form_in_and_an_address_in_it_is_ignored(client: Client, agents: Topic) -> None:
    query = "topic=agents&length=20&days=weekdays&hour=22&timezone=Asia/Calcutta&email=eve@example.org"
    html = get(client, f"/subscribe/?{query}")
    assert [selected(html, name) for name in WHOLE] == ["20", "Monday to Friday", "22:00", "Asia/Calcutta"]
    assert re.findall(r'value="([^"]+)" checked', html) == ["agents"]
    assert 'value="eve@example.org"' not in html


def test_a_link_that_asks_for_nonsense_fills_in_what_is_usual(client: Client, agents: Topic) -> None:
    html = get(client, "/subscribe/?topic=no&length=%00&days=x&hour=99999999999999999&timezone=%3Cscript%3E")
    assert [selected(html, name) for name in WHOLE] == ["10", "", "", ""]
    assert "&lt;script" not in html


def test_the_page_asks_the_database_no_more_for_more_topics(
    client: Client, agents: Topic, django_assert_num_queries: Any
) -> None:
    for number in (1, 3):
        for _ in range(number):
            make_edition(
                date=timezone.now().date() - timedelta(days=Topic.objects.count()),
                papers=[(make_paper(), [make_topic()])],
            )
        cache.clear()
        with django_assert_num_queries(2):  # the topics, and how much they bring
            client.get("/subscribe/")
        with django_assert_num_queries(1):
            client.get("/subscribe/")
