"""One paper as a source gave it. What a source does not tell is None, never 0 or ""."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """Attention one source reported for one paper; `observed_at` is None where the source gives no time."""

    observed_at: datetime | None
    upvotes: int | None = None
    num_comments: int | None = None
    github_stars: int | None = None


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """One paper as one source gave it: checked and cleaned, not saved."""

    source: str  # "huggingface", "arxiv", "capture", "jsonl"
    title: str
    arxiv_id: str | None = None  # without version, as arXiv writes it: "2604.13074", "hep-th/9901001"
    arxiv_version: int | None = None
    abstract: str | None = None
    authors: tuple[str, ...] | None = None
    author_count: int | None = None
    organization_slug: str | None = None
    organization_name: str | None = None
    published_on: date | None = None
    published_inferred: bool = False  # the year was not written and had to be worked out
    categories: tuple[str, ...] | None = None  # primary first where it is known
    primary_category: str | None = None
    keywords: tuple[str, ...] | None = None
    ai_summary: str | None = None
    github_url: str | None = None
    project_url: str | None = None
    thumbnail_url: str | None = None
    doi: str | None = None
    journal_ref: str | None = None
    comment: str | None = None
    submitted_by: str | None = None
    withdrawn: bool = False
    listed_on: date | None = None  # the UTC day of the list the source put it on; None in archives
    read_at: datetime | None = None  # when the source was read; None where it does not say
    reading: Reading | None = None
    position: str = field(default="", compare=False)  # where in the file, for messages: "item 12", "line 40"


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be read: what, where, why. Costs only itself."""

    position: str
    reason: str
    excerpt: str = ""


class SourceError(Exception):
    """The whole file or answer cannot be read; the message is one sentence for a person."""


Records = Iterator[PaperRecord | Reject]
