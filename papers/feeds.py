"""Atom feeds of a topic and of a search: the papers that were listed last."""

from collections.abc import Sequence

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from papers.answering import for_machines, validated
from papers.atom import CONTENT_TYPE, Entry, Feed, written
from papers.listing import active_topics, filings_under, find_topic
from papers.models import Paper
from papers.open_data import shown_as_json
from papers.search.finding import TooSlow
from papers.search.page import latest, read_form, search_fields

MOST = 50  # entries


@for_machines
def topic_feed(request: HttpRequest, slug: str) -> HttpResponse:
    topic = find_topic(slug)
    feed = Feed(
        path=reverse("topic_feed", args=[slug]),
        page=reverse("topic", args=[slug]),
        title=f"{topic.name} · {settings.NEWSLETTER_NAME}",
        subtitle=topic.description,
        entries=entries([filing.paper for filing in filings_under(topic)[:MOST]]),
    )
    return _answer(request, feed)


@for_machines
def search_feed(request: HttpRequest) -> HttpResponse:
    asked = read_form(request.GET, request.GET.getlist("topic"), active_topics())
    if not asked.question.alternatives:
        raise Http404("There is no word to look for: say q=….")
    try:
        papers = latest(asked, MOST)
    except TooSlow:
        return HttpResponse(
            "This search takes too long. Put in one more word, or choose a topic or dates.\n",
            content_type="text/plain",
            status=503,
            headers={"Retry-After": "60"},
        )
    fields = urlencode(search_fields(asked), doseq=True)
    feed = Feed(
        path=f"{reverse('search_feed')}?{fields}",
        page=f"{reverse('search')}?{fields}",
        title=f"“{asked.question.typed}” · {settings.NEWSLETTER_NAME}",
        subtitle="The papers of this search that were listed last.",
        entries=entries(papers),
    )
    return _answer(request, feed)


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


def _answer(request: HttpRequest, feed: Feed) -> HttpResponse:
    response = HttpResponse(written(feed), content_type=CONTENT_TYPE)
    return validated(request, response, changed=feed.updated)
