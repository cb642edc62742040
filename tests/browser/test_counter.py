"""The counter in a real browser: scripts add comfort and nothing else, and say what the server says."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

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


@pytest.fixture
def browsing(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens browsers; none of them may have complained of anything in the end."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def opened(*, scripts: bool = True, zone: str = "Europe/Vienna") -> Page:
        context = browser.new_context(java_script_enabled=scripts, timezone_id=zone)
        context.on("console", lambda message: complaints.append(message.text))
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def test_the_script_counts_as_the_server_does(browsing: Callable[..., Page], site: str) -> None:
    counting, plain = browsing(), browsing(scripts=False)
    counting.goto(f"{site}/subscribe/")
    counting.locator(".times summary").click()
    told, expected = [], []
    for topics in ([], ["agents"], ["speech"], ["theory", "vision"], ["agents", "speech"]):
        for box in counting.locator("input[name=topics]").all():
            box.set_checked(box.get_attribute("value") in topics)
        for days, length in product(PACES, ("5", "10")):
            counting.get_by_label("How often").select_option(days)
            counting.get_by_label("Papers in a mail, at most").select_option(length)
            told.append((topics, days, length, counting.locator("output").inner_text()))
            chosen = [("topic", slug) for slug in topics] + [("days", days), ("length", length)]
            plain.goto(f"{site}/subscribe/?{urlencode(chosen)}")
            expected.append((topics, days, length, plain.locator("output").inner_text()))
    assert told == expected
    assert len({words for *_, words in told}) > 5, "what is chosen makes no difference"


@pytest.mark.parametrize("zone", ["Europe/Vienna", "Asia/Calcutta"])
def test_the_zone_is_guessed_and_goes_with_the_hour(
    browsing: Callable[..., Page], site: str, zone: str
) -> None:
    page = browsing(zone=zone)
    page.goto(f"{site}/subscribe/")
    page.locator(".times summary").click()
    expect(page.get_by_label("Your time zone")).to_have_value(zone)
    page.get_by_label("At what time").select_option("7")
    ask(page)
    mail = OutboxMail.objects.get()
    assert (mail.timezone, mail.hour) == (zone, 7)


def test_the_coupon_of_the_front_page_tells_the_zone_without_asking(
    browsing: Callable[..., Page], site: str
) -> None:
    page = browsing()
    page.goto(site)
    ask(page)
    assert OutboxMail.objects.get().timezone == "Europe/Vienna"


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_todays_mail_is_seen_first_and_then_asked_for(
    browsing: Callable[..., Page], site: str, scripts: bool
) -> None:
    page = browsing(scripts=scripts)
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
    assert [topic.slug for topic in wanted.topics.all()] == ["theory"]


def ask(page: Page) -> None:
    """Give an address as a person does, a moment after the page came."""
    page.get_by_label("Your email").fill("ada@example.org")
    page.wait_for_timeout(1600)
    page.get_by_role("button", name="Subscribe", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your inbox")
