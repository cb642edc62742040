from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from papers.sources.arxiv_api import fetch_announcements, fetch_ids, fetch_submitted
from papers.sources.http import Client, FetchError
from papers.sources.record import PaperRecord, Reject, SourceError
from tests.papers.fetching import NOW, impatient
from tests.source_faults import Reply
from tests.source_server import ATOM_TYPE, SourceServer
from tests.source_shapes import Announcements, ArxivPaper, api_feed, error_feed

SINCE, UNTIL = datetime(2026, 5, 18, tzinfo=UTC), datetime(2026, 5, 18, 23, 59, tzinfo=UTC)
DAY = date(2026, 5, 20)


def papers(count: int, first: int = 0, **fields: Any) -> list[ArxivPaper]:
    """Submitted a minute apart from midnight on."""
    return [
        ArxivPaper(f"2605.{number:05}", submitted=SINCE + timedelta(minutes=number), **fields)
        for number in range(first, first + count)
    ]


def names(*numbers: int) -> list[str]:
    return [f"2605.{number:05}" for number in numbers]


def ids(entries: Iterable[PaperRecord | Reject]) -> list[str | None]:
    return [entry.arxiv_id for entry in entries if isinstance(entry, PaperRecord)]


def rejects(entries: Iterable[PaperRecord | Reject]) -> list[Reject]:
    return [entry for entry in entries if isinstance(entry, Reject)]


def by_id(server: SourceServer, http: Client, *wanted: str) -> list[PaperRecord | Reject]:
    return list(fetch_ids(http, server.arxiv_api_url, wanted))


def submitted(server: SourceServer, http: Client) -> list[PaperRecord | Reject]:
    return list(fetch_submitted(http, server.arxiv_api_url, "cs.LG", SINCE, UNTIL))


def place(server: SourceServer, path: str = "/api/query") -> str:
    return server.url.partition("//")[2] + path


def starts(server: SourceServer) -> list[str]:
    return [seen.params["start"] for seen in server.asked("arxiv")]


def test_papers_by_id_are_read_at_our_moment(server: SourceServer, http: Client) -> None:
    server.date_skew = timedelta(days=-4)
    server.now = lambda: NOW + timedelta(days=4)  # and so stands <updated>
    server.papers = [ArxivPaper("2605.00001", title="On One", categories=("stat.ML", "cs.LG"), version=2)]
    (record,) = by_id(server, http, "arXiv:2605.00001v1")
    assert record == PaperRecord(
        source="arxiv",
        title="On One",
        arxiv_id="2605.00001",
        arxiv_version=2,
        abstract="We made this up for a test.",
        authors=("Ada Example", "Bo Example"),
        author_count=2,
        published_on=date(2026, 5, 18),
        categories=("stat.ML", "cs.LG"),
        primary_category="stat.ML",
        read_at=NOW,
    )
    assert [seen.params for seen in server.requests] == [
        {"id_list": "2605.00001", "start": "0", "max_results": "1"}
    ]


def test_every_id_is_answered_for(server: SourceServer, http: Client) -> None:
    server.papers = [*papers(2), ArxivPaper("math/0309136")]
    entries = by_id(server, http, "2605.00001", "2605.77777", "nonsense", "math.GT/0309136", "2605.00001v3")
    assert sorted(map(str, ids(entries))) == ["2605.00001", "math/0309136"]
    assert rejects(entries) == [
        Reject("id nonsense", "id 'nonsense' is no arXiv id"),
        Reject("id 2605.77777", "arXiv knows no paper of this id"),
    ]
    assert [seen.params["id_list"] for seen in server.requests] == ["2605.00001,2605.77777,math/0309136"]


def test_many_ids_are_asked_for_in_slices(server: SourceServer, http: Client) -> None:
    server.papers = papers(230)
    assert ids(by_id(server, http, *names(*range(230)))) == names(*range(230))
    assert [seen.params["max_results"] for seen in server.requests] == ["100", "100", "30"]


def test_without_ids_nothing_is_asked(server: SourceServer, http: Client) -> None:
    assert by_id(server, http) == []
    assert server.requests == []


def test_an_id_that_arxiv_refuses_costs_only_itself(server: SourceServer, http: Client) -> None:
    server.papers = papers(3)
    refusal = Reply(error_feed("incorrect id format for 2605.00001", NOW), ATOM_TYPE, 400)
    server.break_next("arxiv", "reply", instead=refusal)
    entries = by_id(server, http, *names(0, 1, 2))
    assert ids(entries) == names(0, 2)
    reason = "arXiv answered with an error: incorrect id format for 2605.00001"
    assert rejects(entries) == [Reject("id 2605.00001", reason)]


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_entry_is_an_error_whatever_its_status(
    server: SourceServer, http: Client, status: int
) -> None:
    refusal = Reply(error_feed("max_results must be an integer", NOW), ATOM_TYPE, status)
    server.break_always("arxiv", "reply", instead=refusal)
    for fetch in (lambda: by_id(server, http, "2605.00001"), lambda: submitted(server, http)):
        with pytest.raises(FetchError) as caught:
            fetch()
        assert str(caught.value) == f"{place(server)} refused the question: max_results must be an integer."
        assert (caught.value.kind, caught.value.status) == ("status", status)
    assert len(server.requests) == 2


