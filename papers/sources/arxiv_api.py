"""Fetches from arXiv: papers by id, papers submitted in a span of time, the announcements of a category.

Saves nothing, knows no settings, and does not keep arXiv's pause of three seconds by itself: the client's
`before_request` does, because the pause counts across all workers.

The API is known to answer 200 with an empty feed though it has papers: such an answer is asked for again, and
is an error in the end, never an empty day. A question that it refuses (an entry called Error, with status 400
or 200) is an error with arXiv's own reason.
"""

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from papers.sources import arxiv, values
from papers.sources.http import Answer, Client, FetchError, place, unusable
from papers.sources.record import PaperRecord, Records, Reject, SourceError

IDS_SLICE = 100  # ids in one question; more make addresses that servers refuse
PAGE = 200  # papers in one answer, about half a megabyte
PAGES_LIMIT = 100
ENTRIES_LIMIT = 20_000  # in one answer; the busiest feed has some hundreds
_FEEDS = ("application/atom+xml", "application/rss+xml", "application/xml", "text/xml")
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z]+(?:-[a-z]+)*)?", re.ASCII)
Entry = PaperRecord | Reject


@dataclass(frozen=True)
class Feed:
    """One reading of an announcement feed. `updated` is the feed's own date (None where it gives none);
    `broken_off` is the error in which a feed ended that gave `records` before."""

    updated: datetime | None
    records: tuple[Entry, ...]
    broken_off: FetchError | None = None


class RefusedError(FetchError):
    """The API understood us and refuses; `reason` is arXiv's own."""

    def __init__(self, answer: Answer, reason: str) -> None:
        message = f"{place(answer.url)} refused the question: {reason}."
        super().__init__(message, "status", status=answer.status)
        self.reason = reason


@dataclass
class _Reading:
    answer: Answer
    head: arxiv.Head = field(default_factory=arxiv.Head)
    entries: list[Entry] = field(default_factory=list)


def fetch_ids(client: Client, api_url: str, ids: Iterable[str]) -> Records:
    """The papers of these ids, in slices; a Reject for each id that arXiv does not know, or that is none.

    Raises FetchError, after what came before.
    """
    wanted: dict[str, None] = {}  # an ordered set
    for identifier in ids:
        try:
            wanted[values.arxiv_id(identifier, "id")[0]] = None
        except values.FieldError as error:
            yield Reject(f"id {values.excerpt(identifier, 60)}", str(error))
    names = list(wanted)
    for begin in range(0, len(names), IDS_SLICE):
        yield from _slice(client, api_url, names[begin : begin + IDS_SLICE])


def fetch_submitted(client: Client, api_url: str, category: str, since: datetime, until: datetime) -> Records:
    """The papers of a category ("cs.LG"), cross-lists too, whose version 1 came in [since, until], to the
    minute; the oldest first. Raises FetchError, after what came before, and SourceError for no category."""
    _check(category)
    span = f"{since.astimezone(UTC):%Y%m%d%H%M} TO {until.astimezone(UTC):%Y%m%d%H%M}"
    question: dict[str, str | int] = {
        "search_query": f"cat:{category} AND submittedDate:[{span}]",
        "sortBy": "submittedDate",
        "sortOrder": "ascending",
        "max_results": PAGE,
    }
    start = total = 0
    seen: set[str] = set()
    for number in range(1, PAGES_LIMIT + 1):
        where = f"page {number}, "
        reading = _read_page(client, api_url, {**question, "start": start}, promised=total, where=where)
        for entry in reading.entries:
            if not isinstance(entry, PaperRecord) or entry.arxiv_id not in seen:
                yield entry
        seen |= _ids(reading.entries)
        start += reading.head.entries
        total = max(total, reading.head.total or 0)
        if start >= total and (reading.head.total is not None or reading.head.entries < PAGE):
            return
    yield Reject(f"page {PAGES_LIMIT + 1}", "the answer goes on, but no further page is read")


def fetch_announcements(client: Client, feed_url: str, category: str) -> Feed:
    """Today's announcements of a category ("cs.LG", "stat"), read whole; replacements and cross-lists too.

    A feed that breaks off is returned with what came before and the error to raise after that. Raises
    FetchError, and SourceError where `category` is none.
    """
    _check(category)
    reading = _read(client, f"{feed_url.rstrip('/')}/{category}", {})
    head, entries = reading.head, tuple(reading.entries)
    if head.broken is None:
        return Feed(head.updated, entries)
    error = unusable(reading.answer, f"{head.broken}, after entry {head.entries:,}")
    return Feed(head.updated, entries[:-1], error)  # the last one only says what the error says


def _slice(client: Client, api_url: str, names: list[str]) -> Records:
    """The papers of up to IDS_SLICE ids. An id that arXiv refuses costs one more question, not the slice."""
    while names:
        question: dict[str, str | int] = {"id_list": ",".join(names), "start": 0, "max_results": len(names)}
        try:
            reading = _read_page(client, api_url, question)
        except RefusedError as error:
            refused = next((name for name in names if error.reason.endswith(f" {name}")), None)
            if refused is None:
                raise
            yield Reject(f"id {refused}", f"arXiv answered with an error: {error.reason}")
            names = [name for name in names if name != refused]
            continue
        yield from reading.entries
        rejected = " ".join(entry.excerpt for entry in reading.entries if isinstance(entry, Reject))
        found = _ids(reading.entries)
        for name in names:
            if name not in found and name not in rejected:
                yield Reject(f"id {name}", "arXiv knows no paper of this id")
        return


def _read_page(
    client: Client, api_url: str, question: Mapping[str, str | int], *, promised: int = 0, where: str = ""
) -> _Reading:
    """One answer of the API. `promised` is how many papers an earlier page told of. Raises FetchError where
    papers are promised and, asked again and again, none come."""
    start = int(question["start"])
    for tried in range(1, client.attempts + 1):
        reading = _read(client, api_url, question, where)
        promised = max(promised, reading.head.total or 0)
        if reading.head.entries or promised <= start:
            return reading
        if tried < client.attempts:
            client.back_off(tried)
    raise FetchError(
        f"{place(api_url)} promises {promised:,} papers, but gave none from number {start + 1:,} on "
        f"(asked {client.attempts} times).",
        "broken",
        status=200,
    )


def _read(client: Client, url: str, question: Mapping[str, str | int], where: str = "") -> _Reading:
    answer = client.get(url, question, accept=_FEEDS, statuses=(200, 400))
    reading = _Reading(answer)
    stream = io.BytesIO(answer.body)
    records = arxiv.parse(stream, read_at=answer.received_at, head=reading.head, where=where)
    try:
        reading.entries.extend(islice(records, ENTRIES_LIMIT + 1))
    except SourceError as error:
        raise unusable(answer, str(error)) from None
    if len(reading.entries) > ENTRIES_LIMIT:
        raise unusable(answer, "it holds more items than any list has")
    if reading.head.error or answer.status != 200:
        raise RefusedError(answer, reading.head.error or f"status {answer.status}, no reason given")
    return reading


def _ids(entries: list[Entry]) -> set[str]:
    return {entry.arxiv_id for entry in entries if isinstance(entry, PaperRecord) and entry.arxiv_id}


def _check(category: str) -> None:
    if not _CATEGORY.fullmatch(category):
        raise SourceError(f"{values.excerpt(category, 40)!r} is no arXiv category.")
