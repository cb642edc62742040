import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from papers.sources.http import Client, FetchError
from papers.sources.huggingface_api import fetch_day, fetch_paper
from papers.sources.record import PaperRecord, Reading, Reject, SourceError
from tests.papers.fetching import NOW
from tests.source_server import Seen, SourceServer
from tests.source_shapes import hf_item

DAY = date(2026, 5, 20)


def items(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        hf_item(f"2605.{number:05}", upvotes=max(0, 200 - number)) for number in range(first, first + count)
    ]


def names(*numbers: int) -> list[str]:
    return [f"2605.{number:05}" for number in numbers]


def read(server: SourceServer, http: Client) -> list[PaperRecord | Reject]:
    return list(fetch_day(http, server.huggingface_url, DAY))


def ids(entries: list[PaperRecord | Reject]) -> list[str | None]:
    return [entry.arxiv_id for entry in entries if isinstance(entry, PaperRecord)]


def pages(server: SourceServer) -> list[str]:
    return [seen.params["p"] for seen in server.asked("huggingface")]


def before_page(number: int, change: Callable[[], None]) -> Callable[[Seen], None]:
    """Changes the list once, between the reading of page `number` - 1 and that of page `number`."""
    changes = [change]

    def hook(seen: Seen) -> None:
        if seen.params.get("p") == str(number) and changes:
            changes.pop()()

    return hook


def test_a_list_is_read_with_its_day_and_our_moment(server: SourceServer, http: Client) -> None:
    server.date_skew = timedelta(days=9)
    submitted = "2026-05-20T00:02:00.000Z"
    server.lists[DAY] = [hf_item("2605.00001", upvotes=7, comments=2, submittedOnDailyAt=submitted)]
    (record,) = read(server, http)
    assert isinstance(record, PaperRecord)
    assert (record.title, record.listed_on, record.read_at, record.reading, record.position) == (
        "A Made-up Method Called 2605.00001",
        DAY,
        NOW,
        Reading(observed_at=NOW, upvotes=7, num_comments=2),
        "page 1, item 1",
    )
    assert [seen.params for seen in server.requests] == [{"date": "2026-05-20", "p": "0", "limit": "50"}]


def test_a_day_without_papers_is_one_question_and_no_record(server: SourceServer, http: Client) -> None:
    assert read(server, http) == []
    assert pages(server) == ["0"]


@pytest.mark.parametrize(
    ("count", "asked"), [(49, ["0"]), (50, ["0", "1"]), (78, ["0", "1"]), (100, ["0", "1", "2"])]
)
def test_pages_are_read_until_one_is_short(
    server: SourceServer, http: Client, count: int, asked: list[str]
) -> None:
    server.lists[DAY] = items(count)
    assert ids(read(server, http)) == names(*range(count))
    assert pages(server) == asked


def test_a_server_that_knows_no_pages_is_not_asked_forever(server: SourceServer, http: Client) -> None:
    server.lists[DAY] = items(50)
    server.before_answer = lambda seen: seen.params.update(p="0")
    assert ids(read(server, http)) == names(*range(50))
    assert len(server.requests) == 4  # the second page repeats the first, so both are read once more


def test_a_list_without_end_is_left_and_told(server: SourceServer, http: Client) -> None:
    server.lists[DAY] = items(1_010)
    entries = read(server, http)
    assert ids(entries) == names(*range(1_000))
    assert entries[-1] == Reject("page 21", "the list goes on, but no further page is read")


def test_a_paper_that_rises_over_the_edge_between_two_pages_is_not_lost(
    server: SourceServer, http: Client
) -> None:
    server.lists[DAY] = items(60)

    def rise() -> None:
        server.lists[DAY].insert(3, server.lists[DAY].pop(55))

    server.before_answer = before_page(1, rise)
    found = ids(read(server, http))
    assert sorted(map(str, found)) == names(*range(60))
    assert found[-1] == "2605.00055"
    assert pages(server) == ["0", "1", "0", "1"]


