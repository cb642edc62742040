"""A page per paper and per topic, and the search."""

from math import ceil
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from papers.card import card_of
from papers.listing import (
    active_topics,
    discussion_of,
    filings_under,
    find_paper,
    find_topic,
    readings_of,
    topics_with_counts,
)
from papers.models import Paper
from papers.paging import PER_PAGE, page_number
from papers.plotting import HEIGHT, WIDTH, plot_of
from papers.search.finding import TooSlow
from papers.search.page import PER_PAGE as FOUND_PER_PAGE
from papers.search.page import answer, read_form, search_fields
from papers.search.similar import with_reasons
from papers.trending import explain, is_settled

AUTHORS_SHOWN = 24
FACTS = ("published_on", "upvotes", "num_comments", "github_stars", "categories", "journal_ref", "comment")


@require_safe
def topics(request: HttpRequest) -> HttpResponse:
    """Every topic a reader can follow, with the number of papers filed under it."""
    return render(request, "papers/topics.html", {"topics": topics_with_counts()})


@require_safe
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    """The papers of one topic, newest first, with the evidence that filed them here."""
    found = find_topic(slug)
    paginator = Paginator(filings_under(found), PER_PAGE)
    page = paginator.page(page_number(request, last=paginator.num_pages))
    items = [{"card": card_of(filing.paper), "filing": filing} for filing in page.object_list]
    return render(request, "papers/topic.html", {"topic": found, "page": page, "items": items})


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The papers that have the words of `q`, best first; without words, how to ask and where to look."""
    topics = active_topics()
    asked = read_form(request.GET, request.GET.getlist("topic"), topics)
    number = page_number(request)
    context: dict[str, Any] = {"asked": asked, "topics": topics, "answer": None}
    if not asked.question.alternatives:
        return render(request, "papers/search.html", context)
    context["fields"] = search_fields(asked)
    try:
        result = answer(asked, page=number)
    except TooSlow:
        return render(request, "papers/search.html", {**context, "too_slow": True}, status=503)
    pages = max(1, ceil(result.found.ranked / FOUND_PER_PAGE))
    if number > pages:
        raise Http404(_("This list has no page %(number)d.") % {"number": number})
    start = (number - 1) * FOUND_PER_PAGE + 1
    context |= {"answer": result, "number": number, "pages": pages, "start": start}
    return render(request, "papers/search.html", context)


@require_safe
def paper(request: HttpRequest, key: str) -> HttpResponse:
    """One paper, by arXiv id or, where it has none, by the hash of its title."""
    found = find_paper(key)
    if found is None:
        raise Http404(_("No paper has this name."))
    authors = found.authors or []
    card = card_of(found)
    context = {
        "paper": found,
        "card": card,
        "authors": authors[:AUTHORS_SHOWN],
        "other_authors": authors[AUTHORS_SHOWN:],
        "unnamed_authors": max(0, (found.author_count or 0) - len(authors)),
        "discussion": discussion_of(found),
        "is_listed": _is_listed(found),
        "has_facts": _is_listed(found) or any(getattr(found, name) not in (None, "", []) for name in FACTS),
        "why": explain(found.trending_terms, settled=is_settled(found.listed_on, now=timezone.now())),
        "plot": plot_of(readings_of(found)),
        "box": f"0 0 {WIDTH} {HEIGHT}",
        "similar": _similar(found),
    }
    return render(request, "papers/paper.html", context)


def _similar(paper: Paper) -> list[dict[str, Any]]:
    return [{"card": card_of(one.paper), "shares": one.shares} for one in with_reasons(paper)]


def _is_listed(paper: Paper) -> bool:
    """Whether a source told its list day; of an archive paper we only know when we read it."""
    return paper.listed_on is not None and not paper.from_archive
