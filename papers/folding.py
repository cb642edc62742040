"""Pure: how what several records say becomes one answer, whatever order they came in.

A payload maps each fact to `[rank, value]`, where rank is `[version, time of reading]`. Two payloads are
joined fact
by fact, the stronger claim winning; strength is a total order, so joining is commutative, associative and
idempotent, and that is all that "the order of imports never changes the result" needs.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from papers.identity import title_hash, title_key
from papers.sources.record import PaperRecord

Payload = dict[str, list[Any]]  # fact -> [[version, read_at], value]

SOURCE_RANK = {"arxiv": 4, "huggingface": 3, "jsonl": 2, "capture": 1}
# Sources whose list days say when readers' attention began; arXiv's announcement day counts only without
# them.
_LISTS_OF_ATTENTION = frozenset({"huggingface", "jsonl"})
_PLAIN = (
    "title", "abstract", "author_count", "primary_category", "ai_summary", "github_url", "project_url",
    "thumbnail_url", "doi", "journal_ref", "comment", "submitted_by",
)  # fmt: skip
_LISTS = ("authors", "categories", "keywords")


@dataclass(frozen=True, slots=True)
class Row:
    """The part of a SourceRecord that the fold reads."""

    source: str
    arxiv_id: str | None
    payload: Payload
    list_days: Sequence[date]
    first_read_on: date
    decided_by_editor: bool = False


def claims(record: PaperRecord) -> Payload:
    """What a record says, fact by fact; facts it does not tell are absent."""
    rank = [record.arxiv_version or 0, record.read_at.isoformat() if record.read_at else ""]
    facts: dict[str, Any] = {name: getattr(record, name) for name in _PLAIN}
    facts |= {name: list(value) for name in _LISTS if (value := getattr(record, name))}
    if record.organization_slug or record.organization_name:
        facts["organization"] = [record.organization_slug, record.organization_name]
    if record.published_on:
        facts["published"] = [record.published_on.isoformat(), record.published_inferred]
    if record.source == "arxiv" or record.withdrawn:
        facts["withdrawn"] = record.withdrawn
    if record.arxiv_version:
        facts["arxiv_version"] = record.arxiv_version
    return {name: [rank, value] for name, value in facts.items() if value is not None}


def join(one: Payload, other: Payload) -> Payload:
    """Both payloads as one: for each fact the stronger claim."""
    joined = dict(one)
    for name, claim in other.items():
        if name not in joined or strength(name, claim) > strength(name, joined[name]):
            joined[name] = claim
    return joined


def strength(name: str, claim: list[Any], source_rank: int = 0) -> tuple[Any, ...]:
    """Orders the claims of one fact: surer, better source, later version, later reading, fuller, then any
    fixed order."""
    (version, read_at), value = claim
    sure = 1
    if name == "published":
        sure = 0 if value[1] else 1  # a written year beats one we worked out
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return (sure, source_rank, version, read_at, len(canonical), canonical)


def fold(rows: Iterable[Row]) -> dict[str, Any]:
    """The bibliographic columns of a Paper from all its rows (at least one), unknown ones None."""
    rows = list(rows)
    best: dict[str, tuple[tuple[Any, ...], Any]] = {}
    for row in rows:
        for name, claim in row.payload.items():
            candidate = strength(name, claim, SOURCE_RANK.get(row.source, 0))
            if name not in best or candidate > best[name][0]:
                best[name] = (candidate, claim[1])
    facts = {name: value for name, (_, value) in best.items()}
    key = title_key(facts["title"])
    slug, name = facts.get("organization") or (None, None)
    published, inferred = facts.get("published") or (None, False)
    authors = facts.get("authors")
    listed_on, from_archive = _listed(rows)
    return {
        **{name: facts.get(name) for name in (*_PLAIN, *_LISTS)},
        "arxiv_id": _arxiv_id(rows),
        "arxiv_version": facts.get("arxiv_version"),
        "title_key": key,
        "title_hash": title_hash(key),
        "author_count": max(len(authors or ()), facts.get("author_count") or 0) or None,
        "organization_slug": slug,
        "organization_name": name,
        "published_on": date.fromisoformat(published) if published else None,
        "published_inferred": inferred,
        "categories": _primary_first(facts.get("categories"), facts.get("primary_category")),
        "withdrawn": facts.get("withdrawn", False),
        "listed_on": listed_on,
        "from_archive": from_archive,
    }


def _arxiv_id(rows: list[Row]) -> str | None:
    """The rows' id. After a curator joined two ids, the one whose rows nobody had to move."""
    own = [row.arxiv_id for row in rows if row.arxiv_id and not row.decided_by_editor]
    return min(own or [row.arxiv_id for row in rows if row.arxiv_id], default=None)


def _listed(rows: list[Row]) -> tuple[date, bool]:
    """(list day, whether no source told one): the earliest of the best kind of source."""
    attention = [day for row in rows if row.source in _LISTS_OF_ATTENTION for day in row.list_days]
    if days := attention or [day for row in rows for day in row.list_days]:
        return min(days), False
    return min(row.first_read_on for row in rows), True


def _primary_first(categories: list[str] | None, primary: str | None) -> list[str] | None:
    if not primary:
        return categories
    return [primary, *(term for term in categories or () if term != primary)]
