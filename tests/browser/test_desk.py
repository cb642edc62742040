"""The desk in a real Chromium: the sample's papers, an edition built of them, its mail in the frame."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from newsletter.edition import build
from newsletter.models import Edition, Subscriber
from papers.importing import import_file
from papers.models import Topic
from tests.browser.looking import overflow, photograph
from tests.factories import make_subscriber

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAPERS = Path(project.BASE_DIR) / "papers"
NOW = datetime(2026, 5, 23, 1, tzinfo=UTC)
WIDTHS = (1440, 768)


@pytest.fixture
def edition() -> Edition:
    """The sample under the starter topics, frozen into an edition, with one reader."""
    Topic.objects.all().delete()
    starters = tomllib.loads((PAPERS / "topics" / "starter_topics.toml").read_text(encoding="utf8"))["topic"]
    for position, fields in enumerate(starters, start=1):
        Topic.objects.create(position=position, **fields)
    import_file(PAPERS / "sample" / "daily_papers.jsonl", now=NOW)
    built = build(date(2026, 5, 23), now=NOW)
    chosen = dict.fromkeys(Topic.objects.all()[:3], "normal")
    make_subscriber(email="ada@example.org", topics=chosen, now=NOW)
    return built


@pytest.fixture
def desk(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A window in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("curator"))
    context: BrowserContext = browser.new_context(base_url=live_server.url, color_scheme="light")
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    yield context.new_page()
    context.close()


def look_at(page: Page, name: str) -> list[str]:
    """Take the page's pictures and return at which widths it scrolls sideways."""
    too_wide = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        photograph(page, f"desk-{name}-{width}")
        too_wide += overflow(page, name)
    return too_wide


def test_the_pages_of_the_desk_fit_and_complain_of_nothing(desk: Page, edition: Edition) -> None:
    pages = {
        "index": "/admin/",
        "edition": f"/admin/newsletter/edition/{edition.pk}/change/",
        "editions": "/admin/newsletter/edition/",
        "papers": "/admin/papers/paper/",
        "paper": f"/admin/papers/paper/{edition.entries.get(rank=1).paper_id}/change/",
        "topics": "/admin/papers/topic/",
        "topic": f"/admin/papers/topic/{Topic.objects.all()[0].pk}/change/",
    }
    complaints: list[str] = []
    desk.on("console", lambda message: complaints.append(message.text))
    faults = []
    for name, path in pages.items():
        desk.goto(path)
        faults += look_at(desk, name)
    assert (faults, complaints) == ([], [])


def test_the_preview_shows_a_readers_mail_in_its_frame(desk: Page, edition: Edition) -> None:
    complaints: list[str] = []
    desk.on("console", lambda message: complaints.append(message.text))
    desk.goto(f"/admin/newsletter/edition/{edition.pk}/change/")
    desk.get_by_role("link", name="Preview the mail").click()
    desk.get_by_label("As this reader gets it").fill("Ada@example.org")
    desk.get_by_role("button", name="Show").first.click()
    frame = desk.frame_locator("iframe.desk-mail")
    frame.get_by_role("heading", level=1).wait_for()
    assert (frame.locator("h3").count(), desk.locator("pre").inner_text().count("Why:")) == (10, 10)
    # The mail's own styles hold in the frame.
    assert frame.locator("h1").evaluate("h1 => getComputedStyle(h1).fontSize") == "40px"
    assert (look_at(desk, "preview"), complaints) == ([], [])


def test_a_link_in_the_previewed_mail_opens_in_a_tab_that_knows_nothing_of_the_desk(
    desk: Page, edition: Edition, live_server: Any, settings: Any
) -> None:
    settings.SITE_URL = live_server.url
    reader = Subscriber.objects.get()
    desk.goto(f"/admin/newsletter/edition/{edition.pk}/preview/?subscriber={reader.pk}")
    link = desk.frame_locator("iframe.desk-mail").get_by_role("link", name="Unsubscribe")
    with desk.context.expect_page() as opened:
        link.click()
    page = opened.value
    page.get_by_role("button", name="Unsubscribe").wait_for()
    assert (page.evaluate("[window.opener, document.referrer]"), "/preview/" in desk.url) == (
        [None, ""],
        True,
    )


def test_a_topic_is_tried_from_its_form_without_being_saved(desk: Page, edition: Edition) -> None:
    complaints: list[str] = []
    desk.on("console", lambda message: complaints.append(message.text))
    topic = Topic.objects.get(slug="agents")
    desk.goto(f"/admin/papers/topic/{topic.pk}/change/")
    desk.get_by_label("Phrases:").fill("agent\nagentic\nflying carpet")
    desk.get_by_role("button", name="Try it").click()
    desk.get_by_role("heading", name="As typed, not saved").wait_for()
    # The answer is what one sees: the page opens at it.
    assert desk.locator("#trial").evaluate("trial => trial.getBoundingClientRect().top < innerHeight")
    assert desk.get_by_label("Phrases:").input_value() == "agent\nagentic\nflying carpet"
    assert desk.locator("#trial .desk-tag", has_text="flying carpet").count() == 1
    assert look_at(desk, "topic-tried") == []
    assert (complaints, Topic.objects.get(pk=topic.pk).phrases) == ([], topic.phrases)
    desk.get_by_role("button", name="Save", exact=True).click()
    desk.get_by_text("Papers are being filed anew: 0 of").wait_for()
    assert look_at(desk, "topics-refiling") == []
