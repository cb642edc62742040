"""Another address: asked in its inbox, and the old one told; nobody learns who else is a reader."""

import json
import re
import secrets
from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from newsletter import outbox, signup, staying
from newsletter.addresses import parse_address
from newsletter.mixes import mix_for
from newsletter.models import OutboxMail, Subscriber
from newsletter.own_data.moving import forget_addresses
from newsletter.suppression import suppress
from newsletter.tokens import one_off_hash
from tests.factories import make_delivery, make_edition, make_subscriber
from tests.pages import faults_of, words_of
from tests.private_links import a_reader_with_a_past, desk, html_of, mailed, names, private_link

pytestmark = pytest.mark.django_db


def test_moving_takes_the_button_in_the_new_inbox_and_tells_the_old(client: Client) -> None:
    reader = a_reader_with_a_past()
    waits = make_delivery(make_edition(date=date(2026, 11, 21)), reader, state="claimed")
    link, old_desk, old_door = private_link(client, reader), desk(reader), desk(reader, "unsubscribe")
    assert client.post(link, {"move": "1", "email": "Ada@new.example"}).status_code == 200
    outbox.send_pending(now=timezone.now())
    asked = mail.outbox[-1]
    assert asked.to == ["Ada@new.example"]
    # To somebody who may be a stranger: no link of the reader, and not where they are.
    for part in (asked.body, html_of(asked)):
        assert "ada@example.org" not in part and "/unsubscribe/" not in part and "/preferences/" not in part
    move = mailed(r"/move/[\w-]{43}/")
    assert Subscriber.objects.get().email == "ada@example.org"
    for _ in range(2):
        page = client.post(move, {"move": "1"})
        assert (page.status_code, faults_of(page.content.decode())) == (200, [])
        assert "The papers come here now" in words_of(page.content.decode())
    assert "The papers come here now" in words_of(client.get(move).content.decode())
    reader.refresh_from_db()
    assert (reader.email, reader.email_key, reader.state) == ("Ada@new.example", "ada@new.example", "active")
    assert [client.get(path).status_code for path in (old_desk, old_door, link)] == [404, 404, 410]
    assert client.get(desk(reader)).status_code == 200
    waits.refresh_from_db()
    assert (waits.state, waits.token) == ("pending", None)
    outbox.send_pending(now=timezone.now())
    told = mail.outbox[-1]
    assert (told.to, "go elsewhere now" in told.subject) == (["ada@example.org"], True)
    for part in (told.body, html_of(told)):
        assert "new.example" not in part and "/unsubscribe/" not in part and "/subscribe/" in part
    assert len(mail.outbox) == 3


@pytest.mark.parametrize(
    ("holder", "outcome"),
    [
        ({}, 200),
        ({"state": "pending"}, 200),
        ({"state": "unsubscribed", "unsubscribed_at": timezone.now() - timedelta(days=9)}, 200),
        ({"state": "active"}, 409),
        ({"state": "unsubscribed", "unsubscribed_at": timezone.now() + timedelta(days=1)}, 409),
    ],
)
def test_the_answer_is_the_same_whoever_has_the_new_address(
    client: Client, holder: dict[str, Any], outcome: int
) -> None:
    reader = make_subscriber(email="ada@example.org")
    link = private_link(client, reader)
    free = client.post(link, {"move": "1", "email": "free@example.org"})
    if holder:
        make_subscriber(email="new@example.org", **holder)
    page = client.post(link, {"move": "1", "email": "new@example.org"})
    assert (page.status_code, page.content) == (free.status_code, free.content)
    outbox.send_pending(now=timezone.now())
    assert mail.outbox[-1].to == ["new@example.org"]
    done = client.post(mailed(r"/move/[\w-]{43}/"), {"move": "1"})
    assert (done.status_code, faults_of(done.content.decode())) == (outcome, [])
    reader.refresh_from_db()
    assert reader.email == ("new@example.org" if outcome == 200 else "ada@example.org")
    assert Subscriber.objects.filter(email="new@example.org").count() == 1


