"""Looking at a page as it stands in the browser: on phone and desk, by day and by night, with axe's eyes.

Pictures of what was seen are in var/screenshots: name, width, light.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Page

PICTURES = Path(settings.BASE_DIR) / "var" / "screenshots"
NARROW, MIDDLE, WIDE = 360, 768, 1440
Light = Literal["light", "dark"]
View = tuple[Light, int]
# In this order the page is laid out anew only once.
VIEWS: tuple[View, ...] = (("light", WIDE), ("dark", WIDE), ("dark", NARROW), ("light", NARROW))
EACH_ONCE = VIEWS[::2]  # each light and each width
RULES: dict[str, Any] = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
_AXE = Axe().axe_script
# A colour that is on its way from light to dark would be neither's.
_VIOLATIONS = """([part, options]) => {
    document.getAnimations().forEach(one => one.finish())
    return axe.run(part || document, options)
        .then(found => found.violations.map(one => [one.id, one.nodes[0].html]))
}"""
_OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def look_at(page: Page, name: str, *, rules: dict[str, Any] = RULES, part: str = "") -> list[str]:
    """Take the page's pictures and return what is wrong with how it looks, in sentences. axe goes by `rules`,
    and looks at what the selector `part` finds, or at all."""
    found = []
    for view in turned(page, VIEWS):
        found += violations(page, name, view, rules=rules, part=part)
        if view in EACH_ONCE:
            found += overflow(page, name)
            photograph(page, f"{name}-{view[1]}-{view[0]}")
    page.set_viewport_size({"width": MIDDLE, "height": 900})
    return found + overflow(page, name)


def turned(page: Page, views: Iterable[View]) -> Iterator[View]:
    """Have the page shown in each of these, with axe at hand."""
    page.evaluate(_AXE)
    for light, width in views:
        page.emulate_media(color_scheme=light)
        page.set_viewport_size({"width": width, "height": 900})
        yield light, width


def violations(
    page: Page, name: str, view: View, *, rules: dict[str, Any] = RULES, part: str = ""
) -> list[str]:
    """What axe finds in the view that the page is in."""
    found = page.evaluate(_VIOLATIONS, [part, rules])
    return [f"{name}: {rule} at {view[1]} px in the {view[0]}, {html[:120]}" for rule, html in found]


def overflow(page: Page, name: str) -> list[str]:
    """Whether the page scrolls sideways at the width that it has."""
    over, width = page.evaluate(_OVER), page.evaluate("innerWidth")
    return [f"{name} scrolls sideways by {over} px at {width} px"] if over > 0 else []


def photograph(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.jpg", full_page=True, type="jpeg", quality=80)
