"""Signing up, against people who want something else: the hostile cases 1 to 23 of docs/security.md."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone

from newsletter import outbox
from newsletter.models import OutboxMail, Subscriber, Suppression
from newsletter.suppression import suppress
from tests.celery_queue import tasks_waiting
from tests.crash.servers import Broker
from tests.factories import make_subscriber, make_topic
from tests.newsletter.test_people import rendered
from tests.pages import faults_of, words_of
from tests.website import Answer, Website

pytestmark = pytest.mark.django_db

# Every door at which a stranger may type an address.
DOORS = ("/subscribe/", "/preferences/")


def traces() -> tuple[int, int, int]:
    """Readers, mails that wait or went out through the outbox, mails at the mail server."""
    return Subscriber.objects.count(), OutboxMail.objects.count(), len(mail.outbox)


def send_all() -> list[str]:
    """Send whatever waits; the addresses that got a mail by now, one for each mail."""
    while outbox.send_pending(now=timezone.now(), limit=500):
        pass
    return sorted(address for message in mail.outbox for address in message.recipients())


def post(
    client: Client, door: str = "/subscribe/", *, meta: dict[str, str] | None = None, **fields: Any
) -> Any:
    """Send a form as a person would who opened it half a minute ago; `meta` is what the server is told."""
    honest = {"email": "ada@example.org", "rendered": rendered(), "website": ""}
    return client.post(door, honest | fields, **(meta or {}))


def network(number: int) -> str:
    return f"10.{number // 250}.{number % 250}.7"


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\nBcc: eve@example.org",
        "ada@example.org\r\n",
        "\r\nada@example.org",
        "ada\rBcc:eve@example.org",
        "ada@example.org\x0bBcc:eve@example.org",
        "ada@example.org\u2028Bcc:eve@example.org",
    ],
)
@pytest.mark.parametrize("door", DOORS)
def test_1_a_line_break_in_an_address_adds_no_header(client: Client, door: str, address: str) -> None:
    page = post(client, door, email=address)
    assert (page.status_code, faults_of(page.content.decode())) == (400, [])
    assert (send_all(), traces()) == ([], (0, 0, 0))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("field", ["email", "topics", "website", "rendered", "anything"])
def test_2_a_nul_in_a_field_is_no_server_error(client: Client, door: str, field: str) -> None:
    make_topic(slug="agents")
    page = post(client, door, **{field: "ada\0@example.org"})
    # Fields that a door does not ask for are not read.
    unread = field == "anything" or (field == "topics" and door == "/preferences/")
    assert page.status_code == (200 if unread else 400)
    asked = int(unread and door == "/subscribe/")
    assert (traces(), send_all()) == ((asked, asked, 0), ["ada@example.org"] * asked)


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org,eve@example.org",
        "ada@example.org, eve@example.org",
        "ada@example.org;eve@example.org",
        "ada@example.org eve@example.org",
        "ada@eve@example.org",
        "ada@example.org%0aeve@example.org",
        "ada@example.org?cc=eve@example.org",
    ],
)
def test_3_two_addresses_are_none(client: Client, address: str) -> None:
    assert post(client, email=address).status_code == 400
    assert traces() == (0, 0, 0)


def test_3_of_an_address_sent_twice_the_last_counts_and_no_other_gets_mail(client: Client) -> None:
    post(client, email=["eve@example.org", "ada@example.org"])
    assert send_all() == ["ada@example.org"]


@pytest.mark.parametrize(
    "address", ["<ada@example.org>", "Ada <ada@example.org>", '"ada"@example.org', "(a)ada@b.co"]
)
def test_4_angle_brackets_quotes_and_comments_are_no_address(client: Client, address: str) -> None:
    assert post(client, email=address).status_code == 400
    assert traces() == (0, 0, 0)


@pytest.mark.parametrize("shape", ["field", "multipart field", "file", "other type"])
def test_5_a_body_of_ten_megabytes_is_refused(client: Client, shape: str) -> None:
    much = b"x" * 10_000_000
    honest = {"email": "ada@example.org", "rendered": rendered(), "website": ""}
    if shape == "field":
        page = client.post("/subscribe/", b"note=" + much, content_type="application/x-www-form-urlencoded")
    elif shape == "multipart field":
        page = client.post("/subscribe/", honest | {"note": much.decode()})
    elif shape == "file":
        page = client.post("/subscribe/", honest | {"note": SimpleUploadedFile("a.txt", much)})
    else:
        page = client.post("/subscribe/", much, content_type="text/plain")
    assert (page.status_code, traces()) == (400, (0, 0, 0))
    assert len(page.content) < 100_000


def test_5_even_a_small_file_is_refused(client: Client) -> None:
    honest = {"email": "ada@example.org", "rendered": rendered(), "website": ""}
    page = client.post("/subscribe/", honest | {"note": SimpleUploadedFile("a.txt", b"x")})
    assert (page.status_code, traces()) == (400, (0, 0, 0))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "address", ["a" * 200_000 + "@example.org", "a@" + "b." * 100_000 + "org", "@" * 200_000, "é" * 200_000]
)
def test_6_an_address_of_200_kilobytes_is_refused_and_not_repeated(
    client: Client, door: str, address: str
) -> None:
    page = post(client, door, email=address)
    assert (page.status_code, traces()) == (400, (0, 0, 0))
    assert len(page.content) < 40_000


@pytest.mark.parametrize(
    "address",
    [
        "ada@exam\u200bple.org",
        "ada@exam\u00adple.org",
        "ada@\ufeffexample.org",
        "ad\u200ba@example.org",
        "ada@example.org\u202e",
        "ada@example\u3002org\u200d",
    ],
)
def test_7_characters_that_nobody_sees_are_refused(client: Client, address: str) -> None:
    assert post(client, email=address).status_code == 400
    assert traces() == (0, 0, 0)


def test_8_an_international_domain_is_one_row_however_it_is_written(client: Client) -> None:
    for number, domain in enumerate(
        ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "bu\u0308cher.example"]
    ):
        assert post(client, email=f"ada@{domain}", meta={"REMOTE_ADDR": network(number)}).status_code == 200
    assert [reader.email_key for reader in Subscriber.objects.all()] == ["ada@xn--bcher-kva.example"]
    assert send_all() == ["ada@xn--bcher-kva.example"]


def test_9_capitals_are_the_same_address_while_dots_and_plus_are_others(client: Client) -> None:
    for address in ("a.da@b.co", "A.DA@B.CO", "A.Da@b.Co", "ada@b.co", "ada+news@b.co"):
        post(client, email=address)
    keys = Subscriber.objects.order_by("email_key").values_list("email_key", flat=True)
    assert list(keys) == ["a.da@b.co", "ada+news@b.co", "ada@b.co"]


@pytest.mark.parametrize(
    "address",
    [
        "ada@localhost",
        "ada@[127.0.0.1]",
        "ada@[IPv6:::1]",
        "ada@127.0.0.1",
        "ada@printer",
        "ada@mail.local",
        "ada@mail.internal",
        "ada@db.localhost",
        "ada@mail.test",
        "ada@mail.invalid",
    ],
)
def test_10_no_mail_goes_to_this_machine_or_an_inner_network(client: Client, address: str) -> None:
    assert post(client, email=address).status_code == 400
    assert traces() == (0, 0, 0)


def test_11_an_active_reader_gets_one_mail_that_says_so_and_keeps_the_choice_until_they_press(
    client: Client,
) -> None:
    make_topic(slug="new")
    reader = make_subscriber(email="ada@example.org", topics={make_topic(slug="old"): "more"})
    before = Subscriber.objects.filter(pk=reader.pk).values().get()
    stranger = post(client, email="nobody@example.org", topics=["new"]).content
    for _ in range(5):
        assert post(client, email="ada@example.org", topics=["new"]).content == stranger
    assert send_all() == ["ada@example.org", "nobody@example.org"]
    assert Subscriber.objects.filter(pk=reader.pk).values().get() == before
    (to_reader,) = (_flat(one.body) for one in mail.outbox if one.to == ["ada@example.org"])
    (to_stranger,) = (_flat(one.body) for one in mail.outbox if one.to == ["nobody@example.org"])
    assert "asked to change what" in to_reader and "your mails stay as they are" in to_reader
    assert "asked to change what" not in to_stranger


def _flat(text: object) -> str:
    return " ".join(str(text).split())


@pytest.mark.parametrize("reason", ["bounced", "complained"])
@pytest.mark.parametrize("known", [True, False])
def test_12_a_suppressed_address_gets_the_same_page_and_no_mail(
    client: Client, reason: str, known: bool
) -> None:
    if known:
        make_subscriber(email="ada@example.org", state="suppressed")
    suppress("ada@example.org", reason)
    for door in DOORS:
        same = post(client, door, email="nobody@example.org")
        for address in ("ada@example.org", "ADA@Example.org"):
            assert post(client, door, email=address).content == same.content
    assert send_all() == ["nobody@example.org"]


def test_12_a_change_of_key_lets_no_mail_go_where_it_was_forbidden(client: Client, settings: Any) -> None:
    suppress("ada@example.org", "bounced")
    opened = rendered()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key"
    suppress("ada@example.org", "complained")
    assert post(client, email="ada@example.org", rendered=opened).status_code == 200
    assert (traces(), list(Suppression.objects.values_list("reason", flat=True))) == (
        (0, 0, 0),
        ["complained"],
    )


def test_13_a_thousand_requests_from_everywhere_send_a_victim_three_mails_in_a_day(website: Website) -> None:
    slugs = [make_topic(slug=f"wish-{number}").slug for number in range(10)]

    def ask(number: int) -> Answer:
        fields = {"email": "ada@example.org" if number % 2 else "Ada@EXAMPLE.org", **opened}
        door = "/preferences/" if number % 4 == 2 else "/subscribe/"
        wish = {"topics": slugs[: number % 10]} if door == "/subscribe/" else {}
        return website.post(door, fields | wish, **{"X-Forwarded-For": network(number)})

    opened = {"rendered": rendered(), "website": ""}
    answers: list[Answer] = []
    with ThreadPoolExecutor(8) as crowd:
        for start in range(0, 1000, 100):
            answers += crowd.map(ask, range(start, start + 100))
            send_all()
            if start == 300:  # by now the victim is a reader, whom every door may mail
                now = timezone.now()
                Subscriber.objects.update(state="active", active_from=now, confirmed_at=now)
            # Spread over most of a day: no wish is "the same again within a minute".
            OutboxMail.objects.update(created_at=F("created_at") - timedelta(hours=2))
    assert [answer.status for answer in answers] == [200] * 1000
    assert len({answer.text for answer in answers}) == len(DOORS)  # from the first to the last
    assert [address.casefold() for address in send_all()] == ["ada@example.org"] * 3


def test_14_one_network_asks_for_thirty_addresses_an_hour_and_then_waits(website: Website) -> None:
    def ask(number: int) -> tuple[str, int]:
        door = DOORS[number % 2]
        visitor = {"X-Forwarded-For": f"203.0.113.{number % 250}"}
        form = {"email": f"r{number}@example.org", "rendered": opened, "website": ""}
        return door, website.post(door, form, **visitor).status

    opened = rendered()
    with ThreadPoolExecutor(8) as crowd:
        answers = Counter(crowd.map(ask, range(1000)))
    taken = answers["/subscribe/", 200]
    assert taken + answers["/preferences/", 200] == 30
    assert (answers["/subscribe/", 429], answers["/preferences/", 429]) == (500 - taken, 470 + taken)
    assert traces() == (taken, taken, 0)
    other = {"email": "other@example.org", "rendered": opened, "website": ""}
    answer = website.post("/subscribe/", other, **{"X-Forwarded-For": "198.51.100.7"})
    assert (answer.status, traces()) == (200, (taken + 1, taken + 1, 0))  # others still come in


@pytest.mark.parametrize(("proxies", "forged"), [(0, "198.51.100.{}"), (1, "198.51.{}.1, 203.0.113.9")])
def test_15_a_forged_forwarding_header_opens_no_new_bucket(
    client: Client, settings: Any, proxies: int, forged: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    codes = [
        post(client, email=f"r{n}@example.org", meta={"HTTP_X_FORWARDED_FOR": forged.format(n)}).status_code
        for n in range(40)
    ]
    assert codes == [200] * 30 + [429] * 10


@pytest.mark.parametrize(
    "topics", [["nowhere"], ["agents", "resting"], ["Agents"], ["../agents"], ["' or 1=1"]]
)
def test_16_a_topic_that_is_unknown_or_switched_off_is_refused(client: Client, topics: list[str]) -> None:
    make_topic(slug="agents")
    make_topic(slug="resting", is_active=False)
    assert post(client, topics=topics).status_code == 400
    assert traces() == (0, 0, 0)


@pytest.mark.parametrize("topics", [["agents"] * 10_000, [f"topic-{number}" for number in range(10_000)]])
def test_17_ten_thousand_topics_are_refused(client: Client, topics: list[str]) -> None:
    make_topic(slug="agents")
    page = post(client, topics=topics)
    assert (page.status_code, traces()) == (400, (0, 0, 0))
    assert "perhaps too much of it" in words_of(page.content.decode())


# --- Machines, other sites, and parts that are away


@pytest.mark.parametrize("door", DOORS)
def test_18_who_fills_the_field_that_nobody_sees_gets_the_same_page_and_leaves_no_row(
    client: Client, door: str
) -> None:
    make_subscriber(email="reader@example.org")
    honest = post(client, door, email="nobody@example.org").content
    before = traces()
    for address in ("new@example.org", "reader@example.org"):
        assert post(client, door, email=address, website="https://spam.example").content == honest
    assert traces() == before


@pytest.mark.parametrize("door", DOORS)
def test_19_a_form_posted_by_another_site_is_refused(door: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/subscribe/")  # with our cookie, but no token of ours
    page = post(browser, door, email="ada@example.org", meta={"HTTP_ORIGIN": "https://evil.example"})
    assert (page.status_code, traces()) == (403, (0, 0, 0))
    assert "ada@example.org" not in page.content.decode()


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "testserver@evil.example", "evil.example:80"]
)
def test_20_a_request_for_another_host_is_refused(client: Client, host: str) -> None:
    page = post(client, email="ada@example.org", meta={"HTTP_HOST": host})
    assert (page.status_code, traces()) == (400, (0, 0, 0))


def test_20_links_in_mails_lead_to_this_site_whatever_host_was_asked(client: Client, settings: Any) -> None:
    settings.SITE_URL, settings.ALLOWED_HOSTS = "https://papers.example.org", ["*"]
    post(client, meta={"HTTP_HOST": "evil.example"})
    assert send_all() == ["ada@example.org"]
    assert "evil.example" not in mail.outbox[0].message().as_string()


def test_21_fifty_identical_requests_at_once_are_one_row_and_one_mail(website: Website) -> None:
    form = {"email": "ada@example.org", "rendered": rendered(), "website": ""}
    with ThreadPoolExecutor(50) as crowd:
        answers = list(
            crowd.map(
                lambda number: website.post("/subscribe/", form, **{"X-Forwarded-For": network(number)}),
                range(50),
            )
        )
    assert {answer.status for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert (traces(), send_all()) == ((1, 1, 0), ["ada@example.org"])


def test_22_with_redis_killed_a_reader_comes_in_and_the_mail_leaves_with_the_next_tick(
    website: Website, valkey: Broker
) -> None:
    form = {"email": "ada@example.org", "rendered": rendered(), "website": ""}
    valkey.kill()
    try:
        assert website.post("/subscribe/", form).status == 200
        assert (traces(), OutboxMail.objects.get().state) == ((1, 1, 0), "pending")
        call_command("tick")
        assert [message.to for message in mail.outbox] == [["ada@example.org"]]
    finally:
        valkey.restart()
    assert website.post("/subscribe/", form | {"email": "bob@example.org"}).status == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", DOORS)
def test_23_with_postgresql_away_the_page_says_so_and_nothing_is_left_behind(
    client: Client, broker: str, door: str
) -> None:
    client.raise_request_exception = False
    away = connection.settings_dict | {"HOST": "127.0.0.1", "PORT": "9", "OPTIONS": {}}
    before, connection.settings_dict = connection.settings_dict, away
    connection.close()
    try:
        page = post(client, door)
    finally:
        connection.settings_dict = before
        connection.close()
    assert (page.status_code, faults_of(page.content.decode())) == (503, [])
    assert "The press is standing still" in words_of(page.content.decode())
    assert "ada@example.org" not in page.content.decode()
    assert (traces(), tasks_waiting()) == ((0, 0, 0), [])
    assert post(client, door).status_code == 200
    assert current_app.conf.broker_url == broker
