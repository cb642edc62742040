"""Every page in every state: valid, small, ours alone, fit for every screen, for all; kept as pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.cache import cache
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Route

from papers.models import Paper, Topic
from tests.browser.gallery import hang_gallery
from tests.browser.looking import look_at
from tests.browser.scenes import ROOMS, Scene
from tests.pages import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_BYTES = 100_000
WEIGHT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((sum, one) => sum + one.decodedBodySize, 0)"""


class Visitor:
    """Goes to scenes, and remembers what was loaded and what the browser complained of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.loaded: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.loaded.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def faults(self, scene: Scene) -> list[str]:
        """Go there, and say what is wrong with the page as it was sent, in sentences."""
        self.loaded.clear()
        self.complaints.clear()
        answer = self.page.goto(self.url + scene.path)
        for label, text in scene.fill.items():
            self.page.get_by_label(label).fill(text)
        for name in scene.press:
            with self.page.expect_navigation() as pressed:
                self.page.get_by_role("button", name=name, exact=True).click()
            answer = pressed.value
        assert answer is not None
        found = [f"not HTML: {fault}" for fault in faults_of(answer.text())]
        if answer.status != scene.status:
            found.append(f"answers {answer.status}")
        weight = self.page.evaluate(WEIGHT)
        if not 1000 < weight < MOST_BYTES:
            found.append(f"weighs {weight} bytes")
        found += [f"loads {url}" for url in self.loaded if not url.startswith(self.url)]
        found += [f"the browser says: {text}" for text in self.complaints if "status of 4" not in text]
        return found


@pytest.fixture
def visitor(browser: Browser, live_server: Any) -> Iterator[Visitor]:
    cache.clear()
    context = browser.new_context(locale="en-GB")
    yield Visitor(context.new_page(), live_server.url)
    context.close()
    cache.clear()


@pytest.mark.parametrize("room", ROOMS)
def test_every_page_is_valid_small_accessible_and_fits_every_screen(visitor: Visitor, room: str) -> None:
    found: list[str] = []
    for name, scene in ROOMS[room](hang_gallery()).items():
        found += [f"{name}: {fault}" for fault in visitor.faults(scene)] + look_at(visitor.page, name)
    assert found == []


def test_a_site_without_papers_says_so_on_every_page(visitor: Visitor) -> None:
    Topic.objects.all().delete()
    Paper.objects.all().delete()
    found: list[str] = []
    for path in ("/", "/week/", "/month/", "/topics/", "/search/", "/subscribe/", "/subscribe/preview/"):
        scene, name = Scene(path), f"empty-{path.strip('/').replace('/', '-') or 'today'}"
        found += [f"{name}: {fault}" for fault in visitor.faults(scene)] + look_at(visitor.page, name)
    assert found == []


def test_pages_of_failure_can_be_read_by_everybody_too(visitor: Visitor) -> None:
    found: list[str] = []
    for name in ("400", "403", "403_csrf", "404", "429", "500", "503"):
        body = render_to_string(f"{name}.html")
        with showing(visitor.page, f"{visitor.url}/{name}/", body):
            found += [f"{name}: {fault}" for fault in visitor.faults(Scene(f"/{name}/"))]
            found += look_at(visitor.page, f"failure-{name}")
    assert found == []


@contextmanager
def showing(page: Page, url: str, body: str) -> Iterator[None]:
    def answer(route: Route) -> None:
        route.fulfill(body=body, content_type="text/html; charset=utf-8")

    page.route(url, answer)
    yield
    page.unroute(url)


def test_on_a_phone_the_coupon_comes_within_two_screens(browser: Browser, live_server: Any) -> None:
    hang_gallery()
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(live_server.url)
    box = page.locator("#coupon").bounding_box()
    assert box is not None and box["y"] < 740 * 1.5
    context.close()


def test_nothing_moves_for_who_asked_for_less_motion(browser: Browser, live_server: Any) -> None:
    hung = hang_gallery()
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    for path in ("/", "/subscribe/", f"/papers/{hung.lead.arxiv_id}/"):
        page.goto(live_server.url + path)
        moving = page.evaluate("""() => [...document.querySelectorAll('*')].filter(one => {
            const style = getComputedStyle(one)
            return /[1-9]/.test(style.transitionDuration + style.animationDuration)
                || style.scrollBehavior === 'smooth'
        }).map(one => one.outerHTML.slice(0, 80))""")
        assert moving == [], path
    context.close()
