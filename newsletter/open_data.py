"""Editions, weeks and months as JSON; docs/api.md describes them."""

from datetime import date, datetime
from math import ceil
from typing import Any

from django.conf import settings
from django.db.models import Max, Q
from django.http import Http404, HttpRequest
from django.utils import timezone

from newsletter.models import Edition
from newsletter.public import public_edition, public_span
from newsletter.shelf import best_stories, edition_stories, papers_by_day, shown, spans_beside
from newsletter.spans import Day, Span
from papers.answering import json_door
from papers.paging import page_number

PER_PAGE = 100  # papers of a week or month


@json_door
def edition(request: HttpRequest, day: date) -> dict[str, Any]:
    """The edition of one day, with the counts it was printed with."""
    today = timezone.now().date()
    found = shown(today=today).filter(date=day).first()
    if found is None:
        raise Http404("There is no edition of this day.")
    earlier, later = spans_beside(Day.of(day), today=today)
    told = public_edition(
        day,
        edition_stories(day),
        state=found.state,
        number=found.number,
        printed_at=found.released_at,
        revision=found.revision,
        note=found.note,
        candidate_count=found.candidate_count,
        beside=(earlier.first if earlier else None, later.first if later else None),
        site=settings.SITE_URL,
    )
    return {**told, "changed": last_change(Q(date=day))}


@json_door
def span(request: HttpRequest, span: Span) -> dict[str, Any]:
    """One page of the papers of a week or month, best first, with the counts of now."""
    now = timezone.now()
    by_day = papers_by_day(span, today=now.date())
    if not by_day:
        raise Http404(f"There is no edition in this {span.kind}.")
    pages = max(1, ceil(sum(by_day.values()) / PER_PAGE))
    number = page_number(request, last=pages)
    start = (number - 1) * PER_PAGE
    told = public_span(
        span,
        best_stories(span, now=now, most=start + PER_PAGE)[start:],
        page=number,
        pages=pages,
        start=start,
        papers_by_day=by_day,
        beside=spans_beside(span, today=now.date()),
        site=settings.SITE_URL,
    )
    return {**told, "changed": last_change(Q(date__range=(span.first, span.last)))}


def last_change(which: Q) -> datetime | None:
    """When these editions were printed, or one of their papers was last saved, hidden ones too. One query."""
    latest = Edition.objects.filter(which).aggregate(
        printed=Max("released_at"), frozen=Max("frozen_at"), saved=Max("entries__paper__updated_at")
    )
    return max((at for at in latest.values() if at is not None), default=None)
