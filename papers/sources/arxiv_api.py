"""Fetches from arXiv: papers by id, papers submitted in a span of time, the announcements of a category.

Saves nothing, knows no settings, and does not keep arXiv's pause of three seconds by itself: the client's
`before_request` does, because the pause counts across all workers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from papers.sources.http import Client
from papers.sources.record import PaperRecord, Records, Reject


@dataclass(frozen=True)
class Feed:
    """One reading of an announcement feed. `updated` is the feed's own date (None where it gives none)."""

    updated: datetime | None
    records: tuple[PaperRecord | Reject, ...]


def fetch_ids(client: Client, api_url: str, ids: Iterable[str]) -> Records:
    """The papers of these ids, in slices; a Reject for each id that arXiv does not know. Raises FetchError,
    after what came before."""
    raise NotImplementedError


def fetch_submitted(client: Client, api_url: str, category: str, since: datetime, until: datetime) -> Records:
    """The papers of a category, cross-lists included, whose version 1 came in [since, until], to the minute.
    Oldest first. Raises FetchError, after what came before."""
    raise NotImplementedError


def fetch_announcements(client: Client, feed_url: str, category: str) -> Feed:
    """Today's announcements of a category ("cs.LG"), read whole. Raises FetchError."""
    raise NotImplementedError
