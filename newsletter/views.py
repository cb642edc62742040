"""The paper as it is printed: today's front page, any day, week or month; a mix's digest in the browser."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from math import ceil

from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from config.freshness import fingerprint, unless_known
from newsletter.forms.asking import SubscribeForm
from newsletter.front import (
    A_PAGE,
    ALSO,
    FrontPage,
    lay_out,
    lay_out_by_week,
    line_of_days,
    sources_in_words,
)
from newsletter.mail import preview
from newsletter.models import Edition, TopicMix
from newsletter.shelf import (
    best_stories,
    contents_by_day,
    contents_of,
    edition_stories,
    last_with_papers,
    shown,
    spans_beside,
    window,
)
from newsletter.spans import Day, Month, Week
from papers.models import Topic
from papers.paging import page_number

# A look back shows the best, as many as a page holds; all of them stand in the editions of the days.
MOST = A_PAGE
MONTH_OF_A_WEEK = 14


@require_safe
def today(request: HttpRequest) -> HttpResponseBase:
    """The latest edition: today's, or before it is out, the one before."""
    return _edition_page(request, shown(today=_utc_today()).first(), is_today=True)


@require_safe
def edition(request: HttpRequest, day: date) -> HttpResponseBase:
    """The edition of one day, as it was frozen."""
    return _edition_page(request, get_object_or_404(shown(today=_utc_today()), date=day))


@require_safe
def this_week(request: HttpRequest) -> HttpResponseBase:
    """The latest week that has a paper to read."""
    return _span_page(request, Week.of(_latest_day()), is_latest=True)


@require_safe
def week(request: HttpRequest, span: Week) -> HttpResponseBase:
    """The best papers of a week, by topic, with what became of them."""
    return _span_page(request, span)


@require_safe
def this_month(request: HttpRequest) -> HttpResponseBase:
    """The latest month that has a paper to read."""
    return _span_page(request, Month.of(_latest_day()), is_latest=True)


@require_safe
def month(request: HttpRequest, span: Month) -> HttpResponseBase:
    """The best papers of a month, by week, with what became of them."""
    return _span_page(request, span)


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


def _edition_page(request: HttpRequest, found: Edition | None, *, is_today: bool = False) -> HttpResponseBase:
    today = _utc_today()
    day = found.date if found else today
    earlier, later = spans_beside(Day.of(day), today=today)
    contents = contents_of(day)
    pages = max(1, ceil(contents.papers / A_PAGE))
    number = 1 if is_today else page_number(request, last=pages)
    last = None if contents.papers else last_with_papers(before=day)
    below = contents_of(last) if last else None
    topics = _topics()
    key = fingerprint((today, is_today, _in_print(found), earlier, later, contents, number, below))
    context = {
        "key": key,
        # Read and laid out only where the template does not find what it needs of it in memory, by the key.
        "page": SimpleLazyObject(partial(_laid_out, day, number, last, whole=later is None)),
        "own_path": reverse("edition", args=[day]) + (f"?page={number}" if number > 1 else ""),
        "is_today": is_today,
        "is_late": found is not None and day < today,
        "edition": found,
        "sources": sources_in_words(found.sources if found else ()),
        "day": day,
        "week": Week.of(day),
        "month": Month.of(day),
        "earlier": earlier,
        "later": later,
        "number": number,
        "pages": pages,
        "first_place": (number - 1) * A_PAGE + 1,
        "story_count": contents.papers,
        "last": last,
        "last_count": below.papers if below else 0,
        "topics": topics,
    }

    def make() -> HttpResponse:
        form = SubscribeForm(topics=topics)
        return render(request, "newsletter/edition.html", context | {"form": form})

    changed_at = found.released_at if found else None
    return unless_known(request, (key, _names(topics)), make, changed_at=changed_at, has_form=True)


def _laid_out(day: date, number: int, last: date | None, *, whole: bool) -> FrontPage:
    """A page of an edition; of a day without papers, what the edition of `last` had.

    Of that, the front page (and no older day) shows the whole, so that there is something to read.
    """
    page = lay_out(edition_stories(day)[(number - 1) * A_PAGE : number * A_PAGE])
    if last is None:
        return page
    stories = edition_stories(last)[:A_PAGE]
    page = replace(page, meanwhile=stories[: 1 + ALSO])
    if whole:
        below = lay_out(stories)
        page = replace(page, sections=below.sections, briefs=below.briefs)
    return page


def _span_page(request: HttpRequest, span: Week | Month, *, is_latest: bool = False) -> HttpResponseBase:
    now = timezone.now()
    days = contents_by_day(span, today=now.date())
    if not days and not is_latest:
        raise Http404(f"No edition of this {span.kind} is printed.")
    papers = {day: contents.papers for day, contents in days.items()}
    paper_count = sum(papers.values())
    earlier, later = spans_beside(span, today=now.date())
    last = None if paper_count else last_with_papers(before=span.first)
    topics = _topics()
    key = fingerprint((now.date(), span, is_latest, days, earlier, later, last))

    def make() -> HttpResponse:
        context = {
            "key": key,
            "span": span,
            "is_latest": is_latest,
            "is_running": now.date() in span,
            "earlier": earlier,
            "later": later,
            "has_editions": bool(papers),
            "month": Month.of(min(papers)) if papers else None,
            "days": line_of_days(span, papers, span) if papers and isinstance(span, Week) else [],
            # Read only where the template does not find what it needs of it in memory, by the key.
            "page": SimpleLazyObject(partial(_looked_back, span, papers, now)),
            "story_count": _shown_of(span, papers),
            "paper_count": paper_count,
            "last": last,
            "topics": topics,
            "form": SubscribeForm(topics=topics),
        }
        return render(request, "newsletter/look_back.html", context)

    return unless_known(request, (key, _names(topics)), make, has_form=True)


def _looked_back(span: Week | Month, papers: Mapping[date, int], now: datetime) -> FrontPage:
    if isinstance(span, Week):
        return lay_out(best_stories(span, now=now, most=MOST))
    stories = best_stories(span, now=now, most=MOST, most_of_a_week=MONTH_OF_A_WEEK)
    return lay_out_by_week(stories, span, papers)


def _shown_of(span: Week | Month, papers: Mapping[date, int]) -> int:
    """How many of these papers a look back shows."""
    if isinstance(span, Week):
        return min(MOST, sum(papers.values()))
    weeks: Counter[Week] = Counter()
    for day, count in papers.items():
        weeks[Week.of(day)] += count
    return min(MOST, sum(min(MONTH_OF_A_WEEK, count) for count in weeks.values()))


def _in_print(edition: Edition | None) -> object:
    """What a page tells of an edition, besides its papers."""
    if edition is None:
        return None
    return (
        edition.date,
        edition.state,
        edition.number,
        edition.candidate_count,
        edition.note,
        edition.sources,
    )


def _topics() -> list[Topic]:
    """Those to choose from; their phrases stay in the database."""
    return list(Topic.objects.filter(is_active=True).only("slug", "name"))


def _names(topics: Iterable[Topic]) -> list[tuple[str, str]]:
    return [(topic.slug, topic.name) for topic in topics]


def _latest_day() -> date:
    """Of the latest edition with papers; where none has, the latest at all; before the first, today."""
    today = _utc_today()
    if last := last_with_papers(before=today + timedelta(days=1)):
        return last
    return shown(today=today).values_list("date", flat=True).first() or today


def _utc_today() -> date:
    return timezone.now().date()
