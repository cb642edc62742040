"""A form on another site in a real browser, beside a form of ours that is open in another tab."""

import re
from html import unescape
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from newsletter.models import OutboxMail
from papers.models import Topic
from tests.factories import make_topic

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LAB = "http://lab.example/"


def test_a_form_that_came_from_another_site_and_one_open_in_another_tab_can_both_be_sent(
    browser: Browser, live_server: Any, settings: Any
) -> None:
    settings.SITE_URL = live_server.url
    # As settings.py has it where the site is reached by https; Chromium takes localhost for as good.
    settings.CSRF_COOKIE_SECURE, settings.CSRF_COOKIE_SAMESITE = True, "None"
    Topic.objects.all().delete()
    make_topic(slug="agents", name="Agents")
    context = browser.new_context(locale="en-GB")
    ours, theirs = context.new_page(), context.new_page()
    ours.goto(f"{live_server.url}/subscribe/")
    ours.get_by_label("Your email").fill("ada@example.org")
    before = csrf_cookie(ours)

    ours_again = context.new_page()
    ours_again.goto(f"{live_server.url}/embed/?topic=agents")
    lines = unescape(re.findall(r"<textarea[^>]*>(.*?)</textarea>", ours_again.content(), re.DOTALL)[0])
    theirs.route(f"{LAB}**", lambda route: route.fulfill(body=lines, content_type="text/html; charset=utf-8"))
    theirs.goto(LAB)
    theirs.locator("input[type=email]").fill("bob@example.org")
    theirs.locator("button").click()
    expect(theirs).to_have_url(f"{live_server.url}/embed/")
    expect(theirs.get_by_label("Your email")).to_have_value("bob@example.org")
    assert csrf_cookie(theirs) == before

    for page in (ours, theirs):
        page.wait_for_timeout(1600)  # as long as a person needs
        page.get_by_role("button", name="Subscribe", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Look into your inbox")
    asked = OutboxMail.objects.order_by("subscriber__email").values_list("subscriber__email", flat=True)
    assert list(asked) == ["ada@example.org", "bob@example.org"]
    context.close()


def csrf_cookie(page: Page) -> str:
    (value,) = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken"]
    return value
