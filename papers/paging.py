"""Which page of a list was asked for."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

PER_PAGE = 20


class Counted(Paginator):  # type: ignore[type-arg]
    """Pages of a list whose length is known already, or is cheaper to find out in another way."""

    def __init__(self, rows: Any, per_page: int, *, count: int) -> None:
        super().__init__(rows, per_page)
        self.count = count


def page_number(request: HttpRequest, *, last: int | None = None) -> int:
    """The page asked for, from 1; whatever is no such number, or beyond the last page, is not found."""
    text = request.GET.get("page", "1")
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise Http404(_("There is no such page."))
    number = int(text[:9])
    if last is not None:
        ensure_it_is_there(number, last=last)
    return number


def ensure_it_is_there(number: int, *, last: int) -> None:
    """For lists whose length is known only after the page was asked for; raises Http404."""
    if number > last:
        raise Http404(_("This list has no page %(number)d.") % {"number": number})
