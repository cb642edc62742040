"""Atom feeds of papers: one shape of entry, whichever list it comes from.

An entry's id is a tag (RFC 4151) of the site and the paper, so one paper is one entry in all feeds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import IO, Any
from urllib.parse import quote, urlsplit
from xml.sax.xmlreader import AttributesImpl

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed
from django.utils.http import parse_http_date
from django.utils.xmlutils import SimplerXMLGenerator

from papers.answering import LANGUAGE, validated
from papers.feed_entry import html_of
from papers.public import PublicPaper

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


def tag(path: str) -> str:
    """tag:papers.example.org,2026:/papers/2604.13074/"""
    return f"tag:{urlsplit(settings.SITE_URL).hostname},2026:{path}"


def sayable(text: str) -> str:
    return _UNSAYABLE.sub("", text)


class _Atom(Atom1Feed):
    """Django's, with all authors, labelled categories and the paper on arXiv."""

    def __init__(self, title: str, link: str, description: str | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(sayable(title), link, sayable(description or ""), *args, **kwargs)

    def add_item(self, title: str, link: str, description: str, *args: Any, **kwargs: Any) -> None:
        super().add_item(sayable(title), link, sayable(description), *args, **kwargs)

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        entry: Entry = item["entry"]
        for author in entry.authors[:AUTHORS_NAMED]:
            handler.startElement("author", AttributesImpl({}))
            handler.addQuickElement("name", sayable(author))
            handler.endElement("author")
        for topic in entry.paper["topics"]:
            scheme = f"{settings.SITE_URL}/topics/"
            label = sayable(topic["name"])
            handler.addQuickElement("category", "", {"term": topic["slug"], "label": label, "scheme": scheme})
        for category in entry.categories:
            handler.addQuickElement("category", "", {"term": sayable(category), "scheme": ARXIV_SCHEME})
        if entry.paper["arxiv_id"]:
            address = f"https://arxiv.org/abs/{quote(entry.paper['arxiv_id'])}"
            handler.addQuickElement("link", "", {"rel": "related", "href": address, "type": "text/html"})

    def write(self, outfile: IO[str], encoding: str) -> None:
        """In one piece: Django's writes a response word by word, which takes as long as to make the words."""
        whole = StringIO()
        super().write(whole, encoding)
        outfile.write(whole.getvalue())

    def latest_post_date(self) -> datetime:
        """A feed without entries says today, not now: it would be a new one every second."""
        if self.items:
            return super().latest_post_date()
        return timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class PaperFeed(Feed):  # type: ignore[type-arg]
    """What all feeds share. Those that inherit give `path`, `title`, `link`, `subtitle` and `items`."""

    feed_type = _Atom
    language = LANGUAGE

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = self.made(request, *args, **kwargs)
        changed = datetime.fromtimestamp(parse_http_date(response["Last-Modified"]), UTC)
        return validated(request, response, changed=changed)

    def made(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The feed itself, whether or not the asker has it."""
        return super().__call__(request, *args, **kwargs)

    def author_name(self) -> str:
        return settings.NEWSLETTER_NAME

    def path(self, obj: Any) -> str:
        """The feed's own address on the site."""
        raise NotImplementedError

    def feed_url(self, obj: Any) -> str:
        return settings.SITE_URL + self.path(obj)

    def feed_guid(self, obj: Any) -> str:
        return tag(self.path(obj))

    def item_title(self, item: Entry) -> str:
        return item.paper["title"]

    def item_description(self, item: Entry) -> str:
        return html_of(item.paper, withdrawn=item.withdrawn)

    def item_link(self, item: Entry) -> str:
        return item.paper["url"]

    def item_guid(self, item: Entry) -> str:
        return tag(urlsplit(item.paper["url"]).path)

    def item_pubdate(self, item: Entry) -> datetime:
        return item.published

    def item_updateddate(self, item: Entry) -> datetime:
        return item.updated

    def item_extra_kwargs(self, item: Entry) -> dict[str, Any]:
        return {"entry": item}
