"""Atom feeds of a topic and of a search: the papers that were listed last."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from papers.answering import for_machines
from papers.atom import Entry, PaperFeed
from papers.listing import active_topics, filings_under, find_topic
from papers.models import Paper, Topic
from papers.open_data import shown_as_json
from papers.search.finding import TooSlow
from papers.search.page import Asked, latest, read_form, search_fields

MOST = 50  # entries


class TopicFeed(PaperFeed):
    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Topic:
        return find_topic(kwargs["slug"])

    def path(self, obj: Topic) -> str:
        return reverse("topic_feed", args=[obj.slug])

    def title(self, obj: Topic) -> str:
        return f"{obj.name} · {settings.NEWSLETTER_NAME}"

    def subtitle(self, obj: Topic) -> str:
        return obj.description

    def link(self, obj: Topic) -> str:
        return settings.SITE_URL + reverse("topic", args=[obj.slug])

    def items(self, obj: Topic) -> list[Entry]:
        return entries([filing.paper for filing in filings_under(obj)[:MOST]])


class SearchFeed(PaperFeed):
    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().__call__(request, *args, **kwargs)
        except TooSlow:
            return HttpResponse(
                "This search takes too long. Put in one more word, or choose a topic or dates.\n",
                content_type="text/plain",
                status=503,
                headers={"Retry-After": "60"},
            )

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Asked:
        asked = read_form(request.GET, request.GET.getlist("topic"), active_topics())
        if not asked.question.alternatives:
            raise Http404("There is no word to look for: say q=….")
        return asked

    def path(self, obj: Asked) -> str:
        return f"{reverse('search_feed')}?{urlencode(search_fields(obj), doseq=True)}"

    def title(self, obj: Asked) -> str:
        return f"“{obj.question.typed}” · {settings.NEWSLETTER_NAME}"

    def subtitle(self, obj: Asked) -> str:
        return "The papers of this search that were listed last."

    def link(self, obj: Asked) -> str:
        return f"{settings.SITE_URL}{reverse('search')}?{urlencode(search_fields(obj), doseq=True)}"

    def items(self, obj: Asked) -> list[Entry]:
        return entries(latest(obj, MOST))


def entries(papers: Sequence[Paper]) -> list[Entry]:
    """Papers of a list as they are now; one query, for their topics."""
    return [
        Entry(
            paper=shown,
            authors=paper.authors or (),
            categories=paper.categories or (),
            published=paper.created_at.replace(microsecond=0),
            updated=paper.created_at.replace(microsecond=0),
            withdrawn=paper.withdrawn,
        )
        for paper, shown in zip(papers, shown_as_json(papers), strict=True)
    ]


topic_feed = for_machines(TopicFeed())
search_feed = for_machines(SearchFeed())
