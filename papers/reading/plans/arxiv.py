"""arXiv: for each category a feed of announcements a day; days that went by; papers without categories."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from papers.identity import identity
from papers.models import SourceRecord, SourceRun
from papers.reading import calendars, pacing
from papers.reading.singles import without_categories
from papers.reading.targets import LOOKUP, Errand, Needed, Target
from papers.reading.timetable import FORGOTTEN_AFTER, LISTS
from papers.reading.verdicts import FRESH, PARTIAL
from papers.sources import arxiv_api
from papers.sources.http import Client
from papers.sources.record import PaperRecord, Records, Reject

NAME = "arxiv"
LOOKUP_LIMIT = 300  # papers in one run; two days of the busiest lists


class ArXiv:
    """A `Plan`."""

    def watched(self, *, now: datetime) -> list[Target]:
        return [Target(NAME, category) for category in settings.NEWSLETTER_ARXIV_CATEGORIES]

    def besides(self, *, now: datetime) -> list[Target]:
        lookup = [Target(NAME, LOOKUP)] if without_categories(now=now).exists() else []
        return [*_missed(now), *lookup]

    def needed(self, *, freeze: datetime) -> Needed:
        newest = calendars.latest_feed(freeze)
        return Needed(self.watched(now=freeze), since=calendars.feed_moment(newest), newest=newest)

    def of_day(self, day: date) -> list[Target]:
        return [Target(NAME, f"{category} {day}") for category in settings.NEWSLETTER_ARXIV_CATEGORIES]

    def why_none(self, day: date) -> str:
        return "" if calendars.has_feed(day) else f"{day:%A}: arXiv announces nothing for this day"

    def records(self, errand: Errand, client: Client) -> Records:
        target = errand.target
        if target.name == LOOKUP:
            ids = without_categories(now=errand.begun).values_list("arxiv_id", flat=True)[:LOOKUP_LIMIT]
            wanted = [one for one in ids if one]
            return arxiv_api.fetch_ids(client, settings.NEWSLETTER_ARXIV_API_URL, wanted)
        if target.day is None:
            return _feed(errand, client)
        return _submitted(client, target.category, target.day)

    def take_turn(self, wait: Callable[[float], None]) -> None:
        pacing.take_turn("arxiv request", pacing.ARXIV_SECONDS, wait=wait)


def _missed(now: datetime) -> list[Target]:
    """Feeds of the last days that were never read and are no longer there: the API tells what was in them."""
    today, current = now.astimezone(UTC).date(), calendars.latest_feed(now)
    days = [today - timedelta(days=ago) for ago in range(LISTS, 0, -1)]
    days = [day for day in days if calendars.has_feed(day) and day < current]
    read = SourceRun.objects.filter(source=NAME, day__in=days, verdict__in=FRESH)
    read = read.filter(started_at__gte=now - FORGOTTEN_AFTER, started_at__lte=now)
    whole = read.exclude(verdict=PARTIAL, retry_at__isnull=False).values_list("target", "day")
    done = {(name.partition(" ")[0], day) for name, day in whole}
    return [
        Target(NAME, f"{category} {day}")
        for day in days
        for category in settings.NEWSLETTER_ARXIV_CATEGORIES
        if (category, day) not in done
    ]


def _feed(errand: Errand, client: Client) -> Records:
    feed = arxiv_api.fetch_announcements(client, settings.NEWSLETTER_ARXIV_FEED_URL, errand.target.category)
    # Made at midnight US Eastern, which is the same date in UTC.
    errand.feed_date = feed.updated.astimezone(UTC).date() if feed.updated else None
    yield from _announced(errand, feed.records)
    if feed.broken_off:
        raise feed.broken_off


def _announced(errand: Errand, entries: Sequence[PaperRecord | Reject]) -> Records:
    """The entries of a feed, without the new versions of papers that nobody knows here.

    Such a paper was announced long ago, on a day that the feed does not tell: it would come as from an
    archive, hundreds of them in one day, and stand in editions as that.
    """
    replaced = [one for one in entries if isinstance(one, PaperRecord) and one.listed_on is None]
    names = {identity(one) for one in replaced}
    rows = SourceRecord.objects.filter(identity__in=names)
    unknown = names - set(rows.values_list("identity", flat=True))
    for entry in entries:
        if isinstance(entry, PaperRecord) and entry.listed_on is None and identity(entry) in unknown:
            errand.ignored += 1
        else:
            yield entry


def _submitted(client: Client, category: str, day: date) -> Records:
    """What was submitted to a category in the span that was announced on `day`."""
    since, until = calendars.submission_window(day)
    url = settings.NEWSLETTER_ARXIV_API_URL
    for entry in arxiv_api.fetch_submitted(client, url, category, since, until):
        # The API tells no day. What was submitted then was announced on this one, and is no archive.
        yield replace(entry, listed_on=day) if isinstance(entry, PaperRecord) else entry
