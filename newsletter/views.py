"""The paper as it is printed: today's front page, any day's edition, and a mix's digest in the browser."""

from dataclasses import replace
from datetime import date
from typing import Any

from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from newsletter.forms.asking import SubscribeForm
from newsletter.front import ALSO, lay_out, sources_in_words
from newsletter.mail import preview
from newsletter.models import Edition, TopicMix
from newsletter.shelf import edition_stories, last_with_papers, neighbours, shown, window
from papers.models import Topic


@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """The latest edition: today's, or before it is out, the one before."""
    edition = shown(today=_utc_today()).first()
    context = _edition_context(request, edition)
    context["is_today"] = True
    return render(request, "newsletter/edition.html", context)


@require_safe
def edition(request: HttpRequest, day: date) -> HttpResponse:
    """The edition of one day, as it was frozen."""
    found = get_object_or_404(shown(today=_utc_today()), date=day)
    return render(request, "newsletter/edition.html", _edition_context(request, found))


@require_safe
def digest(request: HttpRequest, day: date, slug: str, first: date | None = None) -> HttpResponse:
    """The mail of a mix, in the browser: not for search engines, and nothing personal in it.

    With `first` it is the mail of the window of editions from that day on.
    """
    editions = window(first or day, day)
    if not editions or editions[-1].date != day:
        raise Http404("no edition of this day is printed")
    mix = get_object_or_404(TopicMix.objects.prefetch_related("choices__topic"), slug=slug)
    response = HttpResponse(preview(editions, mix).html)
    response["X-Robots-Tag"] = "noindex"
    # Mail brings its own styles; it has no scripts and loads nothing.
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'"
    )
    return response


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """ "ok" where the database answers, else 503: for whatever watches the process."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("the database does not answer\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n", content_type="text/plain")


def _edition_context(request: HttpRequest, found: Edition | None) -> dict[str, Any]:
    topics = list(Topic.objects.filter(is_active=True))
    day = found.date if found else _utc_today()
    beside = neighbours(day, today=_utc_today())
    stories = edition_stories(found.date) if found else []
    page = lay_out(stories)
    # A day without papers shows what the last paper had; today's front page shows the whole of it.
    last = None if stories else last_with_papers(before=day)
    meanwhile = edition_stories(last) if last else []
    if meanwhile and beside.later is None:
        below = lay_out(meanwhile)
        page = replace(page, sections=below.sections, briefs=below.briefs)
    return {
        "edition": found,
        "sources": sources_in_words(found.sources if found else ()),
        "day": day,
        "is_late": found is not None and found.date < _utc_today(),
        "page": page,
        "story_count": len(stories),
        "form": SubscribeForm(topics=topics),
        "topics": topics,
        "neighbours": beside,
        "last": last,
        "last_count": len(meanwhile),
        "meanwhile": meanwhile[: 1 + ALSO],
    }


def _utc_today() -> date:
    return timezone.now().date()