def test_a_suppressed_address_gets_no_mail_and_the_answer_is_the_same(client: Client) -> None:
    reader = make_subscriber()
    link = private_link(client, reader)
    suppress("bounced@example.org", "bounced")
    first = client.post(link, {"move": "1", "email": "bounced@example.org"})
    assert outbox.send_pending(now=timezone.now()) == 0
    assert first.content == client.post(link, {"move": "1", "email": "free@example.org"}).content


@pytest.mark.parametrize(
    "email", ["", "ada", "a@b.co\r\nBcc: eve@example.org", "a@b.co, c@d.co", "ada@localhost"]
)
def test_what_is_not_one_address_is_asked_for_again(client: Client, email: str) -> None:
    reader = make_subscriber()
    page = client.post(private_link(client, reader), {"move": "1", "email": email})
    html = page.content.decode()
    assert (page.status_code, faults_of(html)) == (400, [])
    assert re.search(r'role="alert"><p>[A-Z][^<]+\.</p>', html)
    assert reader.outbox.count() == 1


def test_a_reader_asks_three_addresses_a_day_at_most_and_only_the_last_link_works(client: Client) -> None:
    reader = make_subscriber()
    link = private_link(client, reader)
    for number in range(5):
        client.post(link, {"move": "1", "email": f"new{number}@example.org"})
        outbox.send_pending(now=timezone.now())
    moves = [message for message in mail.outbox if "/move/" in message.body]
    assert [message.to for message in moves] == [[f"new{number}@example.org"] for number in range(3)]
    codes = [client.get(mailed(r"/move/[\w-]{43}/", message)).status_code for message in moves]
    assert codes == [410, 410, 200]


def test_a_victim_gets_three_mails_a_day_from_whomever() -> None:
    for number in range(6):
        reader, client = make_subscriber(), Client()
        OutboxMail.objects.create(
            subscriber=reader, kind="private", token_hash=one_off_hash(f"t{number}"),
            handed_over_at=timezone.now(), state="accepted",
        )  # fmt: skip
        client.post(f"/private/t{number}/", {"move": "1", "email": "victim@example.org"})
    mails = OutboxMail.objects.filter(to_key="victim@example.org")
    assert mails.exclude(state="rejected").count() == 3


def test_word_to_the_old_inbox_waits_where_that_has_had_its_three_mails(client: Client) -> None:
    reader = make_subscriber(email="ada@example.org")
    link = private_link(client, reader)
    for _ in range(2):
        client.post(desk(reader), {"private": "1"})
        assert outbox.send_pending(now=timezone.now()) == 1
    client.post(link, {"move": "1", "email": "new@example.org"})
    outbox.send_pending(now=timezone.now())
    client.post(mailed(r"/move/[\w-]{43}/"), {"move": "1"})
    assert outbox.send_pending(now=timezone.now()) == 0
    # What went to the old inbox counts for the old one: the new one has room.
    reader.refresh_from_db()
    client.post(desk(reader), {"private": "1"})
    assert outbox.send_pending(now=timezone.now()) == 1
    assert outbox.send_pending(now=timezone.now() + timedelta(hours=24, minutes=1)) == 1
    assert mail.outbox[-1].to == ["ada@example.org"]


@pytest.mark.parametrize("leave_first", [True, False])
def test_who_leaves_is_not_moved(client: Client, leave_first: bool) -> None:
    reader = make_subscriber(email="ada@example.org")
    link = private_link(client, reader)
    if leave_first:
        staying.unsubscribe(reader.pk, now=timezone.now())
    client.post(link, {"move": "1", "email": "new@example.org"})
    sent = outbox.send_pending(now=timezone.now())
    assert sent == (0 if leave_first else 1)
    if not leave_first:
        staying.unsubscribe(reader.pk, now=timezone.now())
        page = client.post(mailed(r"/move/[\w-]{43}/"), {"move": "1"})
        assert page.status_code == 410 and "You left after asking" in words_of(page.content.decode())
    assert Subscriber.objects.get().email == "ada@example.org"


