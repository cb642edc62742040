"""From the desk by the private link: a break, the download, another address, and being forgotten."""

import json
import re
from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from newsletter import outbox
from newsletter.models import Subscriber
from newsletter.tokens import link_token
from tests.factories import make_subscriber, make_topic

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def link_in_next_mail(page_name: str) -> str:
    """Send what waits, which is one mail, and return the path of this page in its text."""
    mail.outbox.clear()
    assert outbox.send_pending(now=timezone.now()) == 1
    found = re.search(rf"https?://[^/]+(/{page_name}/\S+)", str(mail.outbox[0].body))
    assert found is not None
    return found[1]


def by_private_link(page: Page, site: str, reader: Subscriber) -> None:
    """Ask for the link on the desk, and open it from the mail."""
    reader.refresh_from_db()
    page.goto(f"{site}/preferences/{link_token('preferences', reader.handle, reader.secret)}/")
    page.get_by_role("button", name="Mail me a private link").click()
    expect(page.get_by_role("status")).to_contain_text("It works for an hour.")
    page.goto(site + link_in_next_mail("private"))
    expect(page.get_by_role("heading", level=1)).to_have_text("What is stored of you")


@pytest.mark.parametrize(
    ("scripts", "width"), [(True, 1440), (False, 360)], ids=["with JavaScript", "without JavaScript, small"]
)
def test_a_reader_rests_takes_all_along_moves_and_is_forgotten(
    browser: Browser, live_server: object, scripts: bool, width: int
) -> None:
    site = str(live_server)
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 800})
    page = context.new_page()
    reader = make_subscriber(email="ada@example.org", topics={make_topic(slug="agents"): "more"})

    page.goto(f"{site}/preferences/{link_token('preferences', reader.handle, reader.secret)}/")
    page.get_by_role("radio", name="once a week").check()
    page.get_by_label("On this day").select_option("Sunday")
    page.get_by_label("At", exact=True).select_option("07:00")
    page.get_by_label("Your time zone").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Save").click()
    reader.refresh_from_db()
    assert (reader.weekdays, reader.hour, reader.timezone) == (64, 7, "Asia/Tokyo")
    page.get_by_role("button", name="2 weeks").click()
    expect(page.get_by_role("status")).to_have_text("Your break has begun. Enjoy it.")
    page.get_by_role("button", name="End it now").click()

    by_private_link(page, site, reader)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download it").click()
    told = json.loads(Path(download.value.path()).read_text())
    assert (told["reader"]["email"], told["reader"]["hour"]) == ("ada@example.org", 7)

    page.get_by_label("Your new address").fill("ada@new.example")
    page.get_by_role("button", name="Ask this address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your new inbox")
    page.goto(site + link_in_next_mail("move"))
    page.get_by_role("button", name="Yes, bring them here").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The papers come here now")
    assert outbox.send_pending(now=timezone.now()) == 1

    by_private_link(page, site, reader)
    assert mail.outbox[0].to == ["ada@new.example"]
    page.get_by_role("button", name="Erase everything …").click()
    page.get_by_role("link", name="No, back to the page before").click()
    page.get_by_role("button", name="Erase everything …").click()
    page.get_by_role("button", name="Yes, erase everything").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are forgotten")
    assert Subscriber.objects.count() == 0
    context.close()
