"""The lists of papers and topics as JSON; docs/api.md describes them."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from math import ceil
from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.http import urlencode

from papers.answering import NotNow, json_door
from papers.card import card_of
from papers.counting import count_under, topics_with_counts
from papers.listing import (
    active_topics,
    best_filings,
    discussion_of,
    filings_under,
    find_paper,
    find_topic,
    latest_change,
    matches_of,
    readings_of,
)
from papers.models import Observation, Paper, Topic
from papers.paging import PER_PAGE, Counted, page_number
from papers.public import PublicPaper, PublicTopic, public_paper, public_topic
from papers.reasons import explain
from papers.search.finding import TooSlow
from papers.search.page import PER_PAGE as FOUND_PER_PAGE
from papers.search.page import Asked, answer, read_form, search_fields
from papers.search.similar import with_reasons
from papers.tex import readable
from papers.trending import is_settled


@json_door
def topics(request: HttpRequest) -> dict[str, Any]:
    return {"topics": [_topic(row, row.paper_count) for row in topics_with_counts()]}


@json_door
def topic(request: HttpRequest, slug: str) -> dict[str, Any]:
    """One page of the papers of a topic, newest first."""
    found = find_topic(slug)
    paginator = Counted(filings_under(found), PER_PAGE, count=count_under(found))
    number = page_number(request, last=paginator.num_pages)
    papers = [filing.paper for filing in paginator.page(number)]
    address = f"{settings.SITE_URL}/topics/{slug}.json"
    return {
        "topic": _topic(found, paginator.count),
        "paper_count": paginator.count,
        **_pages(address, {}, number, paginator.num_pages),
        "papers": shown_as_json(papers),
        "changed": latest_change(papers),
    }


@json_door
def search(request: HttpRequest) -> dict[str, Any]:
    """One page of the papers that have the words of `q`, best first."""
    topics = active_topics()
    asked = read_form(request.GET, request.GET.getlist("topic"), topics)
    if not asked.question.alternatives:
        raise Http404("There is no word to look for: say q=….")
    number = page_number(request)
    try:
        result = answer(asked, page=number)
    except TooSlow as error:
        raise NotNow(
            "This search takes too long. Put in one more word, or choose a topic or dates."
        ) from error
    pages = max(1, ceil(result.found.ranked / FOUND_PER_PAGE))
    if number > pages:
        raise Http404(f"This search has no page {number}.")
    papers = [item.paper for item in result.items]
    return {
        **_asked(asked),
        "did_you_mean": result.instead or None,
        "paper_count": result.found.count if result.found.is_exact else result.found.rounded,
        "is_exact": result.found.is_exact,
        **_pages(f"{settings.SITE_URL}/search.json", search_fields(asked), number, pages),
        "papers": shown_as_json(papers),
        "changed": latest_change(papers),
    }


@json_door
def paper(request: HttpRequest, key: str) -> dict[str, Any]:
    """Everything that is known of one paper."""
    found = find_paper(key)
    if found is None:
        raise Http404("No paper has this name.")
    return {
        **paper_as_json(found, matches_of(found)),
        "abstract": readable(found.abstract) if found.abstract else None,
        "authors": found.authors,
        "withdrawn": found.withdrawn,
        "listed_on": None if found.from_archive or not found.listed_on else found.listed_on.isoformat(),
        "arxiv_version": found.arxiv_version,
        "categories": found.categories,
        "doi": found.doi,
        "journal_ref": found.journal_ref,
        "comment": readable(found.comment) if found.comment else None,
        "discussion_url": discussion_of(found),
        "observations": [_observation(seen) for seen in readings_of(found)],
        "similar": _similar(found),
        "changed": found.updated_at,
    }


def shown_as_json(papers: Sequence[Paper]) -> list[PublicPaper]:
    """Papers of a list, with their topics; one query."""
    prefetch_related_objects(papers, best_filings())
    return [paper_as_json(paper, matches_of(paper)) for paper in papers]


def paper_as_json(paper: Paper, matches: Sequence[Mapping[str, Any]]) -> PublicPaper:
    why = explain(
        paper.trending_terms, beside_counts=True, settled=is_settled(paper.listed_on, now=timezone.now())
    )
    return public_paper(card_of(paper), matches, why=why, site=settings.SITE_URL)


def _topic(topic: Topic, paper_count: int) -> PublicTopic:
    return public_topic(
        topic.slug,
        topic.name,
        description=topic.description,
        categories=topic.categories,
        paper_count=paper_count,
        site=settings.SITE_URL,
    )


def _asked(asked: Asked) -> dict[str, Any]:
    return {
        "query": asked.question.typed,
        "topics": [topic.slug for topic in asked.topics],
        "from": asked.since.isoformat() if asked.since else None,
        "to": asked.until.isoformat() if asked.until else None,
        "mistakes": list(asked.mistakes),
    }


def _pages(address: str, fields: dict[str, Any], number: int, last: int) -> dict[str, Any]:
    def page(number: int) -> str:
        return f"{address}?{urlencode({**fields, 'page': number}, doseq=True)}"

    return {
        "page": number,
        "pages": last,
        "previous_page": page(number - 1) if number > 1 else None,
        "next_page": page(number + 1) if number < last else None,
    }


def _observation(seen: Observation) -> dict[str, Any]:
    assert seen.observed_at is not None  # noqa: S101  readings_of gives no others
    return {
        "at": seen.observed_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "source": seen.source,
        "upvotes": seen.upvotes,
        "comments": seen.num_comments,
        "github_stars": seen.github_stars,
    }


def _similar(paper: Paper) -> list[dict[str, Any]]:
    found = with_reasons(paper)
    shown = shown_as_json([one.paper for one in found])
    return [{**public, "shares": list(one.shares)} for public, one in zip(shown, found, strict=True)]
