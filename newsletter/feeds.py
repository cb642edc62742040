"""The Atom feed of the newsletter: the papers of its latest editions."""

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db.models import QuerySet, TextField
from django.db.models.functions import MD5, Cast, Concat
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from config.freshness import fingerprint, unless_known
from newsletter.front import story_of
from newsletter.models import Edition, EditionPaper
from newsletter.shelf import entries_shown, shown
from papers.answering import MAX_AGE, for_machines
from papers.atom import Entry, PaperFeed
from papers.public import public_paper

EDITIONS = 5
MOST = 200  # entries
KEPT = 3600  # seconds
_NEEDED = ("card", "matches", "terms", "edition", "paper__authors", "paper__categories")
# What an entry tells of a paper that its card does not: that is as it was printed, and this may change.
_CREDITS = MD5(Concat(Cast("paper__authors", TextField()), Cast("paper__categories", TextField())))


class EditionsFeed(PaperFeed):
    """Asked for by many and often, so whether it has changed is found out without making it."""

    subtitle = "The papers of the latest editions, best first."

    def title(self, obj: Any) -> str:
        return settings.NEWSLETTER_NAME

    def link(self, obj: Any) -> str:
        return f"{settings.SITE_URL}/"

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        editions = _editions()
        told = [(edition.date, edition.released_at, edition.revision) for edition in editions.values()]
        facts = (told, list(_entries(editions).values_list("pk", _CREDITS)))

        def make() -> HttpResponse:
            # The same for everybody, so each process makes it once.
            kept = caches["template_fragments"]
            feed = kept.get_or_set(f"feed-{fingerprint(facts)}", lambda: self.made(request).content, KEPT)
            return HttpResponse(feed, content_type=self.feed_type.content_type)

        released = [edition.released_at for edition in editions.values() if edition.released_at]
        answer = unless_known(request, facts, make, changed_at=max(released, default=None))
        answer.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
        return answer

    def path(self, obj: Any) -> str:
        return reverse("feed")

    def items(self, obj: Any) -> list[Entry]:
        editions = _editions()
        rows = _entries(editions).select_related("paper").only(*_NEEDED)
        return [_entry(row, editions[row.edition_id]) for row in rows]


def _editions() -> dict[int, Edition]:
    """The latest that have papers, latest first, by their number in the database."""
    printed = shown(today=timezone.now().date()).filter(state__in=Edition.PRINTED)
    return {edition.pk: edition for edition in printed[:EDITIONS]}


def _entries(editions: Collection[int]) -> QuerySet[EditionPaper]:
    return entries_shown().filter(edition__in=editions).order_by("-edition__date", "rank")[:MOST]


def _entry(row: Any, edition: Edition) -> Entry:
    story = story_of(row.card, row.matches, row.terms, day=edition.date)
    printed_at = edition.released_at or edition.frozen_at or timezone.now()
    return Entry(
        paper=public_paper(story.card, story.matches, why=story.why, site=settings.SITE_URL),
        authors=row.paper.authors or (),
        categories=row.paper.categories or (),
        published=printed_at,
        updated=printed_at,
    )


feed = for_machines(EditionsFeed())
