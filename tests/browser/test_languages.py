"""The second language in a real browser: the switch, and whether longer words fit."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from newsletter.mixes import mix_for
from newsletter.models import Edition
from papers.models import Topic
from tests.browser.gallery import hang_gallery
from tests.browser.looking import EACH_ONCE, RULES, View, overflow, turned, violations
from tests.browser.scenes import ROOMS
from tests.browser.test_mails import WCAG
from tests.pages import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_switch_works_without_scripts_and_keeps_the_page(browser: Browser, live_server: Any) -> None:
    hang_gallery()
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{live_server.url}/search/?q=throughput+decoding")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="Deutsch").press("Enter")
    expect(page).to_have_url(f"{live_server.url}/search/?q=throughput+decoding")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#q")).to_have_value("throughput decoding")
    page.goto(live_server.url)
    expect(page.get_by_role("link", name="Deine Einstellungen").first).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert [cookie["name"] for cookie in context.cookies() if "csrf" not in cookie["name"]] == ["language"]
    context.close()


def test_a_browser_copy_in_the_other_language_is_not_shown_again(browser: Browser, live_server: Any) -> None:
    """Pages have an ETag, and the browser asks with it; the answer in the new language is another page."""
    hang_gallery()
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    for path in ("/", "/topics/", "/topics/agents/"):
        page.goto(live_server.url + path)
        page.get_by_role("button", name="Deutsch").click()
        expect(page.locator("html")).to_have_attribute("lang", "de")
        page.get_by_role("button", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
    context.close()


TIGHT = """() => [...document.querySelectorAll("button, .button, .stops span, .chip span")]
    .filter(one => !one.closest(".unseen") && one.scrollWidth > one.clientWidth + 1)
    .map(one => one.innerText)"""


@pytest.mark.parametrize("room", ROOMS)
def test_german_is_valid_fits_every_screen_and_can_be_read_by_everybody(
    browser: Browser, live_server: Any, room: str
) -> None:
    paths = {name: scene.path for name, scene in ROOMS[room](hang_gallery()).items()}
    if room == "paper":
        paths["mail"] = german_mail()
    context = browser.new_context(locale="de-DE", bypass_csp=True)
    page = context.new_page()
    faults: list[str] = []
    for name, path in paths.items():
        answer = page.goto(live_server.url + path)
        assert answer is not None
        faults += [f"{name}: not HTML: {fault}" for fault in faults_of(answer.text())]
        expect(page.locator("html")).to_have_attribute("lang", "de")
        for view in turned(page, EACH_ONCE):
            faults += violations(page, name, view, rules=WCAG if name == "mail" else RULES)
            faults += overflow(page, name) + tight_buttons(page, name, view)
    context.close()
    assert faults == []


def tight_buttons(page: Page, name: str, view: View) -> list[str]:
    """Buttons whose words do not fit in them."""
    return [f"{name}: {words!r} does not fit at {view[1]} px" for words in page.evaluate(TIGHT)]


def german_mail() -> str:
    """A mail in German, in the browser."""
    mix = mix_for(dict.fromkeys(Topic.objects.all()[:6], "normal"), language="de")
    day = Edition.objects.filter(state__in=Edition.PRINTED).latest("date").date
    return reverse("digest", args=[day, mix.slug])
