"""Every page, at every width, in both lights: seen by an accessibility checker and kept as pictures."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, Page

from tests.browser.gallery import Gallery, hang_gallery

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDTHS = (360, 768, 1440)
PICTURES = Path(settings.BASE_DIR) / "var" / "screenshots"


@pytest.mark.parametrize("light", ["light", "dark"])
def test_every_page_is_accessible_and_fits_every_screen(
    browser: Browser, live_server: Any, light: Any
) -> None:
    gallery = hang_gallery()
    context = browser.new_context(color_scheme=light, java_script_enabled=True, bypass_csp=True)
    page = context.new_page()
    faults: list[str] = []
    for name, path in gallery.pages.items():
        page.goto(live_server.url + path)
        faults += look_at(page, name, light)
    faults += _pages_behind_buttons(page, live_server.url, gallery, light)
    context.close()
    assert faults == []


def test_pages_load_nothing_from_elsewhere_and_run_scripts_from_files_only(
    browser: Browser, live_server: Any
) -> None:
    gallery = hang_gallery()
    context = browser.new_context()
    page = context.new_page()
    seen: set[str] = set()
    page.on("request", lambda request: seen.add(request.url))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    for name, path in gallery.pages.items():
        complaints.clear()
        page.goto(live_server.url + path)
        assert [text for text in complaints if "status of 4" not in text] == [], name
        assert page.locator("script:not([src^='/static/'])").count() == 0
    assert [url for url in seen if not url.startswith(live_server.url)] == []
    context.close()


def test_on_a_phone_the_coupon_comes_within_two_screens(browser: Browser, live_server: Any) -> None:
    hang_gallery()
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(live_server.url)
    box = page.locator("#coupon").bounding_box()
    assert box is not None and box["y"] < 740 * 1.5
    context.close()


def look_at(page: Page, name: str, light: str) -> list[str]:
    """Take the page's pictures and return what is wrong with it, in sentences."""
    faults = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if overflow > 0:
            faults.append(f"{name} scrolls sideways by {overflow} px at {width} px")
        page.screenshot(path=PICTURES / f"{name}-{width}-{light}.png", full_page=True)
        if width != 768:
            violations = Axe().run(page).response["violations"]
            faults += [
                f"{name} at {width} px in the {light}: {found['id']} at {found['nodes'][0]['html'][:120]}"
                for found in violations
            ]
    return faults


def _pages_behind_buttons(page: Page, url: str, gallery: Gallery, light: str) -> list[str]:
    page.goto(f"{url}/confirm/{gallery.confirm_token}/")
    page.get_by_role("button", name="Yes, bring me the papers").click()
    faults = look_at(page, "welcome", light)
    page.goto(url + gallery.unsubscribe_path)
    page.get_by_role("button", name="Unsubscribe").click()
    faults += look_at(page, "unsubscribed", light)
    page.get_by_role("button", name="Mail me a link to come back").click()
    faults += look_at(page, "check-inbox", light)
    page.goto(f"{url}/subscribe/")
    page.get_by_label("Your email").fill("nobody@localhost")
    page.get_by_role("button", name="Subscribe").click()
    return faults + look_at(page, "subscribe-errors", light)