def test_addresses_that_mails_went_to_are_forgotten_after_two_days() -> None:
    reader, now = make_subscriber(email="ada@example.org"), timezone.now()
    for days, state in [(3, "accepted"), (1, "accepted"), (3, "pending")]:
        one = OutboxMail.objects.create(
            subscriber=reader, kind="move", state=state, to=f"{state}{days}@example.org",
            to_key=f"{state}{days}@example.org", handed_over_at=now - timedelta(days=days),
        )  # fmt: skip
        OutboxMail.objects.filter(pk=one.pk).update(created_at=now - timedelta(days=days))
    assert forget_addresses(now=now) == 1
    assert names("accepted3@example.org") == []
    kept = OutboxMail.objects.exclude(to="").order_by("to").values_list("to", flat=True)
    assert list(kept) == ["accepted1@example.org", "pending3@example.org"]


def test_nothing_a_reader_can_do_tells_whether_an_address_is_suppressed(client: Client) -> None:
    suppress("bounced@example.org", "bounced")
    seen = []
    for other in ("bounced@example.org", "free@example.org"):
        reader = make_subscriber()
        link = private_link(client, reader)
        client.post(link, {"move": "1", "email": f"own-{other}"})
        outbox.send_pending(now=timezone.now())
        own = mailed(r"/move/[\w-]{43}/")
        for _ in range(2):
            client.post(link, {"move": "1", "email": other})
            outbox.send_pending(now=timezone.now())
        # An earlier link is void, there is no fourth request, and the download says the same.
        before = len(mail.outbox)
        client.post(link, {"move": "1", "email": f"own2-{other}"})
        asked = json.loads(client.post(link, {"export": "1"}).content)["mails_asked_for"]
        told = [[*sorted(one), one["kind"], one["used_at"] is None] for one in asked]
        seen.append((client.get(own).status_code, outbox.send_pending(now=timezone.now()), told))
        assert len(mail.outbox) == before
    assert seen[0] == seen[1]
    assert seen[0][:2] == (410, 0)


def test_who_has_the_old_inbox_learns_nothing_from_the_link_that_confirmed(client: Client) -> None:
    signup.request_subscription(parse_address("ada@example.org"), mix_for({}), now=timezone.now())
    outbox.send_pending(now=timezone.now())
    confirm = mailed(r"/confirm/[\w-]{43}/")
    assert client.post(confirm, {"confirm": "1"}).status_code == 200
    _move(client, Subscriber.objects.get(), "ada@new.example")
    assert [client.get(confirm).status_code, client.post(confirm, {"confirm": "1"}).status_code] == [404, 404]


def test_moving_on_does_not_stop_the_word_to_the_first_inbox(client: Client) -> None:
    reader = make_subscriber(email="ada@example.org")
    for to in ("b@new.example", "c@new.example"):
        _move(client, reader, to)
    words = OutboxMail.objects.filter(kind="moved", state="pending").order_by("pk")
    assert list(words.values_list("to", flat=True)) == ["ada@example.org", "b@new.example"]
    _move(client, reader, "ada@example.org")
    assert list(words.values_list("to", flat=True)) == ["b@new.example", "c@new.example"]
    sent = len(mail.outbox)
    assert outbox.send_pending(now=timezone.now()) == 2
    assert [message.to for message in mail.outbox[sent:]] == [["b@new.example"], ["c@new.example"]]


def _move(client: Client, reader: Subscriber, to: str) -> None:
    """Move the reader, with nothing mailed."""
    token, address = secrets.token_urlsafe(32), parse_address(to)
    OutboxMail.objects.create(
        subscriber=reader, kind="move", to=address.email, to_key=address.key, state="accepted",
        handed_over_at=timezone.now(), token_hash=one_off_hash(token),
    )  # fmt: skip
    assert client.post(f"/move/{token}/", {"move": "1"}).status_code == 200
    reader.refresh_from_db()
    assert reader.email_key == address.key
