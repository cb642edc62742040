"""Atom feeds of papers (RFC 4287): one shape of entry, whichever list it comes from.

An entry's id is a tag (RFC 4151) of the site and the paper, so one paper is one entry in all feeds. They are
written here, and not by Django's framework for feeds, which takes four times as long: readers of feeds ask
all day.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape, quoteattr

from django.conf import settings
from django.utils import timezone

from papers.answering import LANGUAGE
from papers.feed_entry import html_of
from papers.public import PublicPaper

CONTENT_TYPE = "application/atom+xml; charset=utf-8"
AUTHORS_NAMED = 24
ARXIV_SCHEME = "http://arxiv.org/schemas/atom"  # as arXiv's own feeds name their categories
# What XML 1.0 has no way to say.
_UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper in a feed. `published`: when it came to this list; `updated`: when it last was news."""

    paper: PublicPaper
    authors: Sequence[str]
    categories: Sequence[str]  # of arXiv
    published: datetime
    updated: datetime
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """A list of papers. `path` and `page` are the feed's own address and that of the same list as a page,
    both without the site.
    """

    path: str
    page: str
    title: str
    subtitle: str
    entries: Sequence[Entry]

    @property
    def updated(self) -> datetime:
        """Without entries that is today, not now: it would be a new feed every second."""
        today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return max((entry.updated for entry in self.entries), default=today)


def written(feed: Feed) -> str:
    """The feed as a document; signs that XML cannot say are left out."""
    site = settings.SITE_URL
    head = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<feed xml:lang="{LANGUAGE}" xmlns="http://www.w3.org/2005/Atom">',
        f"<title>{escape(feed.title)}</title>",
        _empty("link", href=site + feed.page, rel="alternate"),
        _empty("link", href=site + feed.path, rel="self"),
        f"<id>{escape(_tag(feed.path))}</id><updated>{feed.updated.isoformat()}</updated>",
        f"<author><name>{escape(settings.NEWSLETTER_NAME)}</name></author>",
        f"<subtitle>{escape(feed.subtitle)}</subtitle>" if feed.subtitle else "",
    )
    parts = [*head, *(part for entry in feed.entries for part in _entry(entry)), "</feed>"]
    return _UNSAYABLE.sub("", "".join(parts))


def _entry(entry: Entry) -> Iterator[str]:
    paper = entry.paper
    yield f"<entry><title>{escape(paper['title'])}</title>"
    yield _empty("link", href=paper["url"], rel="alternate")
    yield f"<published>{entry.published.isoformat()}</published>"
    yield f"<updated>{entry.updated.isoformat()}</updated>"
    yield f"<id>{escape(_tag(urlsplit(paper['url']).path))}</id>"
    yield f'<summary type="html">{escape(html_of(paper, withdrawn=entry.withdrawn))}</summary>'
    for author in entry.authors[:AUTHORS_NAMED]:
        yield f"<author><name>{escape(author)}</name></author>"
    yield from _categories(entry)
    if arxiv_id := paper["arxiv_id"]:
        yield _empty("link", href=f"https://arxiv.org/abs/{quote(arxiv_id)}", rel="related", type="text/html")
    yield "</entry>"


def _categories(entry: Entry) -> Iterable[str]:
    """Topics of ours, then what arXiv calls it."""
    scheme = f"{settings.SITE_URL}/topics/"
    for topic in entry.paper["topics"]:
        yield _empty("category", label=topic["name"], scheme=scheme, term=topic["slug"])
    for category in entry.categories:
        yield _empty("category", scheme=ARXIV_SCHEME, term=category)


def _empty(element: str, **attributes: str) -> str:
    told = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{element}{told}/>"


def _tag(path: str) -> str:
    """tag:papers.example.org,2026:/papers/2604.13074/"""
    return f"tag:{urlsplit(settings.SITE_URL).hostname},2026:{path}"
