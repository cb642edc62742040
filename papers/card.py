"""What a card shows of a paper, on the site and in the mail: plain values that an edition can store."""

from collections.abc import Mapping
from datetime import date
from typing import TypedDict

from papers.excerpt import first_sentences
from papers.models import Paper
from papers.observing import COUNTS
from papers.tex import readable


class Card(TypedDict):
    """JSON-ready. Unknown is None: a count that nobody told is left out, never shown as 0."""

    key: str  # names the paper in URLs: its arXiv id, else the hash of its title
    title: str
    summary: str
    byline: str  # "Nanjing University", "7 authors", a name, or "" where nothing is known
    organization: str | None
    author_count: int | None
    published_on: str | None  # ISO date
    upvotes: int | None
    num_comments: int | None
    github_stars: int | None
    from_archive: bool
    code_url: str | None
    project_url: str | None
    arxiv_id: str | None


def card_of(paper: Paper, counts: Mapping[str, int | None] | None = None) -> Card:
    """Return the card of this paper as it is now, but with these `counts` where given.

    They have the keys upvotes, num_comments and github_stars.
    """
    known = counts or {name: getattr(paper, name) for name in COUNTS}
    organization = paper.organization_name or paper.organization_slug
    return Card(
        key=paper.arxiv_id or paper.title_hash,
        title=readable(paper.title),
        summary=first_sentences(readable(paper.abstract or "")),
        byline=organization or _authors(paper),
        organization=organization,
        author_count=paper.author_count,
        published_on=_iso(paper.published_on),
        upvotes=known["upvotes"],
        num_comments=known["num_comments"],
        github_stars=known["github_stars"],
        from_archive=paper.from_archive,
        code_url=paper.github_url,
        project_url=paper.project_url,
        arxiv_id=paper.arxiv_id,
    )


def _authors(paper: Paper) -> str:
    if paper.authors and len(paper.authors) == 1:
        return paper.authors[0]
    if paper.author_count is None:
        return ""
    return "1 author" if paper.author_count == 1 else f"{paper.author_count:,} authors"


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
