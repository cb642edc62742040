"""Fetches Hugging Face Daily Papers: one day's list in pages, or one paper. Saves nothing, knows no settings.

A list is sorted by votes, and votes come in while we read, so a paper can slip over the edge between two
pages. Whoever slips down is seen twice, and whoever slipped up in exchange was seen by nobody. So when a page
repeats a paper of an earlier page, all pages are read once more, and only what is new is given. Only a paper
that was taken off the list between two pages can still hide another one; the next reading finds that.
"""

from collections.abc import Generator
from datetime import date
from itertools import islice
from typing import Any
from urllib.parse import quote

from papers.sources import values
from papers.sources.http import Answer, Client, unusable
from papers.sources.huggingface import parse_answer, parse_item
from papers.sources.jsontext import loads
from papers.sources.record import PaperRecord, Records, Reject, SourceError

PAGE = 50  # the most items that an answer holds
ITEMS_LIMIT = 1_000  # in one answer; a megabyte of nothing would be read as many more
PAGES_LIMIT = 20  # a list had 78 papers at most; a server that never ends is left here
_JSON = ("application/json",)
Entry = PaperRecord | Reject


def fetch_day(client: Client, base_url: str, day: date) -> Records:
    """The list of a day, read now: observed at the moment its page came, by our clock.

    A paper that stands on two pages is given once. Raises FetchError, after what came before; its `status` is
    400 where Hugging Face, which counts days in UTC, takes `day` for one to come.
    """
    seen: set[str] = set()
    slipped = yield from _pages(client, base_url, day, seen)
    if slipped:
        again = _pages(client, base_url, day, seen)
        yield from (entry for entry in again if isinstance(entry, PaperRecord))


def fetch_paper(client: Client, base_url: str, arxiv_id: str) -> PaperRecord:
    """What Hugging Face says now of one paper. Raises FetchError (`status` 404 where it knows none of that
    id), and SourceError where `arxiv_id` is no arXiv id."""
    try:
        wanted, _ = values.arxiv_id(arxiv_id, "the id")
    except values.FieldError as error:
        raise SourceError(f"No paper was fetched: {error}.") from None
    answer = client.get(f"{base_url.rstrip('/')}/api/papers/{quote(wanted, safe='')}", accept=_JSON)
    try:
        record = parse_item(_as_item(loads(_text(answer))), position=wanted, observed_at=answer.received_at)
        if record.arxiv_id != wanted:
            raise values.FieldError(f"it is paper {record.arxiv_id}")
    except ValueError as error:
        raise unusable(answer, str(error)) from None
    return record


def _as_item(value: Any) -> dict[str, Any]:
    """A bare paper as an item of a list, where comments stand outside."""
    fields = values.mapping(value, "the answer")
    return fields if "paper" in fields else {"paper": fields, "numComments": fields.get("numComments")}


def _pages(client: Client, base_url: str, day: date, seen: set[str]) -> Generator[Entry, None, bool]:
    """What stands on the pages and not in `seen`; returns whether a page repeated one of an earlier page."""
    earlier: set[str] = set()
    slipped = False
    for number in range(PAGES_LIMIT):
        entries = _page(client, base_url, day, number)
        here = {entry.arxiv_id for entry in entries if isinstance(entry, PaperRecord) and entry.arxiv_id}
        slipped = slipped or bool(here & earlier)
        for entry in entries:
            if not isinstance(entry, PaperRecord) or entry.arxiv_id not in seen:
                yield entry
        # A broken item may have swallowed others, so a page with rejects may only look short.
        short = len(entries) < PAGE and all(isinstance(entry, PaperRecord) for entry in entries)
        ended = short or bool(here and here <= earlier)
        earlier |= here
        seen |= here
        if ended:
            return slipped
    yield Reject(f"page {PAGES_LIMIT + 1}", "the list goes on, but no further page is read")
    return slipped


def _page(client: Client, base_url: str, day: date, number: int) -> list[Entry]:
    answer = client.get(
        f"{base_url.rstrip('/')}/api/daily_papers",
        {"date": day.isoformat(), "p": number, "limit": PAGE},
        accept=_JSON,
    )
    text = _text(answer)
    begin = len(text) - len(text.lstrip())
    if text[begin : begin + 1] != "[":
        raise unusable(answer, "it is not a list of papers")
    where = f"page {number + 1}, "
    records = parse_answer(text, listed_on=day, observed_at=answer.received_at, start=begin, where=where)
    try:
        entries = list(islice(records, ITEMS_LIMIT + 1))
    except SourceError as error:
        raise unusable(answer, str(error)) from None
    if len(entries) > ITEMS_LIMIT:
        raise unusable(answer, "it holds more items than any list has")
    return entries


def _text(answer: Answer) -> str:
    try:
        return answer.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise unusable(answer, "it is not UTF-8 text") from None
