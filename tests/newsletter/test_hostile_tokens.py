"""Mailed links with others, with robots, or used twice: the hostile cases 24 to 36 of docs/security.md."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.forms.models import model_to_dict
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from newsletter import outbox
from newsletter.models import OutboxMail, Subscriber, TopicMix
from newsletter.suppression import suppress
from newsletter.tokens import link_token, new_one_off, one_off_hash
from tests.factories import make_subscriber, make_topic
from tests.newsletter.test_people import rendered
from tests.pages import faults_of, words_of
from tests.website import Website

pytestmark = pytest.mark.django_db

PRIVATE_HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


# Mailed anew whenever asked for; and in every mail, where `welcome` opens by the token of `preferences`.
ONE_OFF = ("confirm", "private", "move")
RECURRING = ("unsubscribe", "preferences", "welcome")
PAGES = (*ONE_OFF, *RECURRING)


def link(page: str, reader: Subscriber, *, sent: datetime | None = None) -> str:
    """The path of this page for this reader; of a one-off link, as mailed at `sent`."""
    if page in RECURRING:
        purpose = "preferences" if page == "welcome" else page
        return f"/{page}/{link_token(purpose, reader.handle, reader.secret)}/"
    token = new_one_off()
    there = f"new-{reader.email}" if page == "move" else ""
    OutboxMail.objects.create(
        subscriber=reader, kind=page, mix=reader.mix if page == "confirm" else None, state="accepted",
        to=there, to_key=there, token_hash=one_off_hash(token), handed_over_at=sent or timezone.now(),
    )  # fmt: skip
    return f"/{page}/{token}/"


def reader_for(page: str, email: str = "ada@example.org") -> Subscriber:
    return make_subscriber(email=email, state="pending" if page == "confirm" else "active")


def everything() -> list[dict[str, Any]]:
    """All that the database knows of readers, their choices and their mails."""
    rows = [*Subscriber.objects.order_by("pk"), *OutboxMail.objects.order_by("pk")]
    return [model_to_dict(row) for row in rows] + list(TopicMix.objects.order_by("pk").values())


def asks_of(client: Client, path: str) -> list[Any]:
    """What scanners, previews and impatient people do with a link before anybody presses a button."""
    presses = {"leave": "1", "List-Unsubscribe": "One-Click", "length": "5", "erase": "yes"}
    looks = [method(path) for _ in range(3) for method in (client.get, client.head)]
    return [*looks, client.get(path, presses), client.options(path)]


@pytest.mark.parametrize("page", PAGES)
def test_24_opening_a_link_any_number_of_times_changes_nothing(client: Client, page: str) -> None:
    reader = reader_for(page)
    path = link(page, reader)
    before = everything()
    answers = asks_of(client, path)
    assert [answer.status_code for answer in answers] == [200] * 7 + [405]
    assert [dict(answer.cookies) for answer in answers] == [{}] * 8
    assert (everything(), mail.outbox) == (before, [])


def test_25_confirming_again_and_again_is_no_different_from_once(client: Client) -> None:
    reader = make_subscriber(state="pending")
    path = link("confirm", reader)
    first = client.post(path)
    after = everything()
    for _ in range(3):
        again = client.post(path)
        assert (again.status_code, again.content) == (200, first.content)
    assert everything() == after
    reader.refresh_from_db()
    assert reader.state == "active"


@pytest.mark.parametrize("state", ["pending", "active", "unsubscribed"])
def test_26_a_link_older_than_three_days_asks_to_try_again_and_names_nobody(
    client: Client, state: str
) -> None:
    reader = make_subscriber(email="ada@example.org", state=state)
    path = link("confirm", reader, sent=timezone.now() - timedelta(hours=72, seconds=1))
    before = everything()
    for answer in (client.get(path), client.post(path)):
        html = answer.content.decode()
        assert (answer.status_code, faults_of(html)) == (410, [])
        assert "too old" in words_of(html) and 'href="/subscribe/"' in html
        for secret in ("ada", "example.org", reader.handle, reader.secret):
            assert secret not in html
    assert everything() == before


@pytest.mark.parametrize("page", ["private", "move"])
def test_26_a_private_link_older_than_an_hour_opens_nothing_and_names_nobody(
    client: Client, page: str
) -> None:
    reader = make_subscriber(email="ada@example.org")
    path = link(page, reader, sent=timezone.now() - timedelta(hours=1, seconds=1))
    before = everything()
    answers = [client.get(path)]
    for button in ({"export": "1"}, {"erase": "yes"}, {"move": "1", "email": "eve@example.org"}, {}):
        answers.append(client.post(path, button))
    for answer in answers:
        html = answer.content.decode()
        assert (answer.status_code, faults_of(html)) == (410, [])
        assert "example.org" not in html and reader.handle not in html.replace(path, "")
    assert everything() == before


@pytest.mark.parametrize("page", PAGES)
def test_27_a_link_with_one_bit_flipped_is_nobodys(client: Client, page: str) -> None:
    reader = reader_for(page)
    path = link(page, reader)
    # Of the handle, or of a token that has none, and of the signature but its last: that has bits to spare.
    start = len(page) + 2
    before = everything()
    for place in (start, start + 7, len(path) - 3):
        flipped = path[:place] + chr(ord(path[place]) ^ 1) + path[place + 1 :]
        for answer in (client.get(flipped), client.post(flipped, {"leave": "1"})):
            assert (answer.status_code, answer.templates[0].name) == (404, "newsletter/link_unknown.html")
            assert "example.org" not in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize("page", PAGES)
def test_28_a_link_opens_the_page_it_was_made_for_and_no_other(client: Client, page: str) -> None:
    reader = make_subscriber(email="ada@example.org")
    path = link(page, reader)
    before = everything()
    answers = {
        "leave": "1",
        "List-Unsubscribe": "One-Click",
        "length": "5",
        "when_empty": "top",
        "erase": "yes",
    }
    opens = {page} | ({"preferences", "welcome"} if page in ("preferences", "welcome") else set())
    for door in PAGES:
        crossed = path.replace(f"/{page}/", f"/{door}/")
        assert client.get(crossed).status_code == (200 if door in opens else 404)
        if door not in opens:
            assert client.post(crossed, answers).status_code == 404
    assert everything() == before


def test_29_a_link_changes_the_row_of_its_reader_whatever_else_is_posted(client: Client) -> None:
    make_topic(slug="agents")
    reader, other = make_subscriber(email="ada@example.org"), make_subscriber(email="bob@example.org")
    before = model_to_dict(other)
    forged = {
        "subscriber": other.pk, "pk": other.pk, "id": other.pk, "handle": other.handle,
        "email": other.email, "email_key": other.email_key, "state": "suppressed", "secret": "known",
        "token": link("preferences", other),
    }  # fmt: skip
    answers = {"topic-agents": "more", "length": "20", "when_empty": "top"}
    assert client.post(link("preferences", reader), answers | forged).status_code == 302
    kept = (reader.email, reader.handle, reader.secret, reader.state)
    reader.refresh_from_db()
    other.refresh_from_db()
    assert (reader.email, reader.handle, reader.secret, reader.state) == kept
    assert (reader.mix.length, model_to_dict(other)) == (20, before)


@pytest.mark.parametrize("page", PAGES)
def test_30_after_erasing_a_link_says_what_it_says_to_anybody(client: Client, page: str) -> None:
    reader = reader_for(page)
    path = link(page, reader)
    suppress(reader.email_key, "complained")
    reader.delete()
    nobody = f"/{page}/{'x' * 43}/"
    neutral = client.get(nobody).content.decode().replace(nobody, "")
    for answer in (client.get(path), client.post(path, {"leave": "1", "erase": "yes"})):
        assert (answer.status_code, answer.content.decode().replace(path, "")) == (404, neutral)
    assert (Subscriber.objects.count(), mail.outbox) == (0, [])


def test_31_a_link_of_an_old_key_still_unsubscribes_as_long_as_the_key_is_kept(client: Client) -> None:
    reader = make_subscriber()
    with override_settings(SECRET_KEY="the key of years ago"):
        path = link("unsubscribe", reader)
    with override_settings(SECRET_KEY="stolen", SECRET_KEY_FALLBACKS=[]):
        forged = link("unsubscribe", reader)
    keys = {"SECRET_KEY": "the new key", "SECRET_KEY_FALLBACKS": ["last year's", "the key of years ago"]}
    with override_settings(**keys):
        assert client.post(forged, {"List-Unsubscribe": "One-Click"}).status_code == 404
        assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    reader.refresh_from_db()
    assert reader.state == "unsubscribed"


def test_32_one_click_works_from_a_mail_program_through_the_real_server(website: Website) -> None:
    reader = make_subscriber()
    body = b"List-Unsubscribe=One-Click"
    for headers in (
        {"Origin": "https://mail.example", "Referer": "https://mail.example/inbox"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Content-Type": "application/x-www-form-urlencoded; charset=us-ascii"},
        {},
    ):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = website.ask("POST", link("unsubscribe", reader), body=body, headers=form | headers)
        assert (answer.status, answer.headers["Set-Cookie"], answer.headers["Location"]) == (200, None, None)
    boundary = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = website.ask("POST", link("unsubscribe", reader), body=boundary, headers=multipart)
    assert answer.status == 200
    reader.refresh_from_db()
    assert reader.state == "unsubscribed"


def test_32_one_click_in_the_form_that_rfc_8058_names_second_is_taken_too(client: Client) -> None:
    reader = make_subscriber()
    answer = client.post(
        link("unsubscribe", reader), {"List-Unsubscribe": "One-Click"}
    )  # multipart/form-data
    reader.refresh_from_db()
    assert (answer.status_code, reader.state) == (200, "unsubscribed")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"List-Unsubscribe=Two-Click",
        b"list-unsubscribe=One-Click",
        b"List-Unsubscribe=",
        b"List-Unsubscribe",
        b"email=ada%40example.org",
        b"\xff\xfe\x00",
        b'{"List-Unsubscribe": "One-Click"}',
    ],
)
def test_33_any_other_body_is_refused_and_changes_nothing(client: Client, body: bytes) -> None:
    reader = make_subscriber()
    before = everything()
    page = client.post(link("unsubscribe", reader), body, content_type="application/x-www-form-urlencoded")
    assert (page.status_code, faults_of(page.content.decode())) == (400, [])
    assert "Nothing was changed" in words_of(page.content.decode())
    assert everything() == before


@pytest.mark.parametrize("page", PAGES)
def test_34_who_guesses_links_is_stopped_while_good_links_go_on_working(client: Client, page: str) -> None:
    reader = make_subscriber()
    codes = [client.get(f"/{page}/{new_one_off()[:22]}.{'A' * 22}/").status_code for _ in range(65)]
    assert codes == [404] * 60 + [429] * 5
    assert client.get(f"/{page}/{reader.handle}.{'A' * 22}/").status_code == 429
    assert client.post(link("unsubscribe", reader), {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "javascript:alert(1)", r"\\evil"]
)
def test_35_no_parameter_leads_away(client: Client, target: str) -> None:
    reader = make_subscriber()
    names = ("next", "return_to", "redirect", "url", "continue", "success_url")
    away = dict.fromkeys(names, target)
    honest = {"email": "ada@example.org", "rendered": rendered(), "website": ""}
    form = {"length": "5", "when_empty": "skip"}
    desk = link("preferences", reader)
    for path, fields, leads_to in [
        ("/subscribe/", honest, None),
        ("/language/", {"language": "de"}, "/"),
        ("/preferences/", honest, None),
        (desk, form, f"{desk}?saved=1"),
        (link("unsubscribe", reader), {"leave": "1"}, None),
        (link("confirm", make_subscriber(state="pending")), {}, None),
    ]:
        answer = client.post(f"{path}?{urlencode(away)}", fields | away)
        assert (answer.status_code, answer.get("Location")) == (302 if leads_to else 200, leads_to)
        assert target not in answer.content.decode()


def test_36_who_confirms_and_leaves_at_once_has_left(website: Website) -> None:
    for number in range(6):
        reader = make_subscriber(email=f"reader{number}@example.org", state="pending")
        presses = [(link("confirm", reader), {"yes": "1"}), (link("unsubscribe", reader), {"leave": "1"})]
        with ThreadPoolExecutor(4) as hands:
            pressed = list(hands.map(lambda press: website.post(*press), presses * 2))
        # Confirmed and then left, or left and then too late to confirm: never an error.
        assert {answer.status for answer in pressed} <= {200, 410}
    assert set(Subscriber.objects.values_list("state", flat=True)) == {"unsubscribed"}


def test_36_a_confirmation_that_was_asked_for_before_leaving_brings_nobody_back(client: Client) -> None:
    reader = make_subscriber(state="pending")
    paths = [link("confirm", reader) for _ in range(2)]
    client.post(paths[0])
    client.post(link("unsubscribe", reader), {"List-Unsubscribe": "One-Click"})
    for path in paths:
        assert client.post(path).status_code == 410
    reader.refresh_from_db()
    assert reader.state == "unsubscribed"
    assert outbox.send_pending(now=timezone.now()) == 0


@pytest.mark.parametrize("page", PAGES)
def test_pages_behind_links_are_kept_by_nobody_and_name_nobody(client: Client, page: str) -> None:
    reader = make_subscriber(email="ada.lovelace@example.org")
    path = link(page, reader)
    for answer in (client.get(path), client.head(path), client.get(f"/{page}/nobody/"), client.post(path)):
        assert {name: answer.get(name) for name in PRIVATE_HEADERS} == PRIVATE_HEADERS
        html = answer.content.decode()
        assert "lovelace" not in html and reader.secret not in html
