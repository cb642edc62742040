"""The edition's page at the desk, on a phone and on a wide screen, in both lights."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page

from newsletter.models import Delivery, Edition, Slot
from tests.browser import looking
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Our own parts; the rest of the page is Django's.
PARTS = ".desk-standing, .desk-panel"
LIST = "/admin/newsletter/edition/"


@pytest.fixture
def desk(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A window in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("curator"))
    context = browser.new_context(base_url=live_server.url, bypass_csp=True)
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def edition() -> Edition:
    """One that is being sent in several zones, with a long reason to pause it."""
    today = timezone.now().date()
    topic = make_topic(name="Agents")
    titles = ["Block-Parallel Decoding Without a Second Model", "Small Hands: Dexterous Grasping", "Lighting"]
    edition = make_edition(
        date=today,
        number=214,
        state="sending",
        papers=[(make_paper(title=title), [topic]) for title in titles],
    )
    for hour in range(5):
        due = datetime(today.year, today.month, today.day, hour, tzinfo=UTC)
        Slot.objects.create(
            edition=edition, timezone="America/Argentina/Buenos_Aires", hour=hour, due_at=due, planned_at=due
        )
        for state in ("accepted", "pending", "in_doubt"):
            make_delivery(edition, make_subscriber(), state=state, due_at=due, reason="no answer in 120 s")
    return edition


def look_at(page: Page, name: str) -> list[str]:
    return looking.look_at(page, f"desk-{name}", part=PARTS)


def test_an_edition_is_paused_resumed_and_cancelled_with_the_mouse(desk: Page, edition: Edition) -> None:
    complaints: list[str] = []
    desk.on("console", lambda message: complaints.append(message.text))
    desk.goto(f"{LIST}{edition.pk}/change/")
    faults = look_at(desk, "edition-sending")
    desk.get_by_label("Why").fill("One mailbox provider refuses two in a hundred; we ask them first.")
    desk.get_by_role("button", name="Pause").click()
    desk.get_by_text("One mailbox provider refuses").last.wait_for()
    faults += look_at(desk, "edition-paused")
    desk.goto(LIST)
    faults += looking.overflow(desk, "editions-paused")
    desk.goto(f"{LIST}{edition.pk}/change/")
    desk.get_by_role("button", name="Resume").click()
    desk.get_by_role("button", name="Pause").wait_for()
    desk.get_by_role("link", name="Take out: Lighting").click()
    desk.get_by_role("button", name="Take it out").wait_for()
    faults += look_at(desk, "edition-take-out")
    desk.get_by_role("button", name="Take it out").click()
    desk.get_by_text("1 paper was taken out after the freeze").wait_for()
    desk.get_by_role("link", name="Cancel this edition").click()
    desk.get_by_role("button", name="Cancel this edition").wait_for()
    faults += look_at(desk, "edition-cancel")
    desk.get_by_role("button", name="Cancel this edition").click()
    desk.get_by_role("heading", name="Cancelled").wait_for()
    assert (faults, complaints) == ([], [])
    edition.refresh_from_db()
    assert (edition.state, edition.revision) == ("cancelled", 1)


def test_an_edition_that_waits_is_approved(desk: Page, edition: Edition) -> None:
    Edition.objects.update(state="held", released_at=None, frozen_at=timezone.now() - timedelta(hours=1))
    desk.goto("/admin/")
    desk.get_by_role("link", name="Decide about it").click()
    desk.get_by_role("button", name="Approve and send").wait_for()
    faults = look_at(desk, "edition-waiting")
    desk.get_by_role("button", name="Approve and send").click()
    desk.get_by_role("heading", name="Frozen").wait_for()
    assert faults == []


def test_mails_in_doubt_are_decided_about_with_a_reason(desk: Page, edition: Edition) -> None:
    desk.goto("/admin/newsletter/delivery/?state__exact=in_doubt")
    desk.get_by_label("Select all objects on this page for an action").check()
    desk.get_by_label("Action:").select_option(label="In doubt: send them again")
    desk.get_by_role("button", name="Go", exact=True).click()
    desk.get_by_label("Reason").wait_for()
    faults = look_at(desk, "in-doubt")
    desk.get_by_label("Reason").fill("The relay lost its queue.")
    desk.get_by_role("button", name="Yes, send them again").click()
    desk.get_by_text("5 mails are to be sent again.").wait_for()
    assert (faults, Delivery.objects.filter(state="in_doubt").count()) == ([], 0)
