"""A page per paper and per topic, and the search."""

from math import ceil
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from papers.card import card_of
from papers.models import Paper, PaperTopic, Topic
from papers.reasons import explain
from papers.search.finding import TooSlow
from papers.search.page import PER_PAGE as FOUND_PER_PAGE
from papers.search.page import answer, read_form
from papers.search.similar import with_reasons
from papers.trending import is_settled

PER_PAGE = 20
AUTHORS_SHOWN = 24
FACTS = ("published_on", "upvotes", "num_comments", "github_stars", "categories", "journal_ref", "comment")


@require_safe
def topics(request: HttpRequest) -> HttpResponse:
    """Every topic a reader can follow, with the number of papers filed under it."""
    kept = Q(filings__paper__hidden=False) & ~Q(filings__decision=PaperTopic.Decision.REMOVED)
    rows = Topic.objects.filter(is_active=True).annotate(paper_count=Count("filings", filter=kept))
    rows = rows.order_by("position", "name")  # counting drops the model's order
    return render(request, "papers/topics.html", {"topics": list(rows)})


@require_safe
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    """The papers of one topic, newest first, with the evidence that filed them here."""
    found = get_object_or_404(Topic, slug=slug, is_active=True)
    filings = (
        PaperTopic.objects.filter(topic=found, paper__hidden=False)
        .exclude(decision=PaperTopic.Decision.REMOVED)
        .select_related("paper")
        .order_by("-paper__listed_on", "-paper__trending_score", "paper_id")
    )
    paginator = Paginator(filings, PER_PAGE)
    number = _page_number(request)
    if number > paginator.num_pages:
        raise Http404(f"{found.name} has no page {number}.")
    page = paginator.page(number)
    items = [{"card": card_of(filing.paper), "filing": filing} for filing in page.object_list]
    return render(request, "papers/topic.html", {"topic": found, "page": page, "items": items})


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The papers that have the words of `q`, best first; without words, how to ask and where to look."""
    topics = list(Topic.objects.filter(is_active=True))
    asked = read_form(request.GET, request.GET.getlist("topic"), topics)
    number = _page_number(request)
    context: dict[str, Any] = {"asked": asked, "topics": topics, "answer": None}
    if not asked.question.alternatives:
        return render(request, "papers/search.html", context)
    try:
        result = answer(asked, page=number)
    except TooSlow:
        return render(request, "papers/search.html", {**context, "too_slow": True}, status=503)
    pages = max(1, ceil(result.found.ranked / FOUND_PER_PAGE))
    if number > pages:
        raise Http404(f"This search has no page {number}.")
    start = (number - 1) * FOUND_PER_PAGE + 1
    context |= {"answer": result, "number": number, "pages": pages, "start": start}
    return render(request, "papers/search.html", context)


@require_safe
def paper(request: HttpRequest, key: str) -> HttpResponse:
    """One paper, by arXiv id or, where it has none, by the hash of its title."""
    if "\0" in key:
        raise Http404("No paper has this name.")
    by_key = Q(arxiv_id=key) | Q(arxiv_id=None, title_hash=key)
    filings = (
        PaperTopic.objects.exclude(decision=PaperTopic.Decision.REMOVED)
        .filter(topic__is_active=True)
        .select_related("topic")
        .order_by("-score", "topic_id")
    )
    rows = Paper.objects.filter(by_key, hidden=False).prefetch_related(
        Prefetch("filings", queryset=filings, to_attr="filed")
    )
    found = rows.order_by("id").first()
    if found is None:
        raise Http404("No paper has this name.")
    authors = found.authors or []
    context = {
        "paper": found,
        "card": card_of(found),
        "authors": authors[:AUTHORS_SHOWN],
        "more_authors": max(len(authors), found.author_count or 0) - len(authors[:AUTHORS_SHOWN]),
        "is_listed": _is_listed(found),
        "has_facts": _is_listed(found) or any(getattr(found, name) not in (None, "", []) for name in FACTS),
        "why": explain(found.trending_terms, settled=is_settled(found.listed_on, now=timezone.now())),
        "similar": _similar(found),
    }
    return render(request, "papers/paper.html", context)


def _similar(paper: Paper) -> list[dict[str, Any]]:
    return [{"card": card_of(one.paper), "shares": one.shares} for one in with_reasons(paper)]


def _page_number(request: HttpRequest) -> int:
    """The page asked for, from 1; whatever is no such number is not found."""
    text = request.GET.get("page", "1")
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise Http404("There is no such page.")
    return int(text[:9])


def _is_listed(paper: Paper) -> bool:
    """Whether a source told its list day; of an archive paper we only know when we read it."""
    return paper.listed_on is not None and not paper.from_archive
