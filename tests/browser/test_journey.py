"""A reader's whole way, with and without JavaScript: coupon, mail, button, preferences, one click out."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from newsletter import outbox
from newsletter.models import Subscriber
from newsletter.tokens import link_token
from papers.models import Topic
from tests.factories import file_under, make_edition, make_paper, make_topic

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def next_mail() -> str:
    """Send what waits and return the text of the one mail that it was."""
    mail.outbox.clear()
    assert outbox.send_pending(now=timezone.now()) == 1
    return str(mail.outbox[0].body)


def path_in(text: str, page: str) -> str:
    """The path of the first link of that kind in a mail."""
    found = re.search(rf"https?://[^/\s]+(/{page}/[A-Za-z0-9_.-]+/)", text)
    assert found is not None
    return found[1]


@pytest.fixture
def front_page(live_server: Any) -> str:
    Topic.objects.all().delete()
    agents, _theory = make_topic(slug="agents", name="Agents"), make_topic(slug="theory", name="Theory")
    paper = make_paper(title="Plans That Survive")
    file_under(paper, agents)
    make_edition(date=date(2026, 11, 20), papers=[(paper, [agents])])
    return str(live_server.url)


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_reader_comes_in_chooses_and_leaves(browser: Browser, front_page: str, scripts: bool) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    subscribe(page, front_page)

    text = next_mail()
    assert "* Agents" in text and "Theory" not in text
    page.goto(front_page + path_in(text, "confirm"))
    assert Subscriber.objects.get().state == "pending"
    page.get_by_role("button", name="Yes, bring me the papers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, reader")
    assert Subscriber.objects.get().state == "active"

    page.get_by_role("link", name="Set more or less of each").click()
    page.get_by_role("group", name="Theory").get_by_label("more").check()
    page.get_by_role("group", name="Papers in a mail, at most").get_by_label("20").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved. The next edition follows it.")
    reader = Subscriber.objects.get()
    assert dict(reader.mix.choices.values_list("topic__slug", "weight")) == {
        "agents": "normal",
        "theory": "more",
    }
    assert reader.mix.length == 20

    leave_and_come_back(page, front_page, reader)
    context.close()


def subscribe(page: Page, front_page: str) -> None:
    """Fill in the coupon as a person would: by its labels, a moment after the page came."""
    page.goto(front_page)
    page.get_by_label("Agents").check()
    page.get_by_label("Your email").fill("ada@example.org")
    page.wait_for_timeout(1600)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your inbox")


def leave_and_come_back(page: Page, front_page: str, reader: Subscriber) -> None:
    """One click as a mail program does it; then the page a person sees, undo; and the way back by mail."""
    unsubscribe = f"{front_page}/unsubscribe/{link_token('unsubscribe', reader.handle, reader.secret)}/"
    for too_late in (False, True):
        answer = page.request.post(unsubscribe, form={"List-Unsubscribe": "One-Click"}, max_redirects=0)
        assert (answer.status, "set-cookie" in answer.headers) == (200, False)
        reader.refresh_from_db()
        assert (reader.state, reader.unsubscribed_at is None) == ("unsubscribed", False)
        if too_late:
            Subscriber.objects.update(unsubscribed_at=timezone.now() - timedelta(hours=2))
        page.goto(unsubscribe)
        expect(page.get_by_role("heading", level=1)).to_have_text("You are off the round")
        if not too_late:
            page.get_by_role("button", name="Undo, and keep them coming").click()
            expect(page.get_by_role("status")).to_have_text("You are on the round again.")
    page.get_by_role("button", name="Mail me a link to come back").click()
    page.goto(front_page + path_in(next_mail(), "confirm"))
    page.get_by_role("button", name="Yes, bring me the papers").click()
    reader.refresh_from_db()
    assert (reader.state, reader.mix.length) == ("active", 20)


def test_the_keyboard_alone_is_enough(browser: Browser, front_page: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{front_page}/subscribe/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the papers")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(10):  # past the other topics, and past what is folded away
        page.keyboard.press("Tab")
        if page.get_by_label("Your email").evaluate("field => field === document.activeElement"):
            break
    page.keyboard.type("ada@example.org")
    page.wait_for_timeout(1600)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your inbox")
    assert "* Agents" in next_mail()
    context.close()
