"""A reader's whole way, by every kind of browser: from the front page to the inbox, the preferences, and out.

Mails are read from the outbox, and their links are pressed where they stand.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from newsletter.models import Delivery, OutboxMail, Subscriber
from papers.models import Topic
from tests.browser.mailbox import link_in, next_digest, next_mail, open_in_browser
from tests.factories import file_under, make_edition, make_paper, make_topic
from tests.mails import parts

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site(live_server: Any, settings: Any) -> Iterator[str]:
    """Today's edition with two topics; links in mails lead here."""
    cache.clear()
    settings.SITE_URL = str(live_server.url)
    Topic.objects.all().delete()
    agents, theory = make_topic(slug="agents", name="Agents"), make_topic(slug="theory", name="Theory")
    plans, proofs = make_paper(title="Plans That Survive"), make_paper(title="Proofs by Candlelight")
    file_under(plans, agents)
    file_under(proofs, theory)
    make_edition(date=timezone.now().date(), number=7, papers=[(plans, [agents]), (proofs, [theory])])
    yield str(live_server.url)
    cache.clear()


class Eyes:
    """Everything a browser asked for, with its referrer, and what it complained of."""

    def __init__(self, context: BrowserContext) -> None:
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        context.on("request", lambda request: self.requests.append(request))
        context.on("console", lambda message: self.complaints.append(message.text))

    def referrers(self) -> set[str]:
        return {found for request in self.requests if (found := request.all_headers().get("referer"))}


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_reader_comes_in_reads_chooses_and_leaves(
    browser: Browser, site: str, scripts: bool, width: int
) -> None:
    context = browser.new_context(
        java_script_enabled=scripts, viewport={"width": width, "height": 800}, timezone_id="Europe/Vienna"
    )
    page, eyes = context.new_page(), Eyes(context)
    subscribe(page, site)
    confirm(page)
    like(page, read_todays_mail(page))
    settle_in(page, site)
    move_to_another_address(page)
    leave_and_undo(page)
    be_forgotten(page)
    assert eyes.complaints == []
    # The inbox is not ours; all else that was asked for is, and no secret address was told to anybody.
    asked = {request.url for request in eyes.requests if not request.url.startswith("https://mail.example/")}
    assert [url for url in asked if not url.startswith(site)] == []
    told = {url.removeprefix(site) for url in eyes.referrers() if url.startswith(site)}
    assert {"/"} <= told <= {"/", "/subscribe/", "/subscribe/preview/", "/preferences/"}
    assert not any(cookie["name"] == "sessionid" for cookie in context.cookies())
    context.close()