def test_a_paper_that_comes_in_on_top_between_two_pages_is_found(server: SourceServer, http: Client) -> None:
    server.lists[DAY] = items(60)
    server.before_answer = before_page(1, lambda: server.lists[DAY].insert(0, hf_item("2605.99999")))
    assert sorted(map(str, ids(read(server, http)))) == [*names(*range(60)), "2605.99999"]


def test_a_paper_that_an_answer_names_twice_gives_two_records(server: SourceServer, http: Client) -> None:
    server.lists[DAY] = [*items(2), *items(1)]
    assert ids(read(server, http)) == names(0, 1, 0)


def test_a_bad_item_costs_only_itself_and_no_page(server: SourceServer, http: Client) -> None:
    server.lists[DAY] = items(70)
    server.lists[DAY][4] = {"paper": {"id": "2605.00004", "title": None, "upvotes": 1}}
    server.lists[DAY][60] = {"paper": {"id": "no id", "title": "Some Title"}}
    entries = read(server, http)
    assert ids(entries) == names(*(number for number in range(70) if number not in (4, 60)))
    assert [entry for entry in entries if isinstance(entry, Reject)] == [
        Reject("page 1, item 5", "paper.title is missing", "paper: an object"),
        Reject("page 2, item 11", "paper.id 'no id' is no arXiv id", "paper: an object"),
    ]


def test_malformed_json_costs_the_broken_item_only(server: SourceServer, http: Client) -> None:
    server.lists[DAY] = items(53)
    text = json.dumps(items(50))
    body = text.replace('"id": "2605.00007"', '"id": oops', 1)
    server.break_next("huggingface", "body", body=body.encode())
    entries = read(server, http)
    assert ids(entries) == names(*range(7), *range(8, 53))
    (reject,) = (entry for entry in entries if isinstance(entry, Reject))
    assert (reject.position, reject.reason) == ("page 1, item 8", "not JSON: expecting value")


def test_an_answer_that_ends_too_soon_without_saying_so_is_told(server: SourceServer, http: Client) -> None:
    body = json.dumps(items(3))
    server.break_next("huggingface", "body", body=body[: len(body) - 40].encode())
    entries = read(server, http)
    assert ids(entries) == names(0, 1)
    assert [entry.reason for entry in entries if isinstance(entry, Reject)] == [
        "the text breaks off inside it"
    ]
    assert pages(server) == ["0", "1"]  # what looks short may be what was lost


UNREADABLE = [
    (b"", "it is not a list of papers"),
    (b"null", "it is not a list of papers"),
    (b'{"error": "maintenance"}', "it is not a list of papers"),
    (b"<html>Sorry</html>", "it is not a list of papers"),
    (b'["\xff"]', "it is not UTF-8 text"),
    (b"[" * 200_000, "it is nested too deeply"),
]


@pytest.mark.parametrize(("body", "reason"), UNREADABLE, ids=[str(row[0][:12]) for row in UNREADABLE])
def test_an_answer_that_is_no_list_is_an_error(
    server: SourceServer, http: Client, body: bytes, reason: str
) -> None:
    server.break_next("huggingface", "body", body=body)
    with pytest.raises(FetchError) as caught:
        read(server, http)
    host = server.url.partition("//")[2]
    assert str(caught.value) == (f"{host}/api/daily_papers gave an answer that cannot be read: {reason}.")
    assert caught.value.kind == "broken"


def test_a_day_to_come_is_status_400(server: SourceServer, http: Client) -> None:
    with pytest.raises(FetchError) as caught:
        list(fetch_day(http, server.huggingface_url, DAY + timedelta(days=1)))
    assert (caught.value.kind, caught.value.status) == ("status", 400)


def test_what_came_before_an_error_is_kept(server: SourceServer, http: Client) -> None:
    server.lists[DAY] = items(70)
    server.before_answer = before_page(1, lambda: server.break_always("huggingface", "500"))
    records = fetch_day(http, server.huggingface_url, DAY)
    kept = [next(records) for _ in range(50)]
    with pytest.raises(FetchError, match="answered with status 500"):
        next(records)
    assert ids(kept) == names(*range(50))


