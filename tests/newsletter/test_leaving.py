"""Leaving, what is offered instead, and that leaving wins."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from newsletter import staying
from newsletter.models import OutboxMail, Subscriber
from newsletter.staying import Instead
from newsletter.suppression import suppress
from newsletter.tokens import link_token
from tests.factories import make_subscriber, make_topic
from tests.pages import buttons_of, faults_of, hidden_field, words_of

pytestmark = pytest.mark.django_db


def door(reader: Subscriber) -> str:
    return f"/unsubscribe/{link_token('unsubscribe', reader.handle, reader.secret)}/"


def leave(client: Client, reader: Subscriber) -> str:
    """Press the button; the moment that the page remembers."""
    html = client.post(door(reader), {"leave": "1"}).content.decode()
    assert faults_of(html) == []
    return hidden_field(html, "left")


@pytest.mark.parametrize(
    ("instead", "weekdays", "length", "pause"),
    [("same", 127, 10, None), ("weekly", 16, 10, None), ("fewer", 127, 5, None), ("pause", 127, 10, 28)],
)
def test_who_has_just_left_comes_back_with_one_press_and_less(
    client: Client, instead: str, weekdays: int, length: int, pause: int | None
) -> None:
    reader = make_subscriber(topics={make_topic(slug="agents"): "more"}, timezone="UTC")
    confirmed_at, left = reader.confirmed_at, leave(client, reader)
    page = client.post(door(reader), {"left": left, "instead": instead})
    desk = f"/preferences/{link_token('preferences', reader.handle, reader.secret)}/"
    assert (page.status_code, page["Location"]) == (302, f"{desk}?back=1")
    now = timezone.now()
    reader.refresh_from_db()
    assert (reader.state, reader.unsubscribed_at, reader.confirmed_at) == ("active", None, confirmed_at)
    assert (reader.weekdays, reader.mix.length) == (weekdays, length)
    assert reader.paused_until == (now.date() + timedelta(days=pause) if pause else None)
    assert reader.mix.choices.get().weight == "more"
    assert reader.active_from is not None and now - reader.active_from < timedelta(minutes=1)
    assert "You are on the round again." in words_of(client.get(page["Location"]).content.decode())


def test_only_what_is_less_is_offered(client: Client) -> None:
    reader = make_subscriber(weekdays=1)
    html = client.post(door(reader), {"leave": "1"}).content.decode()
    assert re.findall(r'name="instead" value="(\w+)"', html) == ["fewer", "pause", "same"]


def test_one_click_leaves_the_same_way_back_on_the_page(client: Client) -> None:
    reader = make_subscriber()
    client.post(door(reader), {"List-Unsubscribe": "One-Click"})
    left = hidden_field(client.get(door(reader)).content.decode(), "left")
    client.post(door(reader), {"left": left, "instead": "same"})
    assert Subscriber.objects.get().state == "active"


def test_leaving_once_more_makes_the_way_back_on_an_open_page_void(client: Client) -> None:
    reader = make_subscriber()
    left = leave(client, reader)
    client.post(door(reader), {"List-Unsubscribe": "One-Click"})
    page = client.post(door(reader), {"left": left, "instead": "same"})
    assert (page.status_code, faults_of(page.content.decode())) == (409, [])
    assert "you are still off the round" in words_of(page.content.decode())
    assert Subscriber.objects.get().state == "unsubscribed"


@pytest.mark.parametrize(
    "answers",
    [
        {"instead": "same"},
        {"instead": "same", "left": "yesterday"},
        {"instead": "same", "left": "2026-11-20"},
        {"instead": "all"},
    ],
)
def test_a_way_back_that_names_no_moment_or_nothing_known_changes_nothing(
    client: Client, answers: dict[str, Any]
) -> None:
    reader = make_subscriber()
    left = leave(client, reader)
    answers = {"left": left, **answers} if answers["instead"] == "all" else answers
    assert client.post(door(reader), answers).status_code == 409
    assert Subscriber.objects.get().state == "unsubscribed"


def test_after_an_hour_the_way_back_is_a_mail(client: Client) -> None:
    reader = make_subscriber()
    left_at = timezone.now() - timedelta(minutes=61)
    staying.unsubscribe(reader.pk, now=left_at)
    html = client.get(door(reader)).content.decode()
    assert buttons_of(html) == ["return", "private"]
    now = timezone.now()
    assert not staying.come_back(reader.pk, left_at=left_at, instead=Instead.SAME, now=now)
    assert Subscriber.objects.get().state == "unsubscribed"


def test_nobody_comes_back_whose_mail_bounced_meanwhile() -> None:
    reader, now = make_subscriber(), timezone.now()
    staying.unsubscribe(reader.pk, now=now)
    suppress(reader.email_key, "bounced")
    assert not staying.come_back(reader.pk, left_at=now, instead=Instead.SAME, now=now)


def test_who_never_confirmed_has_no_way_back_by_itself() -> None:
    reader, now = make_subscriber(state="pending"), timezone.now()
    staying.unsubscribe(reader.pk, now=now)
    assert not staying.come_back(reader.pk, left_at=now, instead=Instead.SAME, now=now)


def test_leaving_voids_links_but_the_private_one_and_stops_waiting_mails_but_word_of_a_move() -> None:
    reader, now = make_subscriber(), timezone.now()
    for kind in OutboxMail.Kind:
        for state in ("accepted", "pending"):
            OutboxMail.objects.create(subscriber=reader, kind=kind, state=state)
    staying.unsubscribe(reader.pk, now=now)
    void = reader.outbox.exclude(used_at=None).values_list("kind", flat=True).distinct().order_by("kind")
    assert list(void) == ["confirm", "move", "preferences"]
    waiting = reader.outbox.filter(state="pending").values_list("kind", flat=True)
    assert list(waiting) == ["moved"]
