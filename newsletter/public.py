"""Pure: what the public JSON says of editions, weeks and months. The shapes are a promise; see docs/api.md.

Every field is always there; what is not known is null.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypedDict

from newsletter.front import Story
from newsletter.spans import Span
from papers.public import PublicPaper, public_paper

# What the public is told of an edition that has no papers to show.
UNPRINTED = ("empty", "cancelled", "missed")


class PublicStory(PublicPaper):
    """A paper of an edition. Its counts are those it was printed with; of a week or month, those of now."""

    rank: int  # its place in this list, from 1
    edition: str  # ISO date


class PublicDay(TypedDict):
    """An edition in the list of a week or month."""

    date: str
    url: str
    json: str
    paper_count: int


class PublicEdition(TypedDict):
    date: str
    url: str
    number: int | None  # the "No." in the dateline; None of a day without papers
    state: str  # printed, empty, cancelled or missed
    printed_at: str | None
    revision: int  # counts the papers' withdrawals after it was printed
    note: str | None
    candidate_count: int | None  # papers it was chosen from
    previous: str | None  # addresses of the JSON of the editions beside it
    next: str | None
    paper_count: int
    papers: list[PublicStory]  # best first


class PublicSpan(TypedDict):
    """A week or a month."""

    name: str  # 2026-W47 or 2026-11
    url: str
    first: str
    last: str
    previous: str | None
    next: str | None
    editions: list[PublicDay]  # oldest first
    paper_count: int
    page: int
    pages: int
    previous_page: str | None
    next_page: str | None
    papers: list[PublicStory]  # of this page, best first, with what became of them


def public_stories(stories: Iterable[Story], *, site: str, start: int = 0) -> list[PublicStory]:
    return [
        PublicStory(
            **public_paper(story.card, story.matches, why=story.why, site=site),
            rank=rank,
            edition=story.day.isoformat() if story.day else "",
        )
        for rank, story in enumerate(stories, start=start + 1)
    ]


def public_edition(
    day: date,
    stories: Sequence[Story],
    *,
    state: str,
    number: int | None,
    printed_at: datetime | None,
    revision: int,
    note: str,
    candidate_count: int | None,
    beside: tuple[date | None, date | None],
    site: str,
) -> PublicEdition:
    """`beside` are the editions before and after, as far as they may be shown."""
    earlier, later = beside
    return PublicEdition(
        date=day.isoformat(),
        url=f"{site}/{day}/",
        number=number,
        state=state if state in UNPRINTED else "printed",
        printed_at=moment(printed_at),
        revision=revision,
        note=note or None,
        candidate_count=candidate_count,
        previous=f"{site}/{earlier}.json" if earlier else None,
        next=f"{site}/{later}.json" if later else None,
        paper_count=len(stories),
        papers=public_stories(stories, site=site),
    )


def public_span(
    span: Span,
    stories: Sequence[Story],
    *,
    page: int,
    pages: int,
    start: int,
    papers_by_day: Mapping[date, int],
    beside: tuple[Span | None, Span | None],
    site: str,
) -> PublicSpan:
    """`stories` are those of this page, of which `start` stand before; `beside` the spans with an edition."""
    earlier, later = beside
    address = f"{site}/{span.kind}/{span.slug}.json"
    return PublicSpan(
        name=span.slug,
        url=f"{site}/{span.kind}/{span.slug}/",
        first=span.first.isoformat(),
        last=span.last.isoformat(),
        previous=f"{site}/{span.kind}/{earlier.slug}.json" if earlier else None,
        next=f"{site}/{span.kind}/{later.slug}.json" if later else None,
        editions=[
            PublicDay(
                date=day.isoformat(), url=f"{site}/{day}/", json=f"{site}/{day}.json", paper_count=number
            )
            for day, number in papers_by_day.items()
        ],
        paper_count=sum(papers_by_day.values()),
        page=page,
        pages=pages,
        previous_page=f"{address}?page={page - 1}" if page > 1 else None,
        next_page=f"{address}?page={page + 1}" if page < pages else None,
        papers=public_stories(stories, site=site, start=start),
    )


def moment(at: datetime | None) -> str | None:
    """2026-11-20T00:30:00Z"""
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
