"""Behind the private link: everything to take along, nothing left when erased, and another address."""

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from newsletter import outbox, staying
from newsletter.delivery.closing import balance, close_if_done
from newsletter.models import Delivery, Edition, Event, OutboxMail, Subscriber, WeightChange
from newsletter.own_data.export import LEFT_OUT, everything
from newsletter.own_data.moving import forget_addresses
from newsletter.suppression import suppress, suppressed
from newsletter.tokens import link_token, one_off_hash
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic
from tests.pages import buttons_of, faults_of, words_of

pytestmark = pytest.mark.django_db


def desk(reader: Subscriber, page: str = "preferences") -> str:
    return f"/{page}/{link_token(page, reader.handle, reader.secret)}/"


def mailed(pattern: str, message: Any = None) -> str:
    """The path of the only such link in the latest mail, the same in its text and in its HTML."""
    message = message or mail.outbox[-1]
    found = [re.findall(rf"https?://[^/]+({pattern})", part) for part in (message.body, html_of(message))]
    assert found[0] == found[1] and len(found[0]) == 1
    path: str = found[0][0]
    return path


def html_of(message: Any) -> str:
    html: str = message.alternatives[0].content
    return html


def private_link(client: Client, reader: Subscriber) -> str:
    """Ask for it on the desk, and read it in the mail."""
    assert client.post(desk(reader), {"private": "1"})["Location"] == desk(reader) + "?mailed=1"
    assert outbox.send_pending(now=timezone.now()) == 1
    assert mail.outbox[-1].to == [reader.email]
    return mailed(r"/private/[\w-]{43}/")


def a_reader_with_a_past(**fields: Any) -> Subscriber:
    """Somebody of whom every table has something."""
    agents, paper = make_topic(slug="agents", name="Agents"), make_paper(title="Why")
    reader = make_subscriber(email="ada@example.org", topics={agents: "more"}, **fields)
    edition = make_edition(date=date(2026, 11, 20), papers=[(paper, [agents])], state="sending")
    row = make_delivery(edition, reader, state="accepted", message_id="<1@papers>")
    Event.objects.create(event_id="e1", event_type="delivered", delivery=row)
    WeightChange.objects.create(
        subscriber=reader, topic=agents, paper=paper, before="normal", after="more", changed_at=timezone.now()
    )
    LogEntry.objects.create(
        user=User.objects.create_user("editor"),
        content_type=ContentType.objects.get_for_model(Subscriber),
        object_id=str(reader.pk),
        object_repr=str(reader),
        action_flag=CHANGE,
        change_message=json.dumps([{"changed": {"fields": ["hour"]}}]),
    )
    return reader


def names(reader_email: str) -> list[str]:
    """Every table and column of text in the database that holds this address."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying', 'jsonb')"
        )
        found = []
        for table, column in cursor.fetchall():
            cursor.execute(
                f'SELECT 1 FROM "{table}" WHERE "{column}"::text ILIKE %s LIMIT 1', [f"%{reader_email}%"]
            )
            if cursor.fetchone():
                found.append(f"{table}.{column}")
        return found


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
    assert OutboxMail.objects.filter(to_key="victim@example.org").count() == 3


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
