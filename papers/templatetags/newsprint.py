"""How facts are set in type: dates, counts, names, links."""

from datetime import date
from urllib.parse import urlsplit

from django import template
from django.conf import settings

from papers import days
from papers.tex import readable as tex_readable

register = template.Library()
# What they write is told there: "Friday 20 November 2026", and the like in other languages.
register.filter("long_day", days.long_day)
register.filter("full_day", days.full_day)
register.filter("near_day", days.near_day)
register.filter("month_and_year", days.month_and_year)


@register.simple_tag
def newsletter_name() -> str:
    return str(settings.NEWSLETTER_NAME)


@register.filter
def compact(count: int | None) -> str:
    """1234 -> "1.2k"; None -> ""."""
    if count is None:
        return ""
    if count < 1000:
        return str(count)
    if count < 999_950:
        return f"{count / 1000:.1f}".removesuffix(".0") + "k"
    return f"{count / 1_000_000:.1f}".removesuffix(".0") + "m"


@register.filter
def short_day(day: date | str | None, beside: date | None = None) -> str:
    """A date or its ISO text -> "18 Nov"; with the year where that is not the year of `beside`."""
    if not day:
        return ""
    parsed = date.fromisoformat(day) if isinstance(day, str) else day
    year = "" if beside is not None and parsed.year == beside.year else f" {parsed.year}"
    return f"{parsed.day} {parsed:%b}{year}"


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
