"""The second language in a real browser: the switch, and whether longer words fit."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from newsletter.mixes import mix_for
from newsletter.models import Edition
from papers.models import Topic
from tests.browser import scenes
from tests.browser.gallery import hang_gallery

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


ROOMS = (scenes.paper_scenes, scenes.counter_scenes, scenes.desk_scenes, scenes.leaving_scenes)
CHECKED = ("today", "subscribe", "preferences", "taste-more")
TIGHT = """() => [...document.querySelectorAll("button, .button, .stops span, .chip span")]
    .filter(one => !one.closest(".unseen") && one.scrollWidth > one.clientWidth + 1)
    .map(one => one.innerText)"""


def test_german_fits_every_screen(browser: Browser, live_server: Any) -> None:
    hung = hang_gallery()
    paths = {name: scene.path for room in ROOMS for name, scene in room(hung).items()}
    paths["mail"] = german_mail()
    context = browser.new_context(locale="de-DE", bypass_csp=True)
    page = context.new_page()
    faults: list[str] = []
    for name, path in paths.items():
        page.goto(live_server.url + path)
        expect(page.locator("html")).to_have_attribute("lang", "de")
        faults += overflows(page, name)
        if name in CHECKED:
            found = Axe().run(page).response["violations"]
            faults += [f"{name}: {one['id']} at {one['nodes'][0]['html'][:120]}" for one in found]
    context.close()
    assert faults == []


def overflows(page: Page, name: str) -> list[str]:
    """The widths at which the page scrolls sideways, and buttons whose words do not fit in them."""
    faults = []
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            faults.append(f"{name} scrolls sideways by {over} px at {width} px")
        faults += [f"{name}: {words!r} does not fit at {width} px" for words in page.evaluate(TIGHT)]
    return faults


def german_mail() -> str:
    """A mail in German, in the browser."""
    mix = mix_for(dict.fromkeys(Topic.objects.all()[:6], "normal"), language="de")
    day = Edition.objects.filter(state__in=Edition.PRINTED).latest("date").date
    return reverse("digest", args=[day, mix.slug])
