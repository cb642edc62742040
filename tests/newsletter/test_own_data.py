"""Behind the private link: everything to take along, nothing left when erased, and every asked-for mail."""

import json
import re
from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.utils import timezone

from newsletter import outbox, signup, staying
from newsletter.addresses import parse_address
from newsletter.delivery.closing import balance, close_if_done
from newsletter.mixes import LENGTHS, mix_for
from newsletter.models import Delivery, Edition, Event, OutboxMail, Subscriber, WeightChange
from newsletter.own_data import links
from newsletter.own_data.erasing import erase
from newsletter.own_data.export import LEFT_OUT, everything
from newsletter.suppression import suppress, suppressed
from newsletter.tokens import one_off_hash
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic
from tests.pages import buttons_of, faults_of, words_of
from tests.private_links import a_reader_with_a_past, desk, html_of, mailed, names, private_link

pytestmark = pytest.mark.django_db


def test_the_download_holds_everything_of_this_reader_and_of_no_other(client: Client) -> None:
    reader = a_reader_with_a_past(timezone="Europe/Berlin", hour=7)
    other = make_subscriber(email="eve@example.org")
    make_delivery(Edition.objects.get(), other)
    link = private_link(client, reader)
    answer = client.post(link, {"export": "1"})
    assert answer["Content-Disposition"] == 'attachment; filename="what-is-stored.json"'
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/json", "no-store")
    told = json.loads(answer.content)
    choice = {"topics": {"Agents": "more"}, "length": 10, "language": "en", "when_empty": "skip"}
    assert told["reader"]["email"] == "ada@example.org"
    assert (told["reader"]["hour"], told["reader"]["choice"]) == (7, choice)
    (row,) = told["deliveries"]
    assert (row["last_on"], row["state"], row["message_id"], row["choice"]) == (
        "2026-11-20", "accepted", "<1@papers>", choice,
    )  # fmt: skip
    assert [event["event_type"] for event in row["events"]] == ["delivered"]
    assert [(one["topic"], one["paper"], one["after"]) for one in told["weight_changes"]] == [
        ("Agents", "Why", "more")
    ]
    assert [(one["kind"], one["state"]) for one in told["mails_asked_for"]] == [("private", "accepted")]
    assert [one["what"] for one in told["changes_by_editors"]] == ["Changed hour."]
    text = answer.content.decode()
    assert "eve@example.org" not in text
    for key in (reader.secret, OutboxMail.objects.get().token_hash):
        assert key not in text


def test_no_table_that_points_at_a_reader_is_missing_from_the_download() -> None:
    pointing = {found.related_model for found in Subscriber._meta.related_objects}
    assert pointing == {OutboxMail, Delivery, WeightChange}
    reader = a_reader_with_a_past()
    told = everything(reader, now=timezone.now())
    for model, row in [(Subscriber, told["reader"]), (Delivery, told["deliveries"][0])]:
        columns = {field.name for field in model._meta.concrete_fields}
        assert columns - LEFT_OUT[model] <= set(row)
    keys = {name for left_out in LEFT_OUT.values() for name in left_out}
    assert keys <= {
        *("id", "secret", "token_hash", "token", "lease_until", "address_hash"),  # ours, and keys
        *("subscriber", "delivery", "mix", "edition", "topic", "paper"),  # told in words
    }


def test_strangers_cannot_keep_a_reader_from_the_private_link(client: Client) -> None:
    """Whoever knows the address may ask for mail to it, by any door, every day."""
    reader, stranger = make_subscriber(email="ada@example.org"), make_subscriber()
    mover = private_link(client, stranger)
    for day in range(2):
        now = timezone.now() + timedelta(days=day, minutes=day)
        for number in range(3):
            mix = mix_for({make_topic(): "normal"}, length=LENGTHS[number])
            signup.request_subscription(parse_address(reader.email), mix, now=now)
            signup.request_preferences_link(parse_address(reader.email), now=now)
            client.post(mover, {"move": "1", "email": reader.email})
            outbox.send_pending(now=now)
        links.request_link(reader.pk, now=now)
        assert outbox.send_pending(now=now) == 1
        assert (mail.outbox[-1].to, "/private/" in mail.outbox[-1].body) == ([reader.email], True)
        assert len([one for one in mail.outbox if one.to == [reader.email]]) == 3 * (day + 1)