def test_a_400_that_is_a_web_page_is_told_as_a_400(server: SourceServer, http: Client) -> None:
    server.break_always("arxiv", "400")
    with pytest.raises(FetchError) as caught:
        submitted(server, http)
    assert str(caught.value) == f"{place(server)} answered with status 400."


def test_a_bad_entry_costs_only_itself_and_is_not_called_unknown(server: SourceServer, http: Client) -> None:
    feed = api_feed(papers(3), total=3, start=0, updated=NOW)
    feed = feed.replace(b"<title>On 2605.00001</title>", b"<title> </title>")
    server.break_next("arxiv", "body", body=feed)
    entries = by_id(server, http, *names(0, 1, 2))
    assert ids(entries) == names(0, 2)
    assert rejects(entries) == [Reject("entry 2", "title is missing", "http://arxiv.org/abs/2605.00001v1")]


def test_a_days_submissions_are_read_oldest_first_page_by_page(server: SourceServer, http: Client) -> None:
    other = ArxivPaper("2605.90000", categories=("math.CO",), submitted=SINCE)
    early = ArxivPaper("2605.90001", submitted=SINCE - timedelta(minutes=1))
    cross = papers(1, first=450, categories=("stat.ML", "cs.LG"))
    server.papers = [other, early, *cross, *reversed(papers(450))]
    assert ids(submitted(server, http)) == names(*range(451))
    assert starts(server) == ["0", "200", "400"]
    assert server.requests[0].params == {
        "search_query": "cat:cs.LG AND submittedDate:[202605180000 TO 202605182359]",
        "sortBy": "submittedDate",
        "sortOrder": "ascending",
        "max_results": "200",
        "start": "0",
    }


def test_a_span_is_asked_for_in_utc(server: SourceServer, http: Client) -> None:
    since = datetime.fromisoformat("2026-05-18T02:00:00+02:00")
    assert list(fetch_submitted(http, server.arxiv_api_url, "astro-ph.CO", since, UNTIL)) == []
    query = server.requests[0].params["search_query"]
    assert query == "cat:astro-ph.CO AND submittedDate:[202605180000 TO 202605182359]"


@pytest.mark.parametrize("category", ["", "cs.LG OR cat:math.CO", "CS", "cs.", "../x", "cs.LG\n"])
def test_what_is_no_category_is_not_asked_for(server: SourceServer, http: Client, category: str) -> None:
    with pytest.raises(SourceError, match=r"is no arXiv category\.$"):
        list(fetch_submitted(http, server.arxiv_api_url, category, SINCE, UNTIL))
    with pytest.raises(SourceError, match=r"is no arXiv category\.$"):
        fetch_announcements(http, server.arxiv_feed_url, category)
    assert server.requests == []


def empty(total: int, start: int = 0) -> bytes:
    return api_feed([], total=total, start=start, updated=NOW)


def test_an_empty_feed_is_no_empty_day_while_papers_are_promised(server: SourceServer) -> None:
    server.papers = papers(5)
    server.break_next("arxiv", "body", body=empty(5))
    waits: list[float] = []
    with impatient(wait=waits.append) as http:
        assert ids(submitted(server, http)) == names(*range(5))
        assert len(waits) == 1
        server.break_always("arxiv", "body", body=empty(1_234))
        with pytest.raises(FetchError) as caught:
            submitted(server, http)
    assert str(caught.value) == (
        f"{place(server)} promises 1,234 papers, but gave none from number 1 on (asked 2 times)."
    )
    assert caught.value.kind == "broken"


def test_an_empty_page_after_full_ones_is_asked_for_again(server: SourceServer, http: Client) -> None:
    server.papers = papers(250)
    answers = [api_feed(papers(200), total=250, start=0, updated=NOW), empty(0, 200), empty(0, 200)]
    for body in answers:
        server.break_next("arxiv", "body", body=body)
    found = fetch_submitted(http, server.arxiv_api_url, "cs.LG", SINCE, UNTIL)
    kept = [next(found) for _ in range(200)]
    with pytest.raises(FetchError, match="promises 250 papers, but gave none from number 201 on"):
        next(found)
    assert ids(kept) == names(*range(200))


