"""What a list says of each paper besides its card: its topics, and the attention it gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import prefetch_related_objects

from papers.listing import best_filings
from papers.models import Paper, Topic
from papers.reasons import attention
from papers.trending import is_settled

TOPICS_NAMED = 2


@dataclass(frozen=True, slots=True)
class Row:
    """`attention` is half a sentence or ""; `topics` are (slug, name), best first."""

    attention: str
    topics: tuple[tuple[str, str], ...]


def rows_of(papers: Sequence[Paper], *, now: datetime, under: Topic | None = None) -> list[Row]:
    """A row for each paper. In a list under one topic, that counts as named. One query."""
    prefetch_related_objects(papers, best_filings())
    return [_row(paper, now, under) for paper in papers]


def _row(paper: Any, now: datetime, under: Topic | None) -> Row:
    topics = [(filing.topic.slug, filing.topic.name) for filing in paper.filed if filing.topic != under]
    return Row(
        attention(paper.trending_terms, settled=is_settled(paper.listed_on, now=now)),
        tuple(topics[: TOPICS_NAMED - (under is not None)]),
    )
