"""The pages through which people come in and leave, and everything hostile that is sent to them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.signing import Signer
from django.test import Client
from django.utils import timezone

from newsletter.models import Delivery, OutboxMail, Subscriber
from newsletter.tokens import link_token, one_off_hash
from papers.models import Topic
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.pages import faults_of, hidden_field, words_of

pytestmark = pytest.mark.django_db


def rendered(*, seconds_ago: float = 30) -> str:
    """The hidden time of a form that was opened a while ago."""
    return Signer(salt="subscribe form").sign(f"{timezone.now().timestamp() - seconds_ago:.2f}")


def post(client: Client, path: str = "/subscribe/", **fields: Any) -> Any:
    fields = {"email": "ada@example.org", "rendered": rendered(), "website": "", **fields}
    return client.post(path, fields)


def link(purpose: str, reader: Subscriber) -> str:
    return f"/{purpose}/{link_token(purpose, reader.handle, reader.secret)}/"


def test_subscribing_asks_for_a_confirmation(client: Client) -> None:
    agents, theory = make_topic(slug="agents"), make_topic(slug="theory")
    page = post(client, topics=["agents", "theory"])
    assert (page.status_code, page.templates[0].name) == (200, "newsletter/check_inbox.html")
    mail = OutboxMail.objects.get()
    assert mail.mix is not None and set(mail.mix.topics.all()) == {agents, theory}
    assert (mail.kind, mail.subscriber.state) == ("confirm", "pending")


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\n",
        "ada@example.org\0",
        "ada@example.org, eve@example.org",
        "ada@example.org eve@example.org",
        "<ada@example.org>",
        "Ada <ada@example.org>",
        "ada@localhost",
        "ada@[127.0.0.1]",
        "ada@exam\u200bple.org",
        "a" * 200_000 + "@example.org",
    ],
)
def test_what_is_not_one_address_comes_back_with_the_form_and_a_sentence(client: Client, email: str) -> None:
    page = post(client, email=email)
    html = page.content.decode()
    assert (page.status_code, page.templates[0].name) == (400, "newsletter/subscribe.html")
    assert len(html) < 30_000  # what was typed does not come back at any length
    assert re.search(r'role="alert"><p>[A-Z][^<]+\.</p>', html)
    assert faults_of(html) == []
    assert (Subscriber.objects.count(), OutboxMail.objects.count()) == (0, 0)


@pytest.mark.parametrize("topics", [["nowhere"], ["agents", "resting"], ["\0"], ["agents"] * 500 + ["no"]])
def test_an_unknown_topic_comes_back_with_the_form_and_a_sentence(client: Client, topics: list[str]) -> None:
    make_topic(slug="agents")
    make_topic(slug="resting", is_active=False)
    page = post(client, topics=topics)
    assert page.status_code == 400
    assert "One of these topics does not exist here. Please choose again." in words_of(page.content.decode())
    assert OutboxMail.objects.count() == 0


def test_choices_survive_a_mistake(client: Client) -> None:
    make_topic(slug="agents")
    html = post(client, email="ada@", topics=["agents"]).content.decode()
    assert 'value="agents" checked' in html and 'value="ada@"' in html


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (lambda: rendered(seconds_ago=0.2), "That was so quick that it could have been a machine."),
        (lambda: rendered(seconds_ago=25 * 3600), "This page was open for more than a day."),
        (lambda: "forged", "Something was lost on the way."),
        (lambda: "", "Something was lost on the way."),
    ],
)
def test_a_form_sent_at_the_wrong_time_can_be_sent_once_more(
    client: Client, value: Any, sentence: str
) -> None:
    page = post(client, rendered=value())
    assert page.status_code == 400
    assert sentence in words_of(page.content.decode())
    again = hidden_field(page.content.decode(), "rendered")
    signed_at = float(Signer(salt="subscribe form").unsign(again))
    assert timezone.now().timestamp() - signed_at < 10


def test_a_form_from_elsewhere_is_refused_with_a_page() -> None:
    page = post(Client(enforce_csrf_checks=True))
    assert page.status_code == 403
    assert "Please send it once more" in words_of(page.content.decode())
    assert faults_of(page.content.decode()) == []


def test_looking_never_confirms_and_pressing_does(client: Client) -> None:
    reader = make_subscriber(state="pending", topics={make_topic(slug="agents", name="Agents"): "normal"})
    OutboxMail.objects.create(
        subscriber=reader,
        kind="confirm",
        mix=reader.mix,
        token_hash=one_off_hash("t"),
        handed_over_at=timezone.now(),
    )
    for _ in range(3):
        client.head("/confirm/t/")
        assert "Is this you?" in words_of(client.get("/confirm/t/").content.decode())
    reader.refresh_from_db()
    assert reader.state == "pending"
    page = client.post("/confirm/t/")
    assert (page.status_code, page.templates[0].name) == (200, "newsletter/welcome.html")
    assert "Agents" in words_of(page.content.decode())
    assert link("preferences", reader) in page.content.decode()
    assert client.post("/confirm/t/").status_code == 200


def confirmed(client: Client, reader: Subscriber, **times: Any) -> tuple[str, str]:
    """The words of the page behind the link, and of the one behind its button."""
    OutboxMail.objects.create(
        subscriber=reader, kind="confirm", mix=reader.mix, token_hash=one_off_hash("t"),
        handed_over_at=timezone.now(), **times,
    )  # fmt: skip
    pages = [client.get("/confirm/t/"), client.post("/confirm/t/")]
    assert [(page.status_code, faults_of(page.content.decode())) for page in pages] == [(200, [])] * 2
    asked, welcome = (words_of(page.content.decode()) for page in pages)
    return asked, welcome


def test_the_page_behind_the_link_and_the_welcome_say_the_whole_choice(client: Client) -> None:
    reader = make_subscriber(state="pending", topics={make_topic(slug="agents", name="Agents"): "more"})
    pages = confirmed(client, reader, timezone="Asia/Tokyo", hour=7, weekdays=16)
    choice = "Topics Agents more When Every Friday at 07:00 (Asia/Tokyo) Length at most 10 papers a mail"
    assert [choice in words for words in pages] == [True, True]
    assert re.search(r"Your first mail comes on Friday \d+ \w+ at 07:00\.", pages[1])


def test_todays_mail_comes_at_once_where_the_welcome_offers_it(client: Client) -> None:
    agents = make_topic(slug="agents")
    make_edition(date=timezone.now().date(), papers=[(make_paper(), [agents])])
    reader = make_subscriber(state="pending", topics={agents: "normal"})
    assert "Send me today’s now" in confirmed(client, reader)[1]
    path = f"/welcome/{link_token('preferences', reader.handle, reader.secret)}/"
    client.head(path)
    assert "Send me today’s now" in words_of(client.get(path).content.decode())
    assert Delivery.objects.count() == 0
    for _ in range(2):
        words = words_of(client.post(path).content.decode())
        assert re.search(
            r"Today’s mail is on its way to you\. The next one comes on \w+ \d+ \w+, soon after 00:30, when",
            words,
        )
        assert "Send me" not in words
    assert list(Delivery.objects.values_list("subscriber", "state")) == [(reader.pk, "pending")]


def test_the_welcome_offers_nothing_that_cannot_be_sent(client: Client) -> None:
    make_edition(date=timezone.now().date(), papers=[(make_paper(), [])])
    reader = make_subscriber(state="pending", topics={make_topic(slug="agents"): "normal"})
    welcome = confirmed(client, reader)[1]
    assert "The latest edition has nothing under your topics" in welcome and "Send me" not in welcome


@pytest.mark.parametrize(
    ("state", "first"),
    [("sending", "Friday 20 November at 18:00"), ("closed", "Saturday 21 November at 18:00")],
)
def test_the_welcome_promises_no_hour_of_an_edition_that_has_closed(
    client: Client, monkeypatch: pytest.MonkeyPatch, state: str, first: str
) -> None:
    agents, out = make_topic(slug="agents"), datetime(2026, 11, 20, 0, 30, tzinfo=UTC)
    papers = [(make_paper(), [agents])]
    make_edition(date=out.date(), papers=papers, state=state, frozen_at=out, released_at=out)
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
    reader = make_subscriber(state="pending", topics={agents: "normal"})
    welcome = confirmed(client, reader, timezone="UTC", hour=18)[1]
    assert f"Your first mail comes on {first}." in welcome


def test_the_welcome_of_somebody_else_or_of_who_left_is_not_shown(client: Client) -> None:
    left = make_subscriber(state="unsubscribed")
    token = link_token("preferences", left.handle, left.secret)
    for answer in (client.get(f"/welcome/{token}/"), client.post(f"/welcome/{token}/")):
        assert (answer.status_code, answer["Location"]) == (302, link("unsubscribe", left))
    assert client.post(f"/welcome/{token[:-3]}AAA/").status_code == 404
    assert client.post(link("unsubscribe", left).replace("unsubscribe", "welcome")).status_code == 404


def test_an_old_or_unknown_link_says_so_and_shows_no_address(client: Client) -> None:
    reader = make_subscriber(email="ada@example.org", state="pending")
    OutboxMail.objects.create(
        subscriber=reader, kind="confirm", mix=reader.mix, token_hash=one_off_hash("t"),
        handed_over_at=timezone.now() - timedelta(days=4),
    )  # fmt: skip
    for path, status, sentence in [
        ("/confirm/t/", 410, "This link is too old"),
        ("/confirm/u/", 404, "opens nothing"),
    ]:
        for answer in (client.get(path), client.post(path)):
            html = answer.content.decode()
            assert (answer.status_code, faults_of(html)) == (status, [])
            assert sentence in words_of(html) and "example.org" not in html
    assert Subscriber.objects.get().state == "pending"


def test_opening_the_unsubscribe_link_changes_nothing_and_offers_one_button(client: Client) -> None:
    reader = make_subscriber()
    client.head(link("unsubscribe", reader))
    html = client.get(link("unsubscribe", reader)).content.decode()
    reader.refresh_from_db()
    assert reader.state == "active"
    main = html[html.index("<main") : html.index("</main>")]
    assert re.findall(r"<button[^>]*>([^<]+)", main) == ["Unsubscribe"]


def test_who_left_may_come_back_through_a_mail(client: Client) -> None:
    reader = make_subscriber()
    page = client.post(link("unsubscribe", reader), {"leave": "1"})
    assert "You are off the round" in words_of(page.content.decode())
    client.post(link("unsubscribe", reader), {"return": "1"})
    reader.refresh_from_db()
    assert reader.state == "unsubscribed"
    assert list(reader.outbox.values_list("kind", "mix")) == [("confirm", reader.mix_id)]


def test_preferences_show_and_change_the_choice(client: Client) -> None:
    Topic.objects.all().delete()
    agents = make_topic(slug="agents")
    make_topic(slug="theory")
    resting = make_topic(slug="resting", is_active=False)
    reader = make_subscriber(email="ada@example.org", topics={agents: "more", resting: "less"})
    html = client.get(link("preferences", reader)).content.decode()
    assert re.findall(r'name="([^"]+)" value="([^"]+)" checked', html) == [
        ("topic-agents", "more"),
        ("topic-theory", "off"),
        ("length", "10"),
        ("when_empty", "skip"),
        ("language", "en"),
        ("rhythm", "every"),
        *(("days", str(day)) for day in range(7)),
    ]
    assert "a•••@example.org" in html and "ada@example.org" not in html
    answers = {"topic-agents": "off", "topic-theory": "less", "length": "15", "when_empty": "top"}
    page = client.post(link("preferences", reader), answers)
    assert (page.status_code, page["Location"]) == (302, link("preferences", reader) + "?saved=1")
    reader.refresh_from_db()
    chosen = dict(reader.mix.choices.values_list("topic__slug", "weight"))
    assert (chosen, reader.mix.length, reader.mix.when_empty) == (
        {"theory": "less", "resting": "less"},
        15,
        "top",
    )
    assert "Saved." in words_of(client.get(page["Location"]).content.decode())


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"topic-agents": "lots"}, "Agents: choose off, less, normal or more."),
        ({"length": "1000"}, "Choose one of the given answers."),
        ({"length": "NaN"}, "Choose one of the given answers."),
        ({"when_empty": "\0"}, "Choose one of the given answers."),
    ],
)
def test_wrong_preferences_change_nothing_and_say_why(
    client: Client, answers: dict[str, str], sentence: str
) -> None:
    make_topic(slug="agents")
    reader = make_subscriber()
    page = client.post(link("preferences", reader), {"length": "5", "when_empty": "skip", **answers})
    assert page.status_code == 400
    assert sentence in words_of(page.content.decode())
    assert faults_of(page.content.decode()) == []
    before = reader.mix
    reader.refresh_from_db()
    assert reader.mix == before


def test_preferences_of_who_left_lead_to_the_way_back(client: Client) -> None:
    reader = make_subscriber(state="unsubscribed")
    assert client.get(link("preferences", reader))["Location"] == link("unsubscribe", reader)


def test_a_topic_in_the_link_is_ticked_and_an_unknown_one_is_not(client: Client) -> None:
    make_topic(slug="agents")
    html = client.get("/subscribe/?topic=agents&topic=%3Cscript%3E").content.decode()
    assert re.findall(r'value="([^"]+)" checked', html) == ["agents"]
    assert re.findall(r"<script[^>]*>", html) == ['<script src="/static/subscribe.js" defer>']
    assert faults_of(html) == []