def test_a_short_page_is_gone_on_from_where_it_ended(server: SourceServer, http: Client) -> None:
    server.papers = papers(30)
    server.break_next("arxiv", "body", body=api_feed(papers(12), total=30, start=0, updated=NOW))
    assert ids(submitted(server, http)) == names(*range(30))
    assert starts(server) == ["0", "12"]


def test_a_feed_that_breaks_off_is_gone_on_from_where_it_broke(server: SourceServer, http: Client) -> None:
    server.papers = papers(30)
    whole = api_feed(papers(30), total=30, start=0, updated=NOW)
    server.break_next("arxiv", "body", body=whole[: whole.index(b"<title>On 2605.00017")])
    entries = submitted(server, http)
    assert ids(entries) == names(*range(30))
    assert rejects(entries) == [Reject("page 1, after entry 17", "the feed breaks off here")]


def test_a_day_without_submissions_is_one_question(server: SourceServer, http: Client) -> None:
    assert submitted(server, http) == []
    assert len(server.requests) == 1


def test_a_feed_that_tells_no_total_is_read_until_a_page_is_short(server: SourceServer, http: Client) -> None:
    untold = api_feed(papers(200), total=0, start=0, updated=NOW).replace(b"totalResults", b"unknown")
    server.break_next("arxiv", "body", body=untold)
    server.break_next("arxiv", "body", body=empty(0).replace(b"totalResults", b"unknown"))
    assert ids(submitted(server, http)) == names(*range(200))
    assert starts(server) == ["0", "200"]


def test_an_answer_that_never_ends_is_left_and_told(server: SourceServer, http: Client) -> None:
    server.break_always("arxiv", "body", body=api_feed(papers(2), total=999_999, start=0, updated=NOW))
    entries = submitted(server, http)
    assert ids(entries) == names(0, 1)
    assert rejects(entries) == [Reject("page 101", "the answer goes on, but no further page is read")]


def test_announcements_tell_their_own_date_and_a_list_day(server: SourceServer, http: Client) -> None:
    new, cross, replaced = papers(3)
    announced = [(new, "new"), (cross, "cross"), (replaced, "replace")]
    server.announced["cs.LG"] = Announcements(on=DAY, papers=announced)
    feed = fetch_announcements(http, server.arxiv_feed_url, "cs.LG")
    assert feed.updated == datetime(2026, 5, 20, 4, 0, 19, tzinfo=UTC)
    assert [
        (entry.arxiv_id, entry.listed_on, entry.read_at, entry.published_on)
        for entry in feed.records
        if isinstance(entry, PaperRecord)
    ] == [
        ("2605.00000", DAY, NOW, None),
        ("2605.00001", DAY, NOW, None),
        ("2605.00002", None, NOW, None),
    ]
    assert [seen.path for seen in server.requests] == ["/atom/cs.LG"]


def test_a_day_without_announcements_is_a_feed_without_records(server: SourceServer, http: Client) -> None:
    server.announced["cs.LG"] = Announcements(on=DAY)
    feed = fetch_announcements(http, server.arxiv_feed_url, "cs.LG")
    assert (feed.updated, feed.records) == (datetime(2026, 5, 20, 4, 0, 19, tzinfo=UTC), ())


UNREADABLE = [
    ("entity bomb", {}, "it declares a document type or entities, which no arXiv feed does"),
    ("body", {"body": b""}, "it is not a whole XML document: the feed breaks off here"),
    ("body", {"body": b"<html><body/></html>"}, "it is XML, but no arXiv feed: its root is html"),
]


@pytest.mark.parametrize(("mode", "options", "reason"), UNREADABLE, ids=["bomb", "nothing", "page"])
def test_xml_that_is_no_feed_is_an_error(
    server: SourceServer, http: Client, mode: str, options: dict[str, Any], reason: str
) -> None:
    server.break_always("announcements", mode, **options)
    with pytest.raises(FetchError) as caught:
        fetch_announcements(http, server.arxiv_feed_url, "cs.LG")
    where = place(server, "/atom/cs.LG")
    assert str(caught.value) == f"{where} gave an answer that cannot be read: {reason}."
    assert caught.value.kind == "broken"


def test_a_feed_of_more_entries_than_any_has_is_given_up(server: SourceServer) -> None:
    body = b'<feed xmlns="http://www.w3.org/2005/Atom">' + b"<entry/>" * 20_001 + b"</feed>"
    server.break_next("announcements", "body", body=body)
    with impatient(max_bytes=1_000_000) as http, pytest.raises(FetchError) as caught:
        fetch_announcements(http, server.arxiv_feed_url, "cs.LG")
    assert str(caught.value).endswith("cannot be read: it holds more items than any list has.")
