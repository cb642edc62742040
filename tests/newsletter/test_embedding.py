"""The form for other sites: what they copy, and what arrives here."""

import re
from html import unescape

import pytest
from django.test import Client

from newsletter.models import OutboxMail, Subscriber, TopicMix
from papers.models import Topic
from tests.factories import make_topic
from tests.pages import faults_of, get, words_of

pytestmark = pytest.mark.django_db

SITE = "https://papers.example.org"


@pytest.fixture(autouse=True)
def agents(settings: object) -> Topic:
    settings.SITE_URL = SITE  # type: ignore[attr-defined]
    Topic.objects.all().delete()
    return make_topic(slug="agents", name="Agents & <crews>")


def snippet(html: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", html, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def test_the_lines_to_copy_are_a_plain_form(client: Client) -> None:
    html = get(client, "/embed/?topic=agents")
    lines = snippet(html)
    assert faults_of(f"<!doctype html><title>A lab</title>{lines}") == []
    assert re.findall(r'(?:action|href|src)="([^"]*)"', lines) == [f"{SITE}/embed/"]
    assert re.findall(r'name="([^"]+)"', lines) == ["email", "topics"]
    assert "The day’s research papers about Agents & <crews>, by mail from Paper Round." in words_of(
        lines.replace("&lt;crews&gt;", "‹crews›")
    ).replace("‹", "<").replace("›", ">")
    # The sample beside it is the very same form.
    assert lines in html


def test_without_topics_the_lines_offer_the_top(client: Client) -> None:
    lines = snippet(get(client, "/embed/?topic=%3Cscript%3E"))
    assert "The day’s most noticed research papers, by mail from Paper Round." in lines
    assert re.findall(r'name="([^"]+)"', lines) == ["email"]


def test_what_was_typed_elsewhere_fills_our_form_and_nothing_else_happens() -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.post(
        "/embed/",
        {"email": "ada@example.org", "topics": ["agents", "no"], "length": "5"},
        headers={"origin": "https://lab.example"},
    )
    html = page.content.decode()
    assert (page.status_code, faults_of(html)) == (200, [])
    assert 'value="ada@example.org"' in html and 'value="agents" checked' in html
    assert "Have a look at your choice, then press the button. Nothing was sent so far." in words_of(html)
    assert [model.objects.count() for model in (Subscriber, OutboxMail, TopicMix)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ('"><script>alert(1)</script>', "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a\r\nBcc: eve@example.org\0", "aBcc: eve@example.org"),
        ("x" * 200_000, "x" * 254),
    ],
)
def test_hostile_text_from_elsewhere_stays_text(client: Client, email: str, shown: str) -> None:
    html = client.post("/embed/", {"email": email}).content.decode()
    field = re.search(r'<input type="email" name="email" value="([^"]*)"', html)
    assert field is not None and field[1] == shown


def test_looking_at_the_lines_sets_no_cookie(client: Client) -> None:
    assert dict(client.get("/embed/").cookies) == {}
