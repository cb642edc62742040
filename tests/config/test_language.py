"""The language of a page: the cookie of the switch, else what the browser asks for, else English."""

from datetime import date
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import translation

from config.language import SpokenLanguage
from papers import days

pytestmark = pytest.mark.django_db
GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de-AT,de;q=0.9,en;q=0.5"}


def vary(response: Any) -> set[str]:
    return {name.strip() for name in response.headers.get("Vary", "").split(",") if name.strip()}


def test_a_page_speaks_what_the_browser_asks_for_and_says_so(client: Client) -> None:
    assert client.get("/").headers["Content-Language"] == "en"
    page = client.get("/", **GERMAN)
    assert page.headers["Content-Language"] == "de"
    assert {"Accept-Language", "Cookie"} <= vary(page)
    assert client.get("/", HTTP_ACCEPT_LANGUAGE="fr,it;q=0.8").headers["Content-Language"] == "en"
    assert client.get("/nowhere/", **GERMAN).headers["Content-Language"] == "de"


def test_the_switch_wins_over_the_browser_until_it_is_pressed_again(client: Client) -> None:
    pressed = client.post("/language/", {"language": "en", "next": "/topics/?page=2"}, **GERMAN)
    assert (pressed.status_code, pressed.headers["Location"]) == (302, "/topics/?page=2")
    cookie = pressed.cookies["language"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("en", True, "Lax")
    assert client.get("/", **GERMAN).headers["Content-Language"] == "en"
    client.post("/language/", {"language": "de", "next": "/"})
    assert client.get("/").headers["Content-Language"] == "de"


def test_the_switch_needs_no_token_and_sends_nobody_elsewhere() -> None:
    browser = Client(enforce_csrf_checks=True)
    for elsewhere in ("https://example.org/", "//example.org/", "javascript:alert(1)", ""):
        pressed = browser.post("/language/", {"language": "de", "next": elsewhere})
        assert (pressed.status_code, pressed.headers["Location"]) == (302, "/")
    assert browser.cookies["language"].value == "de"


def test_reading_never_changes_the_language(client: Client) -> None:
    for path in ("/language/?language=de", "/?language=de", "/?lang=de"):
        assert "language" not in client.get(path).cookies
        assert "language" not in client.head(path).cookies
    assert client.get("/").headers["Content-Language"] == "en"


def test_a_language_that_we_do_not_speak_changes_nothing(client: Client) -> None:
    for nonsense in ("xx", "../../etc", "d" * 1000, ""):
        client.post("/language/", {"language": nonsense, "next": "/"})
        assert client.get("/").headers["Content-Language"] == "en"


def test_the_desk_stays_english(client: Client) -> None:
    page = client.get("/admin/login/", **GERMAN)
    assert "Log in" in page.content.decode()
    assert "Accept-Language" not in vary(page)


def test_answers_for_machines_are_the_same_in_every_language(client: Client) -> None:
    for path in ("/robots.txt", "/healthz"):
        page = client.get(path, **GERMAN)
        assert "Content-Language" not in page.headers
        assert "Accept-Language" not in vary(page)


def test_an_answer_that_names_its_own_language_is_left_alone() -> None:
    def feed(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=304, headers={"Content-Language": "en"})

    request = RequestFactory().get("/feed.atom", **GERMAN)
    response = SpokenLanguage(feed)(request)
    assert (response.headers["Content-Language"], vary(response)) == ("en", set())


def test_not_modified_varies_like_the_page(client: Client) -> None:
    request = RequestFactory().get("/", **GERMAN)
    response = SpokenLanguage(lambda request: HttpResponseNotModified())(request)
    assert (response.headers["Content-Language"], vary(response)) == ("de", {"Accept-Language", "Cookie"})


def test_the_switch_shows_where_one_is_and_a_button_for_each_other_language() -> None:
    request = RequestFactory().get("/search/", {"q": 'a"<b>&c'})
    with translation.override("de"):
        html = render_to_string("_language.html", request=request)
    assert [line.strip() for line in html.splitlines() if line] == [
        '<form class="tongues" method="post" action="/language/" aria-label="Sprache">'
        '<input type="hidden" name="next" value="/search/?q=a%22%3Cb%3E%26c">',
        '<button name="language" value="en" lang="en">English</button>',
        '<b lang="de" aria-current="true">Deutsch</b>',
        "</form>",
    ]


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", ["Friday 20 November 2026", "20 November 2026", "Friday 20 November", "November 2026"]),
        (
            "de",
            [
                "Freitag, 20.\xa0November 2026",
                "20.\xa0November 2026",
                "Freitag, 20.\xa0November",
                "November 2026",
            ],
        ),
    ],
)
def test_days_are_written_as_the_language_writes_them(language: str, written: list[str]) -> None:
    filters = (days.long_day, days.full_day, days.near_day, days.month_and_year)
    with translation.override(language):
        assert [write(date(2026, 11, 20)) for write in filters] == written
        assert [write("2026-11-20") for write in filters] == written
        assert [write(none) for write in filters for none in (None, "")] == [""] * 8
