"""Nobody learns from an answer who subscribes: the same bytes, the same headers, on even steps of time."""

import re
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.models import OutboxMail, Subscriber
from newsletter.people.evenly import rest_of_step
from newsletter.suppression import suppress
from newsletter.tokens import one_off_hash
from tests.factories import make_subscriber, make_topic
from tests.newsletter.test_people import rendered

pytestmark = pytest.mark.django_db

KINDS = (
    *("new", "asked", "asked.at.once", "reader", "paused", "left", "left.long.ago", "bounced", "complained"),
    *("erased", "erased.and.complained", "mailed.three.times", "imported"),
)


def address(kind: str) -> str:
    """All of one length, for some answers repeat what was typed."""
    return f"{kind:x<24}@example.org"


def gather() -> None:
    """One address of each kind."""
    now = timezone.now()
    make = make_subscriber
    make(email=address("asked"), state="pending")
    make(email=address("reader"), topics={make_topic(slug="agents"): "more"}, hour=7)
    make(email=address("paused"), paused_until=(now + timedelta(days=9)).date())
    make(email=address("left"), state="unsubscribed", unsubscribed_at=now)
    make(email=address("left.long.ago"), state="unsubscribed", unsubscribed_at=now - timedelta(days=99))
    make(email=address("bounced"), state="suppressed")
    make(email=address("imported"), origin="import")
    suppress(address("bounced"), "bounced")
    for name in ("complained", "erased.and.complained"):
        suppress(address(name), "complained")
    for name in ("erased", "erased.and.complained"):
        make(email=address(name)).delete()
    mailed = make(email=address("mailed.three.times"))
    for _ in range(3):
        OutboxMail.objects.create(subscriber=mailed, kind="confirm", mix=mailed.mix, state="accepted")
    waiting = make(email=address("asked.at.once"), state="pending")
    OutboxMail.objects.create(subscriber=waiting, kind="confirm", mix=waiting.mix)


def short_form(client: Client, email: str) -> Any:
    return client.post("/subscribe/", _honest(email) | {"topics": ["agents"]})


def whole_form(client: Client, email: str) -> Any:
    choice = {"topics": ["agents"], "length": "5", "days": "fri", "hour": "7", "timezone": "Europe/Berlin"}
    return client.post("/subscribe/", _honest(email) | choice)


def lost_link(client: Client, email: str) -> Any:
    return client.post("/preferences/", _honest(email))


def other_site(client: Client, email: str) -> Any:
    answer = client.post("/embed/", {"email": email, "topics": ["agents"]})
    answer.content = answer.content.replace(email.encode(), b"")  # as it was typed
    return answer


def move(client: Client, email: str) -> Any:
    """From behind the private link of a reader."""
    number = 1000 + Subscriber.objects.count()
    reader = make_subscriber(email=f"mover{number}@example.org")
    OutboxMail.objects.create(
        subscriber=reader, kind="private", token_hash=one_off_hash(f"t{number}"), state="accepted",
        handed_over_at=timezone.now(),
    )  # fmt: skip
    answer = client.post(f"/private/t{number}/", {"move": "1", "email": email})
    answer.content = answer.content.replace(f"/private/t{number}/".encode(), b"")
    return answer


def _honest(email: str) -> dict[str, Any]:
    return {"email": email, "rendered": rendered(), "website": ""}


DOORS = [short_form, whole_form, lost_link, other_site, move]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("door", DOORS)
def test_every_address_is_answered_with_the_same_bytes_and_headers(
    door: Callable[[Client, str], Any], language: str
) -> None:
    gather()
    answers = [door(Client(HTTP_ACCEPT_LANGUAGE=language), address(kind)) for kind in KINDS for _ in range(2)]
    shown = {(_steady(answer.content), _headers(answer), tuple(answer.cookies)) for answer in answers}
    assert ({answer.status_code for answer in answers}, len(shown)) == ({200}, 1)


def _steady(content: bytes) -> bytes:
    """Without what is signed or drawn anew for everybody."""
    return re.sub(rb'name="(csrfmiddlewaretoken|rendered)" value="[^"]*"', b"", content)


def _headers(answer: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in answer.items() if name != "Expires"))


@pytest.mark.parametrize("door", [short_form, whole_form, lost_link, move])
@pytest.mark.parametrize("kind", ["new", "reader", "complained"])
def test_an_answer_leaves_no_sooner_than_its_step(
    client: Client, settings: Any, door: Callable[[Client, str], Any], kind: str
) -> None:
    gather()
    settings.ANSWER_STEP_SECONDS = 0.1
    began = monotonic()
    assert door(client, address(kind)).status_code == 200
    assert monotonic() - began >= 0.1  # never less, whatever the machine does


@pytest.mark.parametrize(
    ("spent", "step", "rest"),
    [(0.0, 0.1, 0.1), (0.03, 0.1, 0.07), (0.1, 0.1, 0.1), (0.25, 0.1, 0.05), (7.0, 0, 0.0)],
)
def test_the_rest_of_a_step(spent: float, step: float, rest: float) -> None:
    assert rest_of_step(spent, step) == pytest.approx(rest)
