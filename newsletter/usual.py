"""How many papers a day a choice of topics usually gets: counted in the latest editions as they stand."""

import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from django.core.cache import cache
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.models import Edition

logger = logging.getLogger(__name__)

EDITIONS = 28
_KEY = "usual:1"
_KEPT_SECONDS = 600
ABOUT_ONE = 0.95
# A paper that matches several topics comes once, so papers are counted by all the topics that they match.
_COUNT = """
    WITH latest AS (
        SELECT id FROM newsletter_edition WHERE state = ANY(%s) ORDER BY date DESC LIMIT %s)
    SELECT topics, count(*), (SELECT count(*) FROM latest) FROM (
        SELECT ARRAY(SELECT m ->> 'topic' FROM jsonb_array_elements(entry.matches) m ORDER BY 1) AS topics
          FROM newsletter_editionpaper entry
         WHERE entry.removed_in IS NULL AND entry.edition_id IN (SELECT id FROM latest)) entries
     GROUP BY topics
"""


@dataclass(frozen=True, slots=True)
class Usual:
    """What the latest editions held: how many papers with just these topics, by the topics' slugs."""

    days: int = 0
    papers: tuple[tuple[tuple[str, ...], int], ...] = ()

    def a_day(self, topics: Collection[str]) -> float:
        """Papers a day that match any of these; without topics, all papers."""
        wanted = set(topics)
        found = sum(count for own, count in self.papers if not wanted or not wanted.isdisjoint(own))
        return found / self.days if self.days else 0.0

    def each_a_day(self) -> dict[str, float]:
        """Papers a day of every topic by itself; a topic that had none is missing."""
        found: Counter[str] = Counter()
        for own, count in self.papers:
            found.update(dict.fromkeys(own, count))
        return {slug: count / self.days for slug, count in found.items()}


def usual() -> Usual:
    """Count, or take what was counted in the last minutes. One query."""
    try:
        kept = cache.get(_KEY)
    except Exception as error:  # each cache backend fails in its own way
        logger.warning("Counted without a cache, which is down: %s", error)
        return _counted()
    if kept is None:
        kept = _counted()
        _keep(kept)
    found: Usual = kept
    return found


def in_words(a_day: float) -> str:
    """ "3 a day", "2 a week" or "now and then": for a topic by itself."""
    if (number := _rounded(a_day)) and a_day >= ABOUT_ONE:
        return ngettext("%(number)d a day", "%(number)d a day", number) % {"number": number}
    number = _rounded(7 * a_day)
    if number:
        return ngettext("%(number)d a week", "%(number)d a week", number) % {"number": number}
    return _("now and then") if a_day else _("none lately")


def mail_in_words(a_day: float, *, length: int, weekly: bool) -> str:
    """ "About 6 papers a day": of a whole choice whose mails have at most `length` papers."""
    number = _rounded(min(a_day, length))
    if number and a_day >= ABOUT_ONE and not weekly:
        return _a_day(number)
    number = _rounded(min(7 * a_day, length) if weekly else 7 * a_day)
    if number:
        return _a_week(number)
    return _("A paper now and then") if a_day else _("No paper lately")


def sentences() -> dict[str, str]:
    """What `mail_in_words` can say, for the script that says it while topics are chosen; # is the number."""
    return {
        "day-one": _a_day(1),
        "day-many": _a_day(2).replace("2", "#"),
        "week-one": _a_week(1),
        "week-many": _a_week(2).replace("2", "#"),
        "rare": _("A paper now and then"),
        "none": _("No paper lately"),
    }


def _a_day(number: int) -> str:
    text = ngettext("About %(number)d paper a day", "About %(number)d papers a day", number)
    return text % {"number": number}


def _a_week(number: int) -> str:
    text = ngettext("About %(number)d paper a week", "About %(number)d papers a week", number)
    return text % {"number": number}


def _rounded(number: float) -> int:
    """As scripts round, so that both say the same."""
    return int(number + 0.5)


def _counted() -> Usual:
    states = [str(state) for state in (*Edition.PRINTED, Edition.State.EMPTY)]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [states, EDITIONS])
        rows = cursor.fetchall()
    if not rows:
        return Usual()
    return Usual(rows[0][2], tuple((tuple(topics), count) for topics, count, _days in rows))


def _keep(found: Usual) -> None:
    try:
        cache.set(_KEY, found, _KEPT_SECONDS)
    except Exception as error:
        logger.warning("Not kept, the cache is down: %s", error)
