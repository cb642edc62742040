"""A week or month of the paper: the best of its editions, with what became of them."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from config.freshness import fingerprint, unless_known
from newsletter.coupon import names_of, topics_to_choose
from newsletter.forms.asking import SubscribeForm
from newsletter.front import A_PAGE, FrontPage, lay_out, lay_out_by_week, line_of_days
from newsletter.shelf import best_stories, contents_by_day, last_with_papers, shown, spans_beside
from newsletter.spans import Month, Week

# As many as a page holds; all of them stand in the editions of the days.
MOST = A_PAGE
MONTH_OF_A_WEEK = 14


@require_safe
def this_week(request: HttpRequest) -> HttpResponse:
    """The latest week that has a paper to read."""
    return _page(request, Week.of(_latest_day()), is_latest=True)


@require_safe
def week(request: HttpRequest, span: Week) -> HttpResponse:
    """The best papers of a week, by topic, with what became of them."""
    return _page(request, span)


@require_safe
def this_month(request: HttpRequest) -> HttpResponse:
    """The latest month that has a paper to read."""
    return _page(request, Month.of(_latest_day()), is_latest=True)


@require_safe
def month(request: HttpRequest, span: Month) -> HttpResponse:
    """The best papers of a month, by week, with what became of them."""
    return _page(request, span)


def _page(request: HttpRequest, span: Week | Month, *, is_latest: bool = False) -> HttpResponse:
    now = timezone.now()
    days = contents_by_day(span, today=now.date())
    if not days and not is_latest:
        raise Http404(f"No edition of this {span.kind} is printed.")
    papers = {day: contents.papers for day, contents in days.items()}
    paper_count = sum(papers.values())
    earlier, later = spans_beside(span, today=now.date())
    last = None if paper_count else last_with_papers(before=span.first)
    topics = topics_to_choose()
    names = names_of(topics)
    key = fingerprint((now.date(), span, is_latest, days, earlier, later, last, names))

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
            "open_topics": dict(names),
            "form": SubscribeForm(topics=topics),
        }
        return render(request, "newsletter/look_back.html", context)

    return unless_known(request, key, make, has_form=True)


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


def _latest_day() -> date:
    """Of the latest edition with papers; where none has, the latest at all; before the first, today."""
    today = timezone.now().date()
    if last := last_with_papers(before=today + timedelta(days=1)):
        return last
    return shown(today=today).values_list("date", flat=True).first() or today
