"""JSON Lines, one paper a line, for whatever the other sources do not cover → PaperRecord.

Only `title` is needed. The keys are those of PaperRecord, with a few names that are common elsewhere;
unknown keys are ignored and a known key of the wrong kind rejects its line.
"""

from typing import Any

from papers.sources import values
from papers.sources.categories import canonical, canonical_list
from papers.sources.record import PaperRecord, Reading

_ALIASES = {
    "arxiv_id": ("arxiv_id", "id", "paper_id"),
    "abstract": ("abstract", "summary"),
    "published_on": ("published_on", "published_at", "published"),
    "listed_on": ("listed_on", "list_date"),
}


def parse_paper(value: dict[str, Any], position: str) -> PaperRecord:
    """The record of one line. Raises FieldError."""
    identifier = _any(value, "arxiv_id")
    arxiv_id, version = values.arxiv_id(identifier, "arxiv_id") if identifier is not None else (None, None)
    authors = values.names(value.get("authors"), "authors")
    organization = values.mapping(value.get("organization"), "organization")
    primary = values.text(value.get("primary_category"), "primary_category", 40)
    observed_at = values.moment(value.get("observed_at"), "observed_at")
    return PaperRecord(
        source="jsonl",
        title=values.title(value.get("title")),
        arxiv_id=arxiv_id,
        arxiv_version=values.count(value.get("arxiv_version"), "arxiv_version") or version,
        abstract=values.text(_any(value, "abstract"), "abstract"),
        authors=authors,
        author_count=values.count(value.get("author_count"), "author_count")
        or (len(authors) if authors else None),
        organization_slug=values.text(organization.get("slug"), "organization.slug", values.NAME_LIMIT),
        organization_name=values.text(organization.get("name"), "organization.name", values.NAME_LIMIT),
        published_on=values.day(_any(value, "published_on"), "published_on"),
        categories=canonical_list(values.names(value.get("categories"), "categories", 40) or ()),
        primary_category=canonical(primary) if primary else None,
        keywords=values.names(value.get("keywords"), "keywords", values.KEYWORDS_LIMIT),
        ai_summary=values.text(value.get("ai_summary"), "ai_summary"),
        github_url=values.link(value.get("github_url"), "github_url"),
        project_url=values.link(value.get("project_url"), "project_url"),
        thumbnail_url=values.link(value.get("thumbnail_url"), "thumbnail_url"),
        doi=values.text(value.get("doi"), "doi", values.NAME_LIMIT),
        journal_ref=values.text(value.get("journal_ref"), "journal_ref", 1_000),
        comment=values.text(value.get("comment"), "comment", 2_000),
        submitted_by=values.text(value.get("submitted_by"), "submitted_by", values.NAME_LIMIT),
        withdrawn=value.get("withdrawn") is True,
        listed_on=values.day(_any(value, "listed_on"), "listed_on"),
        read_at=observed_at,
        reading=_reading(value, observed_at),
        position=position,
    )


def _any(value: dict[str, Any], field: str) -> Any:
    return next((value[key] for key in _ALIASES[field] if value.get(key) is not None), None)


def _reading(value: dict[str, Any], observed_at: Any) -> Reading | None:
    counts = {
        name: values.count(value.get(name), name) for name in ("upvotes", "num_comments", "github_stars")
    }
    return Reading(observed_at=observed_at, **counts) if any(v is not None for v in counts.values()) else None
