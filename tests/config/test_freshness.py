"""Conditional GET: what a browser has already is neither made nor sent again, unless something changed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import translation

from config import freshness
from config.freshness import FORM_KEEPS, unless_known

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def never() -> HttpResponse:
    raise AssertionError("the page was made though the browser has it")


def page() -> HttpResponse:
    return HttpResponse("the page")


def ask(
    facts: object,
    make: Callable[[], HttpResponse] = page,
    *,
    method: str = "get",
    cookie: str = "",
    headers: Any = None,
    **how: Any,
) -> HttpResponse:
    request: HttpRequest = getattr(RequestFactory(), method)("/", headers=headers)
    if cookie:
        request.META["CSRF_COOKIE"] = cookie
    return unless_known(request, facts, make, **how)


@pytest.mark.parametrize("method", ["get", "head"])
def test_the_same_facts_are_not_made_into_a_page_twice(method: str) -> None:
    first = ask(("a", 1), changed_at=NOON)
    assert (first.status_code, first["Last-Modified"]) == (200, "Fri, 20 Nov 2026 12:00:00 GMT")
    again = ask(("a", 1), never, method=method, headers={"If-None-Match": first["ETag"]}, changed_at=NOON)
    assert again.status_code == 304
    for name in ("ETag", "Last-Modified", "Cache-Control", "Vary"):
        assert again[name] == first[name]


def test_other_facts_are_another_page() -> None:
    first = ask(("a", 1))
    assert ask(("a", 2), headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("told", ['W/"other", %s', "*", "%s"])
def test_an_etag_is_found_among_others_and_without_its_mark(told: str) -> None:
    known = told.replace("%s", ask(())["ETag"].removeprefix("W/"))
    assert ask((), never, headers={"If-None-Match": known}).status_code == 304


@pytest.mark.parametrize("told", ["", "nonsense", 'W/"other"'])
def test_what_is_no_etag_of_the_page_has_it_made(told: str) -> None:
    assert ask((), headers={"If-None-Match": told}).content == b"the page"


@pytest.mark.parametrize("how", [{"changed_at": NOON}, {"changed_at": NOON, "has_form": True}, {}])
def test_who_only_knows_the_time_is_sent_the_page(how: Any) -> None:
    """A paper that was taken off since leaves a page on which nothing is newer."""
    asked = {"If-Modified-Since": "Sat, 21 Nov 2026 12:00:00 GMT"}
    answer = ask((), headers=asked, cookie="a" * 32, **how)
    assert (answer.status_code, answer.content) == (200, b"the page")


def test_a_page_in_another_language_is_another_page() -> None:
    first = ask(())
    assert first["Vary"] == "Accept-Language, Cookie"
    with translation.override("de"):
        assert ask((), headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_page_of_another_version_of_the_program_is_another_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = ask(())
    monkeypatch.setattr(freshness, "_digest", lambda: "the next version")
    assert ask((), headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_form_is_known_only_to_the_browser_that_has_its_cookie() -> None:
    cookie = "a" * 32
    first = ask((), has_form=True, cookie=cookie)
    assert first["Cache-Control"] == "private, no-cache"
    known = {"If-None-Match": first["ETag"]}
    assert ask((), never, has_form=True, cookie=cookie, headers=known).status_code == 304
    assert ask((), has_form=True, cookie="b" * 32, headers=known).status_code == 200
    assert ask((), has_form=True, headers=known).status_code == 200  # the cookie was thrown away


def test_a_form_is_sent_anew_long_before_it_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, began = "a" * 32, NOON.timestamp()
    monkeypatch.setattr(freshness, "time", lambda: began)
    first = ask((), has_form=True, cookie=cookie, changed_at=NOON - timedelta(days=3))
    known = {"If-None-Match": first["ETag"], "If-Modified-Since": first["Last-Modified"]}
    how: Any = {"has_form": True, "cookie": cookie, "changed_at": NOON - timedelta(days=3)}
    monkeypatch.setattr(freshness, "time", lambda: began + FORM_KEEPS.total_seconds() - 1)
    assert ask((), never, headers=known, **how).status_code == 304
    monkeypatch.setattr(freshness, "time", lambda: began + FORM_KEEPS.total_seconds())
    assert ask((), headers=known, **how).status_code == 200


def test_whoever_writes_a_template_sees_it(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEBUG = True
    first = ask(())
    assert ask((), never, headers={"If-None-Match": first["ETag"]}).status_code == 304
    monkeypatch.setattr(freshness, "_newest", lambda: 2**63)
    assert ask((), headers={"If-None-Match": first["ETag"]}).status_code == 200