def test_a_list_is_the_same_with_a_slash_at_the_end_of_the_address(
    server: SourceServer, http: Client
) -> None:
    server.lists[DAY] = items(1)
    assert ids(list(fetch_day(http, f"{server.huggingface_url}/", DAY))) == names(0)


def test_a_single_paper_tells_its_list_day_and_its_votes_now(server: SourceServer, http: Client) -> None:
    server.lists[DAY] = [*items(3), hf_item("2605.00009", upvotes=44, comments=5, stars=12)]
    record = fetch_paper(http, server.huggingface_url, "arXiv:2605.00009v2")
    assert (record.title, record.listed_on, record.read_at) == (
        "A Made-up Method Called 2605.00009",
        DAY,
        NOW,
    )
    assert record.reading == Reading(observed_at=NOW, upvotes=44, num_comments=5, github_stars=12)
    assert [seen.path for seen in server.requests] == ["/api/papers/2605.00009"]


def test_a_paper_that_they_do_not_know_is_status_404(server: SourceServer, http: Client) -> None:
    with pytest.raises(FetchError) as caught:
        fetch_paper(http, server.huggingface_url, "hep-th/9901001")
    host = server.url.partition("//")[2]
    assert str(caught.value) == f"{host}/api/papers/hep-th%2F9901001 answered with status 404 (not found)."
    assert caught.value.status == 404


def test_no_question_is_asked_with_what_is_no_id(server: SourceServer, http: Client) -> None:
    with pytest.raises(SourceError) as caught:
        fetch_paper(http, server.huggingface_url, "../../etc/passwd")
    assert str(caught.value) == "No paper was fetched: the id '../../etc/passwd' is no arXiv id."
    assert server.requests == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[]", "the answer is a list, not an object"),
        (b"{", "it is not valid JSON (expecting property name enclosed in double quotes at character 2)"),
        (b'{"id": "2605.00001"}', "paper.title is missing"),
        (b'{"id": "2605.00002", "title": "Another One"}', "it is paper 2605.00002"),
    ],
)
def test_a_paper_that_cannot_be_read_is_an_error(
    server: SourceServer, http: Client, body: bytes, reason: str
) -> None:
    server.lists[DAY] = [hf_item("2605.00001")]
    server.break_next("huggingface", "body", body=body)
    with pytest.raises(FetchError) as caught:
        fetch_paper(http, server.huggingface_url, "2605.00001")
    host = server.url.partition("//")[2]
    assert str(caught.value) == (
        f"{host}/api/papers/2605.00001 gave an answer that cannot be read: {reason}."
    )


def test_an_item_of_another_list_keeps_the_day_of_that_list(server: SourceServer, http: Client) -> None:
    server.lists[DAY] = [hf_item("2605.00001", submittedOnDailyAt="2026-05-19T23:58:00.000Z")]
    (record,) = read(server, http)
    assert isinstance(record, PaperRecord)
    assert record.listed_on == DAY - timedelta(days=1)


def test_skewed_dates_in_items_do_not_reach_list_day_or_reading(server: SourceServer, http: Client) -> None:
    late = datetime(2031, 1, 1, tzinfo=UTC).isoformat()
    server.lists[DAY] = [hf_item("2605.00001", submittedOnDailyAt=late)]
    (record,) = read(server, http)
    assert isinstance(record, PaperRecord)
    assert (record.listed_on, record.read_at) == (DAY, NOW)


@pytest.mark.parametrize("size", [1_000, 1_001])
def test_an_answer_of_more_items_than_any_list_has_is_given_up(
    server: SourceServer, http: Client, size: int
) -> None:
    server.break_next("huggingface", "body", body=b"[" + b"1," * (size - 1) + b"1]")
    if size == 1_000:
        assert len(read(server, http)) == size
        return
    with pytest.raises(FetchError) as caught:
        read(server, http)
    assert str(caught.value).endswith("cannot be read: it holds more items than any list has.")
