"""Pure: the time zones that a page offers, by continent, named as in the zone database.

Others, such as old names that a browser still gives, are understood by `schedule.canonical` all the same.
"""

from functools import cache
from zoneinfo import available_timezones

CONTINENTS = (
    *("Europe", "America", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian", "Antarctica"),
    "Arctic",
)


@cache
def offered() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(("Europe", ("Europe/Amsterdam", ...)), ..., ("UTC", ("UTC",)))."""
    names = sorted(available_timezones())
    groups = [
        (continent, tuple(name for name in names if name.startswith(f"{continent}/")))
        for continent in CONTINENTS
    ]
    return (*((continent, zones) for continent, zones in groups if zones), ("UTC", ("UTC",)))


def is_offered(name: str) -> bool:
    return any(name in zones for _, zones in offered())
