"""What the newsletter adds to pages: where a paper was printed, and weeks and months in words."""

from datetime import date

from django import template
from django.utils.dateformat import format as written
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from newsletter.models import Edition
from newsletter.shelf import printed_with
from newsletter.spans import Span, Week
from papers.days import full_day, month_and_year
from papers.models import Paper

register = template.Library()


@register.inclusion_tag("newsletter/_printed_in.html")
def printed_in(paper: Paper) -> dict[str, Edition | None]:
    """The one edition that printed this paper, if any did. One query. `papers` itself knows no editions."""
    return {"edition": printed_with(paper)}


@register.filter
def name_of(span: Span) -> str:
    """ "Week 47, 2026", "November 2026"."""
    if isinstance(span, Week):
        return _("Week %(number)s, %(year)s") % {"number": span.number, "year": span.year}
    return month_and_year(span.first)


@register.filter
def days_of(span: Span) -> str:
    """ "16 to 22 November 2026"; a month or year is said twice only where the two differ."""
    first, last = span.first, span.last
    if first.year != last.year:
        begin = full_day(first)
    elif first.month != last.month:
        begin = written(first, pgettext("format of a day before another of its year", "j F"))
    else:
        begin = written(first, pgettext("format of a day before another of its month", "j"))
    return _("%(first)s to %(last)s") % {"first": begin, "last": full_day(last)}


@register.filter
def weekday(day: date) -> str:
    """ "Mon 16"."""
    return written(day, pgettext("format of a day in a line of days", "D j"))