def subscribe(page: Page, site: str) -> None:
    """Three decisions: a topic, an address, the button; and a look at the mail before the last."""
    page.goto(site)
    page.get_by_label("Agents").check()
    page.get_by_role("button", name="See today’s mail first").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your mail of today")
    mail = page.frame_locator("iframe.mail")
    expect(mail.get_by_role("link", name="Plans That Survive")).to_be_visible()
    expect(mail.get_by_role("link", name="Proofs by Candlelight")).to_have_count(0)
    page.get_by_label("Your email").fill("ada@example.org")
    # Chromium sends a click that comes right after scrolling to the frame that was there before.
    page.get_by_role("button", name="Subscribe", exact=True).scroll_into_view_if_needed()
    page.wait_for_timeout(1600)
    page.get_by_role("button", name="Subscribe", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your inbox")


def confirm(page: Page) -> None:
    message = next_mail()
    text, _html = parts(message)
    assert message["To"] == "ada@example.org"
    assert "Agents" in text and "Theory" not in text
    page.goto(link_in(message, "confirm"))
    assert Subscriber.objects.get().state == "pending"
    page.get_by_role("button", name="Yes, bring me the papers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, reader")
    assert Subscriber.objects.get().state == "active"


def read_todays_mail(page: Page) -> Any:
    """ "Send me today's now", and the mail in the inbox."""
    page.get_by_role("button", name="Send me today’s now").click()
    expect(page.get_by_role("status")).to_contain_text("Today’s mail is on its way to you.")
    digest = next_digest()
    text, _html = parts(digest)
    assert digest["To"] == "ada@example.org" and "Plans That Survive" in text and "Proofs" not in text
    assert Delivery.objects.get().state == "accepted"
    return digest


def like(page: Page, digest: Any) -> None:
    """More like this, by the link beside the paper; too much after all, so it is undone; and once more."""
    open_in_browser(page, digest)
    page.get_by_role("link", name="More like this").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("More papers like this?")
    assert weights() == {"agents": "normal"}
    page.get_by_role("button", name="Yes, more of it").click()
    expect(page.get_by_role("status")).to_contain_text("Agents went from “normal” to “more”.")
    assert weights() == {"agents": "more"}
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("As it was before")
    assert weights() == {"agents": "normal"}


def settle_in(page: Page, site: str) -> None:
    """Topics, length, weekly, and a break that is ended."""
    page.goto(link_in(lost_link(page, site), "preferences"))
    page.get_by_role("group", name="Theory").get_by_label("more").check()
    page.get_by_role("group", name="Papers in a mail, at most").get_by_label("20").check()
    page.get_by_role("group", name="How often").get_by_label("once a week").check()
    page.get_by_label("On this day").select_option(label="Sunday")
    page.get_by_label("At", exact=True).select_option("07:00")
    page.get_by_label("Your time zone").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved. The next edition follows it.")
    reader = Subscriber.objects.get()
    assert (reader.hour, reader.timezone) == (7, "Asia/Tokyo")
    assert (weights(), reader.mix.length, reader.weekdays) == ({"agents": "normal", "theory": "more"}, 20, 64)
    page.get_by_role("button", name="2 weeks").click()
    expect(page.get_by_role("status")).to_have_text("Your break has begun. Enjoy it.")
    assert Subscriber.objects.get().paused_until is not None
    page.get_by_role("button", name="End it now").click()
    expect(page.get_by_role("status")).to_contain_text("Welcome back.")
    assert Subscriber.objects.get().paused_until is None


def lost_link(page: Page, site: str) -> Any:
    page.goto(f"{site}/preferences/")
    page.get_by_label("Your email").fill("ada@example.org")
    page.wait_for_timeout(1600)
    page.get_by_role("button", name="Mail me the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your inbox")
    return next_mail()


def move_to_another_address(page: Page) -> None:
    """By the private link: take everything along, then have the papers brought elsewhere."""
    page.get_by_role("button", name="Mail me a private link").click()
    expect(page.get_by_role("status")).to_contain_text("The private link is on its way")
    page.goto(link_in(next_mail(), "private"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download it").click()
    stored = json.loads(download.value.path().read_text())
    assert stored["reader"]["email"] == "ada@example.org" and len(stored["deliveries"]) == 1
    page.get_by_label("Your new address").fill("ada@elsewhere.example")
    page.get_by_role("button", name="Ask this address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your new inbox")
    asked = next_mail()
    assert asked["To"] == "ada@elsewhere.example"
    page.goto(link_in(asked, "move"))
    assert Subscriber.objects.get().email == "ada@example.org"
    page.get_by_role("button", name="Yes, bring them here").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The papers come here now")
    assert Subscriber.objects.get().email == "ada@elsewhere.example"
    # The old inbox got its three mails today, so the word to it waits.
    told = OutboxMail.objects.get(kind="moved")
    assert (told.to, told.state, told.next_at is None) == ("ada@example.org", "pending", False)
    page.get_by_role("main").get_by_role("link", name="Your preferences").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your preferences")


def leave_and_undo(page: Page) -> None:
    """One click as a mail program does it; then the page that a person sees, with less instead, and undo."""
    page.get_by_role("link", name="Unsubscribe").click()
    leave = page.url
    answer = page.request.post(leave, form={"List-Unsubscribe": "One-Click"}, max_redirects=0)
    assert (answer.status, "set-cookie" in answer.headers) == (200, False)
    assert Subscriber.objects.get().state == "unsubscribed"
    page.goto(leave)
    expect(page.get_by_role("heading", level=1)).to_have_text("You are off the round")
    page.get_by_role("button", name="5 papers at most").click()
    expect(page.get_by_role("status")).to_contain_text("You are on the round again.")
    reader = Subscriber.objects.get()
    assert (reader.state, reader.mix.length) == ("active", 5)
    page.goto(leave)
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("button", name="Undo, and keep them coming").click()
    assert Subscriber.objects.get().state == "active"
    page.goto(leave)
    page.get_by_role("button", name="Unsubscribe").click()
    assert Subscriber.objects.get().state == "unsubscribed"


def be_forgotten(page: Page) -> None:
    page.get_by_role("button", name="Mail me a private link").click()
    page.goto(link_in(next_mail(), "private"))
    page.get_by_role("button", name="Erase everything …").click()
    page.get_by_role("link", name="No, back to the page before").click()
    page.get_by_role("button", name="Erase everything …").click()
    assert Subscriber.objects.count() == 1
    page.get_by_role("button", name="Yes, erase everything").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are forgotten")
    assert (Subscriber.objects.count(), Delivery.objects.count()) == (0, 0)


def weights() -> dict[str, str]:
    reader = Subscriber.objects.get()
    return dict(reader.mix.choices.values_list("topic__slug", "weight"))
