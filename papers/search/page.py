"""What the search page shows for what its form was sent with."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from papers.card import Card, card_of
from papers.models import Paper, Topic
from papers.rows import Row, rows_of
from papers.search import finding
from papers.search.asking import Question, read
from papers.search.marking import Piece, all_words, marked, telling_part
from papers.search.slips import corrected
from papers.search.translating import Wanted, hits_among, translate, with_last_word_open
from papers.tex import readable

PER_PAGE = 20
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Asked:
    """The form as it was sent."""

    question: Question
    topics: tuple[Topic, ...]
    since: date | None
    until: date | None
    mistakes: tuple[str, ...]  # sentences about what could not be read

    @property
    def is_narrowed(self) -> bool:
        return bool(self.topics or self.since or self.until)

    @property
    def has_dates(self) -> bool:
        return bool(self.since or self.until)

    @property
    def filters(self) -> finding.Filters:
        return finding.Filters(tuple(topic.pk for topic in self.topics), self.since, self.until)


@dataclass(frozen=True, slots=True)
class Item:
    """A card with its hits set apart."""

    paper: Paper
    card: Card
    row: Row
    title: Sequence[Piece]
    summary: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of cards; where there are none, what else may be tried."""

    found: finding.Found
    items: Sequence[Item] = ()
    opened: str = ""  # the last word, where papers were found only by taking it for a beginning
    says_nothing: bool = False  # words such as "the" only
    instead: str = ""  # the question with other spellings, which finds something

    @property
    def pages(self) -> int:
        return max(1, ceil(self.found.ranked / PER_PAGE))


def read_form(sent: Mapping[str, Any], slugs: Sequence[str], topics: Sequence[Topic]) -> Asked:
    """Read q, from, to and the topics' slugs; what cannot be read is told and passed over."""
    mistakes: list[str] = []
    days: dict[str, date | None] = {}
    for name in ("from", "to"):
        days[name] = _day(str(sent.get(name, "")).strip(), mistakes)
    since, until = days["from"], days["to"]
    if since and until and since > until:
        mistakes.append(_("The first day is after the last one, so no paper can be between them."))
    chosen = tuple(topic for topic in topics if topic.slug in slugs)
    return Asked(read(str(sent.get("q", ""))), chosen, since, until, tuple(mistakes))


def latest(asked: Asked, most: int) -> list[Paper]:
    """The papers found that were listed last, at most so many, latest first; raises finding.TooSlow."""
    found, _wanted, _opened = _find(asked, 1, size=most, latest_first=True)
    papers = Paper.objects.in_bulk(found.ids)
    return [papers[pk] for pk in found.ids if pk in papers]


def search_fields(asked: Asked) -> dict[str, Any]:
    """The form of a search, always in one order, so that one search has one address."""
    fields: dict[str, Any] = {"q": asked.question.typed}
    if asked.topics:
        fields["topic"] = [topic.slug for topic in asked.topics]
    if asked.since:
        fields["from"] = asked.since.isoformat()
    if asked.until:
        fields["to"] = asked.until.isoformat()
    return fields


def answer(asked: Asked, *, page: int) -> Answer:
    """Search; raises finding.TooSlow."""
    found, wanted, opened = _find(asked, page)
    if not wanted:
        return Answer(found, says_nothing=True)
    if not found.count:
        return Answer(found, instead=_instead(asked))
    return Answer(found, _items(found.ids, wanted), opened)


def _find(
    asked: Asked, page: int, *, size: int = PER_PAGE, latest_first: bool = False
) -> tuple[finding.Found, Wanted, str]:
    wanted = translate(asked.question)
    found = finding.find(wanted, asked.filters, page=page, size=size, latest_first=latest_first)
    if found.count or not wanted:
        return found, wanted, ""
    opened = with_last_word_open(asked.question)
    if opened is None:
        return found, wanted, ""
    wanted = translate(opened)
    found = finding.find(wanted, asked.filters, page=page, size=size, latest_first=latest_first)
    return found, wanted, opened.wanted[-1].text


def _instead(asked: Asked) -> str:
    line = corrected(asked.question)
    if line is None or line == asked.question.typed:
        return ""
    found = finding.find(translate(read(line)), asked.filters, page=1, size=1)
    return line if found.count else ""


def _items(ids: Sequence[int], wanted: Wanted) -> list[Item]:
    found = Paper.objects.in_bulk(ids)
    papers = [found[pk] for pk in ids if pk in found]  # one may have been merged away meanwhile
    cards = [card_of(paper) for paper in papers]
    abstracts = [readable(paper.abstract or "") for paper in papers]
    hits = hits_among(all_words([*(card["title"] for card in cards), *abstracts]), wanted)
    return [
        Item(paper, card, row, marked(card["title"], hits), marked(telling_part(abstract, hits), hits))
        for paper, card, row, abstract in zip(
            papers, cards, rows_of(papers, now=timezone.now()), abstracts, strict=True
        )
    ]


def _day(text: str, mistakes: list[str]) -> date | None:
    text = "".join(char for char in text if char.isprintable())
    if not text:
        return None
    try:
        if not _DAY.fullmatch(text):  # "2026-W01" is ISO 8601 too, and would be taken for a Monday
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        said = _("“%(text)s” is no date; a date looks like 2026-11-20.")
        mistakes.append(said % {"text": text[:20]})
        return None
