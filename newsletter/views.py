"""The paper as it is printed: today's front page and any day; a mix's digest in the browser."""

from dataclasses import replace
from datetime import date
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
from newsletter.coupon import names_of, topics_to_choose
from newsletter.forms.asking import SubscribeForm
from newsletter.front import A_PAGE, ALSO, FrontPage, lay_out, sources_in_words
from newsletter.mail import preview
from newsletter.models import Edition, TopicMix
from newsletter.shelf import contents_of, edition_stories, last_with_papers, shown, spans_beside, window
from newsletter.spans import Day, Month, Week
from papers.paging import page_number


@require_safe
def today(request: HttpRequest) -> HttpResponseBase:
    """The latest edition: today's, or before it is out, the one before."""
    return _edition_page(request, shown(today=_utc_today()).first(), is_today=True)


@require_safe
def edition(request: HttpRequest, day: date) -> HttpResponseBase:
    """The edition of one day, as it was frozen."""
    return _edition_page(request, get_object_or_404(shown(today=_utc_today()), date=day))


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
    topics = topics_to_choose()
    names = names_of(topics)
    key = fingerprint((today, is_today, _in_print(found), earlier, later, contents, number, below, names))
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
        "open_topics": dict(names),
    }

    def make() -> HttpResponse:
        form = SubscribeForm(topics=topics)
        return render(request, "newsletter/edition.html", context | {"form": form})

    changed_at = found.released_at if found else None
    return unless_known(request, key, make, changed_at=changed_at, has_form=True)


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


def _utc_today() -> date:
    return timezone.now().date()
