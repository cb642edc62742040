"""The counter in a real browser: scripts add comfort and nothing else, and say what the server says."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from newsletter.models import OutboxMail
from papers.models import Topic
from tests.factories import make_edition, make_paper, make_topic

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PACES = ["daily", "weekdays", "fri"]


@pytest.fixture
def site(live_server: Any) -> Iterator[str]:
    """A month of editions with topics that overlap."""
    cache.clear()
    Topic.objects.all().delete()
    names = {"agents": "Agents", "theory": "Theory", "vision": "Vision", "speech": "Speech"}
    agents, theory, vision, speech = (make_topic(slug=slug, name=name) for slug, name in names.items())
    today = timezone.now().date()
    for ago in range(28):
        own = [[agents], [agents, theory], [agents, theory, vision], []]
        own += [[theory]] if ago % 3 == 0 else []
        own += [[speech]] if ago == 5 else []
        papers = [(make_paper(title=f"Number {ago}-{at}"), topics) for at, topics in enumerate(own)]
        make_edition(date=today - timedelta(days=ago), number=ago + 1, papers=papers)
    yield str(live_server.url)
    cache.clear()


def browsing(browser: Browser, *, scripts: bool = True, zone: str = "Europe/Vienna") -> Page:
    return browser.new_context(java_script_enabled=scripts, timezone_id=zone).new_page()


@pytest.mark.parametrize("topics", [[], ["agents"], ["speech"], ["theory", "vision"], ["agents", "speech"]])
def test_the_script_counts_as_the_server_does(browser: Browser, site: str, topics: list[str]) -> None:
    counting, plain = browsing(browser), browsing(browser, scripts=False)
    counting.goto(f"{site}/subscribe/")
    for slug in topics:
        counting.locator(f"input[value={slug}]").check()
    counting.locator(".times summary").click()
    for days in PACES:
        for length in ("5", "10"):
            counting.get_by_label("How often").select_option(days)
            counting.get_by_label("Papers in a mail, at most").select_option(length)
            query = "&".join([f"topic={slug}" for slug in topics] + [f"days={days}", f"length={length}"])
            plain.goto(f"{site}/subscribe/?{query}")
            assert counting.locator("output").inner_text() == plain.locator("output").inner_text()
    for page in (counting, plain):
        page.context.close()


@pytest.mark.parametrize("zone", ["Europe/Vienna", "Asia/Calcutta"])
def test_the_zone_is_guessed_and_goes_with_the_hour(browser: Browser, site: str, zone: str) -> None:
    page = browsing(browser, zone=zone)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{site}/subscribe/")
    page.locator(".times summary").click()
    expect(page.get_by_label("Your time zone")).to_have_value(zone)
    page.get_by_label("At what time").select_option("7")
    ask(page)
    mail = OutboxMail.objects.get()
    assert (mail.timezone, mail.hour, complaints) == (zone, 7, [])
    page.context.close()


def test_the_coupon_of_the_front_page_tells_the_zone_without_asking(browser: Browser, site: str) -> None:
    page = browsing(browser)
    page.goto(site)
    ask(page)
    assert OutboxMail.objects.get().timezone == "Europe/Vienna"
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_todays_mail_is_seen_first_and_then_asked_for(browser: Browser, site: str, scripts: bool) -> None:
    page = browsing(browser, scripts=scripts)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{site}/subscribe/")
    page.get_by_label("Theory").check()
    page.get_by_role("button", name="see today’s mail first").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your mail of today")
    mail = page.frame_locator("iframe.mail")
    expect(mail.get_by_role("link", name="Number 0-1")).to_be_visible()
    expect(mail.get_by_role("link", name="Number 0-0")).to_have_count(0)
    ask(page)
    wanted = OutboxMail.objects.get().mix
    assert wanted is not None
    assert ([topic.slug for topic in wanted.topics.all()], complaints) == (["theory"], [])
    page.context.close()


def ask(page: Page) -> None:
    """Give an address as a person does, a moment after the page came."""
    page.get_by_label("Your email").fill("ada@example.org")
    page.wait_for_timeout(1600)
    page.get_by_role("button", name="Subscribe", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your inbox")
