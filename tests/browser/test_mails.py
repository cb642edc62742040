"""The mail of a day, of a weekend and of a week in a browser: on phone and desk, in both lights."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser

from newsletter.mail import preview
from tests.factories import make_edition, make_paper, make_subscriber, make_topic

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

FRIDAY = date(2026, 11, 20)
PICTURES = Path(settings.BASE_DIR) / "var" / "screenshots"
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def mails() -> dict[str, str]:
    """Name -> HTML, of windows of one, three and seven editions."""
    topics = [make_topic(name="Agents"), make_topic(name="Theory & practice")]
    editions = [
        make_edition(
            date=FRIDAY - timedelta(days=ago),
            number=40 - ago,
            note="A slow day for vision, a loud one for inference." if ago in (0, 2) else "",
            papers=[
                (make_paper(title=title, github_url="https://example.org/code", github_stars=5200), [topic])
                for title, topic in zip((f"Long words {'x' * 150}", "Short"), topics, strict=True)
            ],
        )
        for ago in range(6, -1, -1)
    ]
    reader = make_subscriber(topics=dict.fromkeys(topics, "normal"))
    return {
        f"mail-{name}": preview(editions[-count:], reader.mix, reader).html
        for name, count in (("day", 1), ("weekend", 3), ("week", 7))
    }


@pytest.mark.parametrize("light", ["light", "dark"])
def test_mails_fit_every_screen_and_can_be_read_by_everybody(browser: Browser, light: Any) -> None:
    faults = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(color_scheme=light)
    page = context.new_page()
    for name, html in mails().items():
        page.set_content(html)
        for width in (360, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            violations = Axe().run(page, options=WCAG).response["violations"]
            faults += [f"{name} scrolls sideways by {overflow} px at {width} px"] if overflow > 0 else []
            faults += [
                f"{name} at {width} px: {one['id']} at {one['nodes'][0]['html']}" for one in violations
            ]
            page.screenshot(path=PICTURES / f"{name}-{width}-{light}.png", full_page=True)
    context.close()
    assert faults == []
