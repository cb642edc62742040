"""Which page of a list was asked for."""

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

PER_PAGE = 20


def page_number(request: HttpRequest, *, last: int | None = None) -> int:
    """The page asked for, from 1; whatever is no such number, or beyond the last page, is not found."""
    text = request.GET.get("page", "1")
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise Http404(_("There is no such page."))
    number = int(text[:9])
    if last is not None and number > last:
        raise Http404(_("This list has no page %(number)d.") % {"number": number})
    return number
