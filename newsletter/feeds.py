"""The Atom feed of the newsletter: the papers of its latest editions."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from newsletter.front import story_of
from newsletter.models import Edition
from newsletter.shelf import entries_shown, shown
from papers.answering import for_machines
from papers.atom import Entry, PaperFeed
from papers.public import public_paper

EDITIONS = 5
MOST = 200  # entries
_NEEDED = ("card", "matches", "terms", "edition_id", "paper__authors", "paper__categories")


class EditionsFeed(PaperFeed):
    subtitle = "The papers of the latest editions, best first."

    def title(self, obj: Any) -> str:
        return settings.NEWSLETTER_NAME

    def link(self, obj: Any) -> str:
        return f"{settings.SITE_URL}/"

    def path(self, obj: Any) -> str:
        return reverse("feed")

    def items(self, obj: Any) -> list[Entry]:
        printed = shown(today=timezone.now().date()).filter(state__in=Edition.PRINTED)[:EDITIONS]
        editions = {edition.pk: edition for edition in printed}
        rows = (
            entries_shown()
            .filter(edition__in=editions)
            .select_related("paper")
            .only(*_NEEDED)
            .order_by("-edition__date", "rank")
        )
        return [_entry(row, editions[row.edition_id]) for row in rows[:MOST]]


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
