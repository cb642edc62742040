"""The Atom feed of the newsletter: the papers of its latest editions."""

from collections.abc import Collection, Mapping
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
from papers.atom import CONTENT_TYPE, Entry, Feed, written
from papers.public import public_paper

EDITIONS = 5
MOST = 200  # entries
KEPT = 3600  # seconds
_NEEDED = ("card", "matches", "terms", "edition", "paper__authors", "paper__categories", "paper__withdrawn")
# What an entry tells besides the card, which is as it was printed: this may change.
_CREDITS = MD5(Concat(Cast("paper__authors", TextField()), Cast("paper__categories", TextField())))


@for_machines
def feed(request: HttpRequest) -> HttpResponse:
    """Asked for by many and often, so whether it has changed is found out without making it."""
    editions = _editions()
    told = [(edition.date, edition.released_at, edition.revision) for edition in editions.values()]
    facts = (told, list(_entries(editions).values_list("pk", "paper__withdrawn", _CREDITS)))

    def make() -> HttpResponse:
        # The same for everybody, so each process makes it once.
        kept = caches["template_fragments"]
        content = kept.get_or_set(f"feed-{fingerprint(facts)}", lambda: written(_feed(editions)), KEPT)
        return HttpResponse(content, content_type=CONTENT_TYPE)

    released = [edition.released_at for edition in editions.values() if edition.released_at]
    answer = unless_known(request, facts, make, changed_at=max(released, default=None))
    answer.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    return answer


def _feed(editions: Mapping[int, Edition]) -> Feed:
    rows = _entries(editions).select_related("paper").only(*_NEEDED)
    return Feed(
        path=reverse("feed"),
        page="/",
        title=settings.NEWSLETTER_NAME,
        subtitle="The papers of the latest editions, best first.",
        entries=[_entry(row, editions[row.edition_id]) for row in rows],
    )


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
        withdrawn=row.paper.withdrawn,
    )
