"""Page captures: the text of a Daily Papers page, copied by hand or a crawler → PaperRecord.

A card is a title, an abstract and, in most captures, a line "• 11 authors" or "slug Full Name", a line "·"
and a
line with the date and the number of comments ("Dec 24, 2024 2"). The year is left out in the year of the
capture, which is written nowhere; without `captured_on` it is the year after the largest one that is written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from papers.sources import values
from papers.sources.record import PaperRecord, Reading, Records, Reject

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DATE = re.compile(rf"({'|'.join(_MONTHS)}) (\d{{1,2}})(?:, (\d{{4}}))?(?: (\d{{1,6}}))?", re.ASCII)
_AUTHORS = re.compile(r"[•·*]?\s*(\d{1,6}) authors?", re.ASCII)
_BANNER = re.compile(
    r"new|Get trending papers in your email inbox.{0,20}|Subscribe|Daily Papers|by
    ?.{0,40}\bresearch
  
   
    community"
)
_GLUED = re.compile(r"Subscribe(?=\S)")
_LONGEST_TITLE = 400  # characters; a longer line can only be part of an abstract
_SHORTEST_ABSTRACT = 120


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class _Meta:
    """What stands under an abstract: "• 11 authors" or an organisation, "·", and the date."""

    by: str
    day: tuple[int, int, int | None]  # month, day, year where it is written
    num_comments: int | None


def looks_like_capture(text: str) -> bool:
    """Whether the beginning of a text file has the banner or a card's last lines."""
    return "Get trending papers in your email inbox" in text or bool(
        re.search(rf"\n·\s*\n\s*{_DATE.pattern}\s*(\n|$)", text)
    )


def parse(text: str, *, captured_on: date | None = None) -> Records:
    """The cards of one capture, in order. A title without abstract is a Reject."""
    blocks = list(_blocks(_lines(text)))
    written = [meta.day[2] for _, meta in blocks if meta and meta.day[2]]
    year = captured_on.year if captured_on else max(written) + 1 if written else None
    number = 0
    for lines, meta in blocks:
        cards = list(_cards(lines))
        for index, (title, abstract) in enumerate(cards):
            number += 1
            position = f"line {title.number}, card {number}"
            if abstract is None:
                yield Reject(position, "a title without an abstract", values.excerpt(title.text))
                continue
            try:
                # Only the last card before the meta lines owns them.
                yield _record(title.text, abstract, meta if index == len(cards) - 1 else None, year, position)
            except values.FieldError as error:
                yield Reject(position, str(error), values.excerpt(title.text))


def _lines(text: str) -> list[_Line]:
    """The lines that hold text, without the banner in front of the first card."""
    found = [_Line(number, values.clean(line)) for number, line in enumerate(text.splitlines(), start=1)]
    found = [line for line in found if line.text]
    start = 0
    while start < len(found) and (_BANNER.fullmatch(found[start].text) or _DATE.fullmatch(found[start].text)):
        start += 1
    rest = found[start:]
    if rest and _GLUED.match(rest[0].text):
        rest[0] = _Line(rest[0].number, _GLUED.sub("", rest[0].text, count=1))
    return rest


def _blocks(lines: list[_Line]) -> Iterator[tuple[list[_Line], _Meta | None]]:
    """Runs of titles and abstracts, each with the meta lines that end it (None at the end of the file)."""
    block: list[_Line] = []
    index = 0
    while index < len(lines):
        if (
            index + 2 < len(lines)
            and lines[index + 1].text == "·"
            and (day := _DATE.fullmatch(lines[index + 2].text))
        ):
            month, year = _MONTHS.index(day[1]) + 1, int(day[3]) if day[3] else None
            comments = int(day[4]) if day[4] else None
            yield block, _Meta(lines[index].text, (month, int(day[2]), year), comments)
            block, index = [], index + 3
        else:
            block.append(lines[index])
            index += 1
    if block:
        yield block, None


def _cards(lines: list[_Line]) -> Iterator[tuple[_Line, str | None]]:
    """(title, abstract) of each card in a run; None for an abstract that is missing.

    Lines alternate. Where the count is odd, a long line in a title's place goes on with the abstract before
    it, and a title followed by another title (a short line before a long one) has none.
    """
    title: _Line | None = None
    abstract: list[str] = []
    for index, line in enumerate(lines):
        if title is None:
            title = line
        elif not abstract:
            if (
                (len(lines) - index) % 2 == 0
                and _is_title(line)
                and index + 1 < len(lines)
                and not _is_title(lines[index + 1])
            ):
                yield title, None
                title = line
            else:
                abstract.append(line.text)
        elif len(line.text) > _LONGEST_TITLE:
            abstract.append(line.text)
        else:
            yield title, " ".join(abstract)
            title, abstract = line, []
    if title:
        yield title, " ".join(abstract) or None


def _is_title(line: _Line) -> bool:
    return len(line.text) < _SHORTEST_ABSTRACT or (
        len(line.text) < _LONGEST_TITLE and not line.text.endswith(".")
    )


def _record(title: str, abstract: str, meta: _Meta | None, year: int | None, position: str) -> PaperRecord:
    authors = _AUTHORS.fullmatch(meta.by) if meta else None
    slug, _, name = meta.by.partition(" ") if meta and not authors else ("", "", "")
    published_on = _day(meta.day, year) if meta else None
    comments = meta.num_comments if meta else None
    return PaperRecord(
        source="capture",
        title=values.title(title),
        abstract=values.text(abstract, "abstract"),
        author_count=int(authors[1]) or None if authors else None,
        organization_slug=values.text(slug, "organisation", values.NAME_LIMIT),
        organization_name=values.text(name, "organisation", values.NAME_LIMIT),
        published_on=published_on,
        published_inferred=bool(published_on and meta and meta.day[2] is None),
        reading=None
        if comments is None
        else Reading(observed_at=None, num_comments=values.count(comments, "comments")),
        position=position,
    )


def _day(written: tuple[int, int, int | None], capture_year: int | None) -> date | None:
    """The date, or None where its year cannot be known or the day does not exist."""
    month, day, year = written
    try:
        return datetime(year or capture_year or 0, month, day).date()  # noqa: DTZ001  a calendar day
    except ValueError:
        return None
