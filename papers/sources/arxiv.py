"""arXiv: API answers (Atom) and the daily announcement feed (Atom and RSS 2.0) → PaperRecord.

The API tells when version 1 appeared, the announcement feed only when the paper was announced; so the first
gives `published_on` and the second a list day (not for replacements, whose papers were listed before). Bytes
go in, for the feeds are UTF-8 whatever an HTTP library guesses. Document types and entities are refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from papers.sources import values
from papers.sources.categories import canonical, canonical_list
from papers.sources.record import PaperRecord, Records, Reject, SourceError

_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TOTAL = "{http://a9.com/-/spec/opensearch/1.1/}totalResults"
_ABOUT_FEED = (f"{_ATOM}updated", _TOTAL)
_DEPTH_LIMIT = 30
_ENTRY_LIMIT = 50_000  # elements in one entry; 3,303 authors with affiliations are about 10,000
_ANNOUNCEMENT = re.compile(
    r"\s*arXiv:\S+\s+Announce Type:\s*(?P<type>[\w-]+)\s+(?:Abstract:\s*)?", re.IGNORECASE
)
_WITHDRAWN = re.compile(
    r"\b(?:paper|article|submission|manuscript|preprint|work|version)\s+(?:has\s+been|have\s+been|is|was)\s+"
    r"(?:\w+\s+){0,2}withdrawn\b|^\W*withdrawn\b",
    re.IGNORECASE,
)
_SUFFIXES = {"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"}


@dataclass
class Head:
    """What a feed tells besides its papers, filled while they are read. None where it does not tell."""

    updated: datetime | None = None
    total: int | None = None  # papers that the API has for the question, on all pages
    entries: int = 0  # read so far, good or bad
    error: str | None = None  # why the API refused the question
    broken: str | None = None  # why the feed could not be read to its end


def parse(
    stream: BinaryIO, *, read_at: datetime | None = None, head: Head | None = None, where: str = ""
) -> Records:
    """The records of a feed. Raises SourceError for what is no feed, or holds a document type or entities.

    `read_at` is when we read it; without it, as with a file, the feed's own date counts. Where the feed
    breaks off, the entries before that point are given and then one Reject.
    """
    head = Head() if head is None else head
    number = 0
    try:
        for element in _entries(stream):
            if element.tag in _ABOUT_FEED:
                _fill(head, element)
                continue
            number = head.entries = number + 1
            yield _record_or_reject(element, read_at or head.updated, f"{where}entry {number}", head)
    except DefusedXmlException:
        raise SourceError("it declares a document type or entities, which no arXiv feed does") from None
    except ParseError as error:
        if "no element found" in str(error) or "unclosed" in str(error):
            reason = "the feed breaks off here"
        else:
            reason = f"the feed is not well-formed here ({error})"
        if not number:
            raise SourceError(f"it is not a whole XML document: {reason}") from None
        head.broken = reason
        yield Reject(f"{where}after entry {number}", reason)


def _fill(head: Head, element: Element) -> None:
    text = (element.text or "").strip()
    if element.tag == _TOTAL:
        head.total = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
    else:
        head.updated = _optional_moment(text)


def _entries(stream: BinaryIO) -> Iterator[Element]:
    """What the feed tells of itself and each entry or item, whole; memory holds one of them at a time."""
    depth, size = 0, 0
    path: list[Element] = []
    for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            depth, size = depth + 1, size + 1
            path.append(element)
            if depth == 1 and element.tag not in (f"{_ATOM}feed", "rss"):
                raise SourceError(
                    f"it is XML, but no arXiv feed: its root is {values.excerpt(str(element.tag), 60)}"
                )
            if depth > _DEPTH_LIMIT:
                raise SourceError(f"its elements are nested more than {_DEPTH_LIMIT} deep")
            if size > _ENTRY_LIMIT:
                raise SourceError(f"one of its entries has more than {_ENTRY_LIMIT:,} elements")
            continue
        depth -= 1
        path.pop()
        if element.tag in (f"{_ATOM}entry", "item") or (depth == 1 and element.tag in _ABOUT_FEED):
            yield element
        if path and (depth == 1 or element.tag == "item"):
            path[-1].remove(element)
            size = len(path)


def _record_or_reject(
    entry: Element, read_at: datetime | None, position: str, head: Head
) -> PaperRecord | Reject:
    title = _text(entry, f"{_ATOM}title", "title")
    identifier = _text(entry, f"{_ATOM}id", "guid") or _text(entry, "link")
    if "/api/errors" in (identifier or "") or (title or "").strip() == "Error":
        head.error = values.excerpt(_text(entry, f"{_ATOM}summary") or "no reason given")
        return Reject(position, f"arXiv answered with an error: {head.error}")
    try:
        return _record(entry, title, identifier, read_at, position)
    except values.FieldError as error:
        return Reject(position, str(error), values.excerpt(f"{identifier or ''} {title or ''}"))


def _record(
    entry: Element, title: str | None, identifier: str | None, read_at: datetime | None, position: str
) -> PaperRecord:
    arxiv_id, version = values.arxiv_id(identifier, "id")
    summary, announced = _summary(entry)
    primary = entry.find(f"{_ARXIV}primary_category")
    primary_category = canonical(primary.get("term", "")) if primary is not None else None
    categories = canonical_list(_terms(entry)) or ((primary_category,) if primary_category else None)
    authors = _authors(entry)
    comment = values.text(_text(entry, f"{_ARXIV}comment"), "comment", 2_000)
    published = values.moment(_text(entry, f"{_ATOM}published"), "published") or _rss_moment(
        _text(entry, "pubDate")
    )
    new_to_list = announced is not None and not announced.startswith("replace")
    return PaperRecord(
        source="arxiv",
        title=values.title(title),
        arxiv_id=arxiv_id,
        arxiv_version=version,
        abstract=summary,
        authors=authors[: values.AUTHORS_LIMIT] or None,
        author_count=len(authors) or None,
        published_on=published.date() if published and announced is None else None,
        categories=_primary_first(categories, primary_category),
        primary_category=primary_category,
        doi=values.text(_text(entry, f"{_ARXIV}doi", f"{_ARXIV}DOI"), "doi", values.NAME_LIMIT),
        journal_ref=values.text(
            _text(entry, f"{_ARXIV}journal_ref", f"{_ARXIV}journal_reference"), "journal_ref", 1_000
        ),
        comment=comment,
        withdrawn=bool(_WITHDRAWN.search(comment or "") or _WITHDRAWN.search((summary or "")[:200])),
        listed_on=_announced_on(published) if new_to_list else None,
        read_at=read_at,
        position=position,
    )


def _announced_on(published: datetime | None) -> date | None:
    return published.date() if published else None


def _summary(entry: Element) -> tuple[str | None, str | None]:
    """The abstract, and the kind of announcement (new, cross, replace, replace-cross; None from the API)."""
    raw = _text(entry, f"{_ATOM}summary", "description") or ""
    announced = values.text(_text(entry, f"{_ARXIV}announce_type"), "announce_type", 40)
    prefix = _ANNOUNCEMENT.match(raw[:400])
    if prefix:
        raw = raw[prefix.end() :]
        announced = announced or prefix["type"]
    return values.text(raw, "summary"), announced.lower() if announced else None


def _terms(entry: Element) -> list[str]:
    atom = [element.get("term", "") for element in entry.findall(f"{_ATOM}category")]
    return atom + [element.text or "" for element in entry.findall("category")]


def _primary_first(categories: tuple[str, ...] | None, primary: str | None) -> tuple[str, ...] | None:
    if not categories or not primary:
        return categories
    return (primary, *(term for term in categories if term != primary))


def _authors(entry: Element) -> tuple[str, ...]:
    """Names from the API's <author> elements, or from the announcements' <dc:creator> lines."""
    raw = [element.findtext(f"{_ATOM}name") or "" for element in entry.findall(f"{_ATOM}author")]
    for creator in entry.findall(f"{_DC}creator"):
        raw.extend(_split_names(creator.text or ""))
    names = (values.text(name, "author", values.NAME_LIMIT) for name in raw)
    return tuple(name for name in names if name)


def _split_names(line: str) -> list[str]:
    """The names of one comma-separated line; affiliations in parentheses are left out."""
    names: list[str] = []
    for part in re.sub(r"\([^()]*\)", "", line).replace("\n", " ").split(","):
        name = part.strip()
        if names and name.lower() in _SUFFIXES:
            names[-1] += f", {name}"
        elif name:
            names.append(name)
    return names


def _text(entry: Element, *tags: str) -> str | None:
    for tag in tags:
        found = entry.findtext(tag)
        if found and found.strip():
            return found
    return None


def _optional_moment(value: str | None) -> datetime | None:
    try:
        return values.moment(value, "updated")
    except values.FieldError:
        return None


def _rss_moment(value: str | None) -> datetime | None:
    """RSS writes "Wed, 20 Aug 2025 00:00:00 -0400"."""
    if value is None:
        return None
    try:
        return values.moment(parsedate_to_datetime(value.strip()).isoformat(), "pubDate")
    except ValueError:
        raise values.FieldError(f"pubDate is {values.excerpt(value, 40)!r}, not a time") from None