def test_erasing_asks_once_more_and_leaves_nothing_that_names_the_reader(client: Client) -> None:
    reader = a_reader_with_a_past()
    suppress("bounced@example.org", "bounced")
    link = private_link(client, reader)
    assert names("ada@example.org") != []
    asked = client.post(link, {"erase": "ask"})
    assert (asked.status_code, faults_of(asked.content.decode())) == (200, [])
    assert "Erase everything?" in words_of(asked.content.decode())
    assert Subscriber.objects.count() == 1
    page = client.post(link, {"erase": "yes"})
    assert (page.status_code, faults_of(page.content.decode())) == (200, [])
    assert "You are forgotten" in words_of(page.content.decode())
    assert names("ada@example.org") == []
    assert (Subscriber.objects.count(), Delivery.objects.count(), OutboxMail.objects.count()) == (0, 0, 0)
    assert list(Event.objects.values_list("event_id", "delivery")) == [("e1", None)]
    assert LogEntry.objects.get().object_repr == "a reader who was erased"
    assert balance(Edition.objects.get()).is_even
    for path in (link, desk(reader), desk(reader, "unsubscribe")):
        assert client.post(path, {"erase": "yes", "leave": "1"}).status_code == 404


def test_a_link_that_went_stale_meanwhile_erases_nobody_and_who_is_gone_is_erased() -> None:
    reader = make_subscriber()
    link = OutboxMail.objects.create(subscriber=reader, kind="private", handed_over_at=timezone.now())
    OutboxMail.objects.update(used_at=timezone.now())
    assert (erase(link, now=timezone.now()), Subscriber.objects.count()) == (False, 1)
    OutboxMail.objects.update(used_at=None)
    assert [erase(link, now=timezone.now()) for _ in range(2)] == [True, True]
    assert Subscriber.objects.count() == 0


@pytest.mark.parametrize("at_once", [True, False])
def test_deleting_a_reader_in_the_admin_leaves_no_name_either(admin_client: Client, at_once: bool) -> None:
    reader = a_reader_with_a_past()
    path = "/admin/newsletter/subscriber/"
    if at_once:
        chosen = {"action": "delete_selected", "_selected_action": reader.pk, "post": "yes"}
        assert admin_client.post(path, chosen).status_code == 302
    else:
        assert admin_client.post(f"{path}{reader.pk}/delete/", {"post": "yes"}).status_code == 302
    # But for the note to whoever deleted, which is shown once.
    assert [where for where in names("ada@example.org") if "session" not in where] == []
    assert set(LogEntry.objects.values_list("object_repr", flat=True)) == {"a reader who was erased"}


def test_a_suppression_outlives_the_reader(client: Client) -> None:
    reader = make_subscriber(email="ada@example.org")
    link = private_link(client, reader)
    suppress("ada@example.org", "complained")
    told = json.loads(client.post(link, {"export": "1"}).content)
    assert [row["reason"] for row in told["kept_from_mail"]] == ["complained"]
    client.post(link, {"erase": "yes"})
    assert suppressed(["ada@example.org"]) == {"ada@example.org"}


def test_an_edition_closes_though_readers_of_every_state_are_erased(client: Client) -> None:
    edition = make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])], state="sending")
    now = timezone.now()
    for state in Delivery.State:
        reader = make_subscriber(topics={})
        make_delivery(edition, reader, state=state)
        OutboxMail.objects.create(
            subscriber=reader, kind="private", token_hash=one_off_hash(f"t-{state}"), handed_over_at=now
        )
        assert client.post(f"/private/t-{state}/", {"erase": "yes"}).status_code == 200
    assert balance(edition).planned == 0
    next_day = edition.date + timedelta(days=1)
    make_edition(date=next_day, frozen_at=now + timedelta(hours=1))
    close_if_done(edition, now=now + timedelta(days=2))
    edition.refresh_from_db()
    assert edition.state == "closed"


@pytest.mark.parametrize(
    "answers", [{"export": "1"}, {"erase": "yes"}, {"move": "1", "email": "b@example.org"}]
)
def test_after_an_hour_a_private_link_does_nothing(client: Client, answers: dict[str, str]) -> None:
    reader = make_subscriber()
    link = private_link(client, reader)
    OutboxMail.objects.update(handed_over_at=timezone.now() - timedelta(minutes=61))
    for page in (client.get(link), client.post(link, answers)):
        assert (page.status_code, faults_of(page.content.decode())) == (410, [])
        assert "This link is too old" in words_of(page.content.decode())
        assert reader.email not in page.content.decode()
    assert (Subscriber.objects.count(), OutboxMail.objects.count()) == (1, 1)


