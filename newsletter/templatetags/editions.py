"""What the newsletter adds to pages: where a paper was printed, and weeks and months in words."""

from django import template
from django.utils.dateformat import format as written
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from newsletter.models import Edition
from newsletter.shelf import printed_with
from newsletter.spans import Span, Week
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
    return written(span.first, pgettext("format of a month", "F Y"))


@register.filter
def days_of(span: Span) -> str:
    """ "16 to 22 November 2026"; a month or year is said twice only where the two differ."""
    first, last = span.first, span.last
    if first.year != last.year:
        begin = pgettext("format of a day", "j F Y")
    elif first.month != last.month:
        begin = pgettext("format of a day before another of its year", "j F")
    else:
        begin = pgettext("format of a day before another of its month", "j")
    end = pgettext("format of a day", "j F Y")
    return _("%(first)s to %(last)s") % {"first": written(first, begin), "last": written(last, end)}
