"""Pure: what the public JSON says of papers and topics. The shapes are a promise; docs/api.md tells them.

Every field is always there; what is not known is null. Texts are plain Unicode, never markup, and English.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict
from urllib.parse import quote, urlsplit


class PublicMatch(TypedDict):
    """A topic that a paper stands under."""

    slug: str
    name: str
    score: float  # from 0 to 1
    evidence: list[str]  # the terms that matched, best first; none where an editor filed it


class PublicPaper(TypedDict):
    """A paper as every list shows it."""

    key: str  # names it in addresses
    url: str
    json: str
    title: str
    summary: str  # the first sentences of its abstract; "" where none is known
    organization: str | None
    author_count: int | None
    published_on: str | None  # ISO date
    upvotes: int | None
    comments: int | None
    github_stars: int | None
    why: str | None  # why it ranks where it does, in half a sentence
    topics: list[PublicMatch]  # best first
    from_archive: bool
    arxiv_id: str | None
    code_url: str | None
    project_url: str | None


class PublicTopic(TypedDict):
    slug: str
    name: str
    description: str
    categories: list[str]  # of arXiv, whose papers belong here
    paper_count: int
    url: str
    json: str
    feed: str


def public_paper(
    card: Mapping[str, Any], matches: Iterable[Mapping[str, Any]], *, why: str, site: str
) -> PublicPaper:
    """The paper of this card, as `papers.card` makes them and editions keep them.

    `matches` are [{topic, name, score, evidence}]; `site` is the address of the site without a last slash.
    """
    key = card["key"]
    return PublicPaper(
        key=key,
        url=paper_address(site, key),
        json=f"{site}/papers/{quote(key)}.json",
        title=card["title"],
        summary=card["summary"],
        organization=card["organization"],
        author_count=card["author_count"],
        published_on=card["published_on"],
        upvotes=card["upvotes"],
        comments=card["num_comments"],
        github_stars=card["github_stars"],
        why=why or None,
        topics=[
            PublicMatch(
                slug=match["topic"],
                name=match["name"],
                score=round(match["score"], 3),
                evidence=list(match["evidence"]),
            )
            for match in matches
        ],
        from_archive=card["from_archive"],
        arxiv_id=card["arxiv_id"],
        code_url=web_address(card["code_url"]),
        project_url=web_address(card["project_url"]),
    )


def public_topic(
    slug: str, name: str, *, description: str, categories: Sequence[str], paper_count: int, site: str
) -> PublicTopic:
    return PublicTopic(
        slug=slug,
        name=name,
        description=description,
        categories=list(categories),
        paper_count=paper_count,
        url=f"{site}/topics/{slug}/",
        json=f"{site}/topics/{slug}.json",
        feed=f"{site}/topics/{slug}/feed.atom",
    )


def paper_address(site: str, key: str) -> str:
    """The page of a paper. Old arXiv ids keep their slash: hep-th/9901001."""
    return f"{site}/papers/{quote(key)}/"


def web_address(url: str | None) -> str | None:
    """The URL where it is http(s) with a host, else None: a source may say anything."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None
