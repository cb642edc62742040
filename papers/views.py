"""A page per paper and per topic, and the search."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config.freshness import unless_known
from papers.card import card_of
from papers.counting import pages_under, topics_with_counts
from papers.listing import (
    active_topics,
    discussion_of,
    find_paper,
    find_topic,
    latest_change,
    readings_of,
)
from papers.models import Paper, PaperTopic
from papers.paging import ensure_it_is_there, page_number
from papers.plotting import HEIGHT, WIDTH, plot_of
from papers.reasons import explain
from papers.rows import rows_of
from papers.search.finding import TooSlow
from papers.search.page import PER_PAGE as FOUND_PER_PAGE
from papers.search.page import answer, read_form, search_fields
from papers.search.similar import with_reasons
from papers.trending import is_settled

AUTHORS_SHOWN = 24
FACTS = ("published_on", "upvotes", "num_comments", "github_stars", "categories", "journal_ref", "comment")


@require_safe
def topics(request: HttpRequest) -> HttpResponse:
    """Every topic a reader can follow, with the number of papers filed under it."""
    rows = topics_with_counts()
    facts = [(row.slug, row.name, row.description, row.paper_count) for row in rows]
    return unless_known(request, facts, lambda: render(request, "papers/topics.html", {"topics": rows}))


@require_safe
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    """The papers of one topic, newest first, with the evidence that filed them here."""
    found = find_topic(slug)
    paginator = pages_under(found)
    page = paginator.page(page_number(request, last=paginator.num_pages))
    filings: list[PaperTopic] = list(page.object_list)
    rows = rows_of([filing.paper for filing in filings], now=timezone.now(), under=found)
    items = [
        {"card": card_of(filing.paper), "filing": filing, "row": row}
        for filing, row in zip(filings, rows, strict=True)
    ]
    query = f"?page={page.number}" if page.number > 1 else ""
    context = {"topic": found, "page": page, "items": items, "page_query": query}
    facts = (
        *(found.name, found.description, page.number, paginator.count),
        [
            (item["card"], filing.paper.withdrawn, filing.paper.listed_on, *_of_filing(filing))
            for item, filing in zip(items, filings, strict=True)
        ],
    )
    changed = latest_change([filing.paper for filing in filings])
    return unless_known(
        request, (facts, rows), lambda: render(request, "papers/topic.html", context), changed_at=changed
    )


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The papers that have the words of `q`, best first; without words, how to ask and where to look."""
    topics = active_topics()
    asked = read_form(request.GET, request.GET.getlist("topic"), topics)
    number = page_number(request)
    context: dict[str, Any] = {"asked": asked, "topics": topics, "answer": None}
    shelves = [(row.slug, row.name) for row in topics]
    if not asked.question.alternatives:
        return unless_known(request, (asked, shelves), lambda: render(request, "papers/search.html", context))
    context["fields_line"] = urlencode(search_fields(asked), doseq=True)
    try:
        result = answer(asked, page=number)
    except TooSlow:
        return render(request, "papers/search.html", {**context, "too_slow": True}, status=503)
    ensure_it_is_there(number, last=result.pages)
    start = (number - 1) * FOUND_PER_PAGE + 1
    context |= {"answer": result, "number": number, "pages": result.pages, "start": start}
    return unless_known(
        request,
        (asked, shelves, result, [item.paper.withdrawn for item in result.items]),
        lambda: render(request, "papers/search.html", context),
        changed_at=latest_change([item.paper for item in result.items]),
    )


@require_safe
def paper(request: HttpRequest, key: str) -> HttpResponse:
    """One paper, by arXiv id or, where it has none, by the hash of its title."""
    found = find_paper(key)
    if found is None:
        raise Http404(_("No paper has this name."))
    context = {
        "plot": plot_of(readings_of(found)),
        "why": explain(found.trending_terms, settled=is_settled(found.listed_on, now=timezone.now())),
        "similar": _similar(found),
        "printed_in": render_to_string("papers/_printed_in.html", {"paper": found}),
        "discussion": discussion_of(found),
    }
    columns = {field.attname: getattr(found, field.attname) for field in Paper._meta.concrete_fields}
    filed = [(filing.topic.slug, filing.topic.name, *_of_filing(filing)) for filing in found.filed]
    return unless_known(
        request,
        ({**columns, "updated_at": None}, filed, context),
        lambda: render(request, "papers/paper.html", {**context, **_told(found)}),
        changed_at=found.updated_at,
    )


def _told(paper: Paper) -> dict[str, Any]:
    """What the page says of the paper itself."""
    authors = paper.authors or []
    return {
        "paper": paper,
        "card": card_of(paper),
        "authors": authors[:AUTHORS_SHOWN],
        "other_authors": authors[AUTHORS_SHOWN:],
        "unnamed_authors": max(0, (paper.author_count or 0) - len(authors)),
        "is_listed": _is_listed(paper),
        "has_facts": _is_listed(paper) or any(getattr(paper, name) not in (None, "", []) for name in FACTS),
        "box": f"0 0 {WIDTH} {HEIGHT}",
    }


def _of_filing(filing: PaperTopic) -> tuple[object, ...]:
    return filing.evidence, filing.decision, filing.paper_id


def _similar(paper: Paper) -> list[dict[str, Any]]:
    return [{"card": card_of(one.paper), "shares": one.shares} for one in with_reasons(paper)]


def _is_listed(paper: Paper) -> bool:
    """Whether a source told its list day; of an archive paper we only know when we read it."""
    return paper.listed_on is not None and not paper.from_archive