@pytest.mark.parametrize("token", ["nobody", "ü", "x" * 200, "a.b"])
def test_an_unknown_private_link_opens_nothing(client: Client, token: str) -> None:
    for page in ("private", "move"):
        assert client.get(f"/{page}/{token}/").status_code == 404
        assert client.post(f"/{page}/{token}/", {"erase": "yes", "move": "1"}).status_code == 404


def test_links_of_one_kind_open_no_page_of_another(client: Client) -> None:
    reader = make_subscriber()
    link = private_link(client, reader)
    for other in ("confirm", "move", "preferences", "unsubscribe"):
        assert client.get(link.replace("/private/", f"/{other}/")).status_code == 404
    for page in ("preferences", "unsubscribe"):
        assert client.get(desk(reader, page).replace(f"/{page}/", "/private/")).status_code == 404


def test_looking_at_private_pages_changes_nothing_and_shows_no_address(client: Client) -> None:
    reader = make_subscriber(email="ada@example.org")
    link = private_link(client, reader)
    client.post(link, {"move": "1", "email": "new@example.org"})
    outbox.send_pending(now=timezone.now())
    before = [list(model.objects.values()) for model in (Subscriber, OutboxMail)]
    for path in (link, mailed(r"/move/[\w-]{43}/")):
        for _ in range(2):
            client.head(path + "?erase=yes&move=1&export=1")
            page = client.get(path + "?erase=yes&move=1&export=1")
            assert (page.status_code, faults_of(page.content.decode())) == (200, [])
            assert "ada@example.org" not in page.content.decode()
            headers = [page[name] for name in ("Referrer-Policy", "Cache-Control", "X-Robots-Tag")]
            assert headers == ["no-referrer", "no-store", "noindex"]
    assert [list(model.objects.values()) for model in (Subscriber, OutboxMail)] == before


def test_who_left_may_still_be_mailed_a_private_link(client: Client) -> None:
    reader = make_subscriber()
    staying.unsubscribe(reader.pk, now=timezone.now())
    page = client.post(desk(reader, "unsubscribe"), {"private": "1"})
    assert (page.status_code, faults_of(page.content.decode())) == (200, [])
    assert outbox.send_pending(now=timezone.now()) == 1
    link = mailed(r"/private/[\w-]{43}/")
    html = client.get(link).content.decode()
    assert buttons_of(html) == ["export", "erase"]
    client.post(link, {"erase": "yes"})
    assert Subscriber.objects.count() == 0


@pytest.mark.parametrize("state", ["pending", "suppressed"])
def test_nobody_else_is_mailed_a_private_link(client: Client, state: str) -> None:
    reader = make_subscriber(state=state)
    client.post(desk(reader, "unsubscribe"), {"private": "1"})
    assert reader.outbox.count() == 0


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", list(OutboxMail.Kind))
def test_every_mail_is_whole_in_text_and_html_and_speaks_the_readers_language(
    kind: str, language: str
) -> None:
    reader = make_subscriber(topics={make_topic(): "more"})
    reader.mix.language = language
    to = {"to": "new@example.org", "to_key": "new@example.org"} if kind in ("move", "moved") else {}
    message = outbox.compose(OutboxMail(subscriber=reader, kind=kind, **to), "t" * 43)
    html = html_of(message)
    assert faults_of(html) == [] and f'<html lang="{language}">' in html
    assert message.extra_headers["Content-Language"] == language
    assert message.subject and "\n" not in message.subject
    for part in (message.body, html, message.subject):
        assert "{" not in re.sub(r"<style>.*?</style>", "", part, flags=re.DOTALL) and "None" not in part
    assert max(map(len, message.body.splitlines())) <= 110
    links = [
        set(re.findall(r"http://[^/]+/(?:confirm|private|move|preferences)/[^/]+/", part))
        for part in (message.body, html)
    ]
    assert links[0] == links[1] and len(links[0]) == (0 if kind == "moved" else 1)
