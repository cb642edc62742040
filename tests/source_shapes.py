"""Made-up papers in the shapes that Hugging Face and arXiv answer with. All names and texts are our own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from xml.sax.saxutils import escape

ATOM = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"'
)
DECLARATION = "<?xml version='1.0' encoding='UTF-8'?>\n"
ARXIV_MIDNIGHT = timezone(timedelta(hours=-4))


def hf_item(
    arxiv_id: str,
    *,
    listed_on: date = date(2026, 5, 20),
    title: str | None = None,
    upvotes: int = 1,
    comments: int = 0,
    stars: int | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """One item of a daily list as of 2026; `changes` replace keys of its paper, `...` removes one."""
    name = title or f"A Made-up Method Called {arxiv_id}"
    begun = datetime.combine(listed_on, time(), UTC)
    paper: dict[str, Any] = {
        "id": arxiv_id,
        "authors": [{"_id": "a1", "name": "Ada Example", "hidden": False}, {"name": "Bo Example"}],
        "publishedAt": _zulu(begun - timedelta(days=2)),
        "submittedOnDailyAt": _zulu(begun + timedelta(minutes=40)),
        "title": name,
        "submittedOnDailyBy": {"_id": "u1", "user": "ada", "fullname": "Ada Example", "type": "user"},
        "summary": f"We made this up for a test. It is about {arxiv_id} and nothing else.",
        "upvotes": upvotes,
        "discussionId": f"d-{arxiv_id}",
        "ai_keywords": ["made-up methods"],
        "githubStars": ... if stars is None else stars,
        **changes,
    }
    return {
        "paper": {key: value for key, value in paper.items() if value is not ...},
        "publishedAt": _zulu(begun - timedelta(days=2, hours=4)),
        "title": name,
        "summary": paper["summary"],
        "thumbnail": f"https://example.org/{arxiv_id}.png",
        "numComments": comments,
        "submittedBy": {"_id": "u1", "name": "ada", "fullname": "Ada Example", "type": "user"},
        "isAuthorParticipating": False,
    }


def hf_paper(item: dict[str, Any]) -> dict[str, Any]:
    """What /api/papers/{id} says of a paper: it lies bare, with the number of comments in it."""
    return {**item["paper"], "numComments": item.get("numComments", 0), "comments": []}


@dataclass(frozen=True)
class ArxivPaper:
    """A paper that the made-up arXiv knows."""

    arxiv_id: str
    title: str = ""
    abstract: str = "We made this up for a test."
    categories: Sequence[str] = ("cs.LG",)  # primary first
    submitted: datetime = datetime(2026, 5, 18, 12, tzinfo=UTC)
    version: int = 1
    authors: Sequence[str] = ("Ada Example", "Bo Example")
    comment: str = ""


@dataclass(frozen=True)
class Announcements:
    """The announcement feed of one category on one day: papers with "new", "cross", "replace"…"""

    on: date
    papers: Sequence[tuple[ArxivPaper, str]] = ()


def api_entry(paper: ArxivPaper) -> str:
    """An entry of an API answer."""
    authors = "".join(f"<author><name>{escape(name)}</name></author>" for name in paper.authors)
    terms = "".join(
        f'<category term="{term}" scheme="http://arxiv.org/schemas/atom"/>' for term in paper.categories
    )
    comment = f"<arxiv:comment>{escape(paper.comment)}</arxiv:comment>" if paper.comment else ""
    return f"""<entry>
<id>http://arxiv.org/abs/{paper.arxiv_id}v{paper.version}</id>
<title>{escape(paper.title or f"On {paper.arxiv_id}")}</title>
<updated>{_seconds(paper.submitted)}</updated>
<link href="https://arxiv.org/abs/{paper.arxiv_id}v{paper.version}" rel="alternate" type="text/html"/>
<summary>{escape(paper.abstract)}</summary>
{terms}
<published>{_seconds(paper.submitted)}</published>
{comment}<arxiv:primary_category term="{paper.categories[0]}"/>
{authors}</entry>
"""


def api_feed(papers: Iterable[ArxivPaper], *, total: int, start: int, updated: datetime) -> bytes:
    """An API answer of status 200."""
    return _feed("arXiv Query: made up", "".join(map(api_entry, papers)), total, start, updated)


def error_feed(reason: str, updated: datetime) -> bytes:
    """What the API says to a request that it cannot understand: one entry called Error."""
    entry = f"""<entry><id>https://arxiv.org/api/errors#{escape(reason.replace(" ", "_"))}</id>
<title>Error</title><updated>{_seconds(updated)}</updated><summary>{escape(reason)}</summary>
<author><name>arXiv api core</name></author></entry>"""
    return _feed("arXiv Search Results", entry, 1, 0, updated)


def announcement_feed(category: str, announced: Announcements) -> bytes:
    """The Atom flavour of a category's daily feed; without papers it has no entries."""
    midnight = datetime.combine(announced.on, time(), ARXIV_MIDNIGHT)
    entries = "".join(_announcement(paper, kind, midnight) for paper, kind in announced.papers)
    text = f"""{DECLARATION}<feed {ATOM} xml:lang="en-us">
<id>http://rss.arxiv.org/atom/{category}</id><title>{category} updates on arXiv.org</title>
<updated>{_micros(midnight.astimezone(UTC) + timedelta(seconds=19))}</updated>
<subtitle>{category} updates on the arXiv.org e-print archive.</subtitle>
{entries}</feed>"""
    return text.encode()


def _announcement(paper: ArxivPaper, kind: str, midnight: datetime) -> str:
    versioned = f"{paper.arxiv_id}v{paper.version}"
    terms = "".join(f'<category term="{term}"/>' for term in paper.categories)
    return f"""<entry><id>oai:arXiv.org:{versioned}</id>
<title>{escape(paper.title or f"On {paper.arxiv_id}")}</title>
<summary>arXiv:{versioned} Announce Type: {kind}
Abstract: {escape(paper.abstract)}</summary>
{terms}<published>{midnight.isoformat()}</published><arxiv:announce_type>{kind}</arxiv:announce_type>
<dc:creator>{escape(", ".join(paper.authors))}</dc:creator></entry>
"""


def _feed(title: str, entries: str, total: int, start: int, updated: datetime) -> bytes:
    text = f"""{DECLARATION}<feed {ATOM}>
<id>https://arxiv.org/api/made-up</id><title>{title}</title><updated>{_seconds(updated)}</updated>
<opensearch:itemsPerPage>100</opensearch:itemsPerPage>
<opensearch:totalResults>{total}</opensearch:totalResults>
<opensearch:startIndex>{start}</opensearch:startIndex>
{entries}</feed>"""
    return text.encode()


def _zulu(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def _seconds(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _micros(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
