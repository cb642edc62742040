"""How facts are set in type, as the active language does it: dates, counts, names, links."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.conf import settings
from django.utils.dateformat import format as set_date
from django.utils.formats import number_format
from django.utils.translation import ngettext, pgettext

from papers import days
from papers.tex import readable as tex_readable

register = template.Library()
# What they write is told there: "Friday 20 November 2026", and the like in other languages.
register.filter("long_day", days.long_day, expects_localtime=True)
register.filter("full_day", days.full_day, expects_localtime=True)
register.filter("near_day", days.near_day, expects_localtime=True)
register.filter("month_and_year", days.month_and_year)


@register.simple_tag
def newsletter_name() -> str:
    return str(settings.NEWSLETTER_NAME)


@register.filter
def grouped(number: int | None) -> str:
    """1234 -> "1,234"; None -> ""."""
    return "" if number is None else number_format(number, force_grouping=True)


def with_point(figures: str) -> str:
    """ "1.2" -> "1,2" where that is the language's way."""
    return number_format(Decimal(figures))


@register.filter
def compact(count: int | None) -> str:
    """1234 -> "1.2k"; None -> ""."""
    if count is None:
        return ""
    if count < 1000:
        return str(count)
    if count < 999_950:
        return with_point(f"{count / 1000:.1f}".removesuffix(".0")) + "k"
    return with_point(f"{count / 1_000_000:.1f}".removesuffix(".0")) + "m"


@register.filter
def short_day(day: date | str | None, beside: date | None = None) -> str:
    """A date or its ISO text -> "18 Nov"; with the year where that is not the year of `beside`."""
    if not day:
        return ""
    parsed = date.fromisoformat(day) if isinstance(day, str) else day
    if beside is not None and parsed.year == beside.year:
        return set_date(parsed, pgettext("format of a day", "j M"))
    return set_date(parsed, pgettext("format of a day", "j M Y"))


@register.filter
def byline(card: Mapping[str, Any]) -> str:
    """The byline of a card; where it is but a number of authors, in the active language."""
    said, authors = str(card["byline"]), card.get("author_count")
    if authors is None or said != (f"{authors:,} authors" if authors != 1 else "1 author"):
        return said
    return ngettext("%(number)s author", "%(number)s authors", authors) % {"number": grouped(authors)}


@register.filter
def web_url(url: str | None) -> str:
    """The URL where it is http(s) with a host, else "": a source may say anything."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return ""
    return url or "" if parts.scheme in ("http", "https") and parts.hostname else ""


@register.filter
def host(url: str) -> str:
    """ "https://www.github.com/a/b" -> "github.com"."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


@register.filter
def readable(text: str | None) -> str:
    """TeX as readable plain text, never markup."""
    return tex_readable(text or "")
