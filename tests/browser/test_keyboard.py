"""The whole way with the keyboard alone: everything is reached by Tab, and one sees where one is."""

from playwright.sync_api import Browser, Locator, Page, expect

from newsletter.models import Subscriber
from tests.browser.mailbox import link_in, next_digest, next_mail, open_in_browser
from tests.browser.test_journey import pytestmark as journey_marks
from tests.browser.test_journey import site as site
from tests.browser.test_journey import weights

pytestmark = journey_marks

# A ring on the focused element, or on what is drawn in its place.
RING = """one => [one, one.nextElementSibling, one.closest("label"), one.parentElement].some(drawn => {
    const style = drawn && getComputedStyle(drawn)
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
})"""


def test_the_keyboard_alone_is_enough_and_shows_where_one_is(browser: Browser, site: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(site)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the papers")).to_be_focused()
    page.keyboard.press("Enter")
    press(page, page.get_by_label("Agents"), "Space")
    reach(page, page.get_by_label("Your email"))
    page.keyboard.type("ada@example.org")
    page.wait_for_timeout(1600)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your inbox")

    page.goto(link_in(next_mail(), "confirm"))
    press(page, page.get_by_role("button", name="Yes, bring me the papers"))
    press(page, page.get_by_role("button", name="Send me today’s now"))
    expect(page.get_by_role("status")).to_contain_text("on its way")
    open_in_browser(page, next_digest())
    press(page, page.get_by_role("link", name="More like this").first, ringed=False)  # the mail's own style
    press(page, page.get_by_role("button", name="Yes, more of it"))
    expect(page.get_by_role("status")).to_contain_text("Agents went from")

    press(page, page.get_by_role("link", name="To your preferences"))
    reach(page, page.get_by_role("group", name="Theory").get_by_label("off"))
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    press(page, page.get_by_role("button", name="Save"))
    expect(page.get_by_role("status")).to_have_text("Saved. The next edition follows it.")
    assert weights() == {"agents": "more", "theory": "normal"}

    press(page, page.get_by_role("link", name="Unsubscribe"))
    press(page, page.get_by_role("button", name="Unsubscribe"))
    press(page, page.get_by_role("button", name="Undo, and keep them coming"))
    expect(page.get_by_role("status")).to_contain_text("You are on the round again.")
    assert Subscriber.objects.get().state == "active"
    context.close()


def reach(page: Page, wanted: Locator, *, ringed: bool = True) -> None:
    """Press Tab until it has the focus."""
    for _ in range(150):
        if wanted.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(wanted).to_be_focused()
    assert not ringed or wanted.evaluate(RING), "one does not see where one is"


def press(page: Page, wanted: Locator, key: str = "Enter", *, ringed: bool = True) -> None:
    wanted.wait_for(state="attached")
    reach(page, wanted, ringed=ringed)
    page.keyboard.press(key)
