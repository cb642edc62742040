"""The recorded answers beside the checkout, served and fetched: the same records as from the files."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import pytest

from papers.importing import read_file
from papers.sources.arxiv_api import fetch_announcements, fetch_ids, fetch_submitted
from papers.sources.http import Client, FetchError
from papers.sources.huggingface_api import fetch_day
from papers.sources.record import PaperRecord, Records, Reject
from tests.papers.fetching import NOW, impatient
from tests.source_faults import Reply
from tests.source_server import ATOM_TYPE, SourceServer

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
SAMPLE = DATA / "hf_daily_papers_sample.jsonl.gz"
FEEDS = DATA / "arxiv_fixtures"

pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason="../shared is not at hand")


def undated(records: Records | tuple[PaperRecord | Reject, ...]) -> list[PaperRecord | Reject]:
    """Without the moment of reading: the feed's own from a file, ours when fetched."""
    return [replace(entry, read_at=None) if isinstance(entry, PaperRecord) else entry for entry in records]


def of_file(name: str) -> list[PaperRecord | Reject]:
    source, records = read_file(FEEDS / name)
    assert source == "arxiv"
    return undated(records)


def serve(server: SourceServer, source: str, name: str) -> None:
    about = FEEDS / name.replace(".xml", ".meta.json")
    status = json.loads(about.read_text())["status_code"] if about.exists() else 200
    instead = Reply((FEEDS / name).read_bytes(), ATOM_TYPE, status)
    server.break_next(source, "reply", instead=instead)


def test_the_recorded_lists_give_the_same_when_fetched(server: SourceServer) -> None:
    answers = [json.loads(line) for line in gzip.decompress(SAMPLE.read_bytes()).splitlines()]
    fetched: list[PaperRecord | Reject] = []
    clock = [NOW]
    with impatient(max_bytes=2_000_000, deadline=10, timeout=(5, 5), now=lambda: clock[0]) as http:
        server.now = lambda: clock[0]
        for answer in answers:
            day = date.fromisoformat(answer["list_date"])
            clock[0] = datetime.fromisoformat(answer["observed_at"]).astimezone(UTC)
            server.lists[day] = answer["items"]
            fetched.extend(fetch_day(http, server.huggingface_url, day))
    _, records = read_file(SAMPLE)
    assert len(fetched) == 1355
    assert fetched == list(records)


def test_a_recorded_query_gives_the_same_when_fetched(server: SourceServer, http: Client) -> None:
    serve(server, "arxiv", "api_query_100_entries.xml")
    fetched = fetch_submitted(http, server.arxiv_api_url, "cs.LG", NOW, NOW)
    assert undated(islice(fetched, 100)) == of_file("api_query_100_entries.xml")


def test_recorded_id_lists_give_the_same_and_tell_what_is_unknown(server: SourceServer, http: Client) -> None:
    for name in ("api_single_entry.xml", "api_id_list_one_unknown_one_known.xml", "api_id_unknown_empty.xml"):
        serve(server, "arxiv", name)
    asked = (["1605.08386"], ["0808.05394", "1707.08567"], ["0801.00001"])
    found = [undated(fetch_ids(http, server.arxiv_api_url, ids)) for ids in asked]
    assert found == [
        of_file("api_single_entry.xml"),
        [
            *of_file("api_id_list_one_unknown_one_known.xml"),
            Reject("id 0808.05394", "arXiv knows no paper of this id"),
        ],
        [Reject("id 0801.00001", "arXiv knows no paper of this id")],
    ]
    assert [len(entries) for entries in found] == [1, 2, 1]


def test_the_recorded_refusal_is_an_error(server: SourceServer, http: Client) -> None:
    serve(server, "arxiv", "api_id_malformed_error.xml")
    with pytest.raises(FetchError, match=r"refused the question: incorrect id format for abc\.$"):
        list(fetch_ids(http, server.arxiv_api_url, ["0801.00001"]))


def test_recorded_announcements_give_the_same_when_fetched(server: SourceServer, http: Client) -> None:
    serve(server, "announcements", "rss_atom_cs.AI_2025-08-20.xml")
    feed = fetch_announcements(http, server.arxiv_feed_url, "cs.AI")
    assert feed.updated is not None
    assert feed.updated.date() == date(2025, 8, 20)
    assert len(feed.records) == 86
    assert undated(feed.records) == of_file("rss_atom_cs.AI_2025-08-20.xml")
