"""The mail of a day, of a weekend and of a week in a browser: on phone and desk, in both lights."""

from datetime import date, timedelta

import pytest
from playwright.sync_api import Browser

from newsletter.mail import preview
from tests.browser.looking import look_at
from tests.factories import make_edition, make_paper, make_subscriber, make_topic

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

FRIDAY = date(2026, 11, 20)
# Not what axe thinks best for pages of a site: a mail stands in the page of a mail program.
WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}


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


def test_mails_fit_every_screen_and_can_be_read_by_everybody(browser: Browser) -> None:
    page = browser.new_page()
    faults = []
    for name, html in mails().items():
        page.set_content(html)
        faults += look_at(page, name, rules=WCAG)
    page.close()
    assert faults == []
