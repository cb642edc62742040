import base64
import gzip
import json
import tracemalloc
from collections.abc import Callable
from datetime import date, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from papers.sources.http import Answer, Client, FetchError
from papers.sources.record import SourceError
from tests.papers.fetching import NOW, impatient
from tests.source_faults import Reply
from tests.source_server import AUTHORITY, SourceServer
from tests.source_shapes import hf_item

DAY = date(2026, 5, 20)
JSON = ("application/json",)
Get = Callable[..., Answer]


@pytest.fixture(autouse=True)
def thirty_papers(server: SourceServer) -> None:
    server.lists[DAY] = [hf_item(f"2605.{number:05}") for number in range(30)]


def get(server: SourceServer, **changes: Any) -> Answer:
    """The day's list, from a client of its own."""
    with impatient(**changes) as asking:
        return ask(asking, server)


def ask(asking: Client, server: SourceServer) -> Answer:
    params = {"date": DAY.isoformat(), "token": "secret"}
    return asking.get(f"{server.url}/api/daily_papers", params, accept=JSON)


def failure(server: SourceServer, **changes: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        get(server, **changes)
    return caught.value


def place(server: SourceServer) -> str:
    return f"{server.url.partition('//')[2]}/api/daily_papers"


def test_an_answer_holds_the_body_and_when_it_came_by_our_clock(server: SourceServer) -> None:
    server.date_skew = timedelta(hours=30)
    answer = get(server)
    assert json.loads(answer.body) == server.lists[DAY]
    assert (answer.content_type, answer.status) == ("application/json", 200)
    assert (answer.received_at, answer.server_date) == (NOW, NOW + timedelta(hours=30))
    assert answer.url == f"{server.url}/api/daily_papers?date=2026-05-20&token=secret"


def test_a_request_says_who_asks_and_takes_gzip_only(server: SourceServer) -> None:
    get(server)
    (seen,) = server.requests
    assert (seen.params, seen.headers) == (
        {"date": "2026-05-20", "token": "secret"},
        {
            "Host": server.url.removeprefix("http://"),
            "User-Agent": "PaperRound/1 (test)",
            "Accept-Encoding": "gzip",
            "Accept": "application/json",
            "Connection": "keep-alive",
        },
    )


def test_all_requests_use_one_connection(server: SourceServer) -> None:
    with impatient() as asking:
        for packed in (True, False, True):
            server.packed = packed
            ask(asking, server)
    assert len(server.requests) == 3
    assert len({seen.connection for seen in server.requests}) == 1


def test_packed_or_not_in_one_member_or_two_the_body_is_the_same(server: SourceServer) -> None:
    bodies = [get(server).body]
    server.packed = False
    bodies.append(get(server).body)
    halves = gzip.compress(bodies[0][:999]) + gzip.compress(bodies[0][999:])
    reply = Reply(halves, "application/json", headers={"Content-Encoding": "x-gzip"})
    server.break_next("huggingface", "reply", instead=reply)
    bodies.append(get(server).body)
    assert bodies[1:] == bodies[:2]


PASSING = [
    ("500", {}, "status", "answered with status 500"),
    ("503", {}, "status", "answered with status 503"),
    ("429", {}, "status", "answered with status 429 (too many requests)"),
    ("drip", {}, "timeout", "was not done within 0.4 s"),
    ("drip headers", {}, "timeout", "was not done within 0.4 s"),
    ("silent", {}, "timeout", "sent nothing for 0.2 s"),
    ("no answer", {}, "unreachable", "could not be reached: the connection ended before an answer came"),
    ("no http", {}, "broken", "sent something that is no HTTP answer"),
    ("cut off", {}, "broken", "sent no whole answer: the connection ended before the body did"),
    ("cut chunks", {}, "broken", "sent no whole answer: the connection ended before the body did"),
    ("endless line", {}, "broken", "sent no whole answer: the connection ended before the body did"),
    (
        "negative chunk",
        {"size": -9},
        "broken",
        "sent no whole answer: the connection ended before the body did",
    ),
    ("cut gzip", {}, "broken", "sent no whole answer: its gzip data breaks off"),
    ("damaged gzip", {}, "broken", "sent no whole answer: its gzip data is damaged"),
]


@pytest.mark.parametrize(("mode", "options", "kind", "reason"), PASSING, ids=[row[0] for row in PASSING])
def test_what_may_pass_is_asked_for_again_and_then_told(
    server: SourceServer, mode: str, options: dict[str, Any], kind: str, reason: str
) -> None:
    server.break_next("huggingface", mode, **options)
    assert json.loads(get(server).body) == server.lists[DAY]
    server.break_always("huggingface", mode, **options)
    error = failure(server)
    assert (str(error), error.kind) == (f"{place(server)} {reason} (asked 2 times).", kind)
    assert len(server.requests) == 4


FINAL = [
    ("404", {}, "status", "answered with status 404 (not found)"),
    ("403", {}, "status", "answered with status 403 (forbidden)"),
    ("204", {}, "status", "answered with status 204"),
    ("html", {}, "type", "answered with a web page instead of data"),
    ("wrong type", {}, "type", "answered with application/octet-stream instead of application/json"),
    ("wrong type", {"content_type": ""}, "type", "answered with no content type instead of application/json"),
    ("other packing", {}, "type", "packed its answer as br, which was not asked for"),
    ("other packing", {"name": "deflate"}, "type", "packed its answer as deflate, which was not asked for"),
    ("endless", {}, "too_large", "sent more than 100,000 bytes and was stopped"),
    ("declared huge", {}, "too_large", "sent more than 100,000 bytes and was stopped"),
    ("negative chunk", {}, "too_large", "sent more than 100,000 bytes and was stopped"),
    ("gzip bomb", {}, "too_large", "sent more than 100,000 bytes and was stopped"),
    (
        "redirect",
        {"to": "http://evil.example/list?key=1"},
        "redirect",
        "redirected to http://evil.example, which is refused",
    ),
    ("redirect", {"to": "file:///etc/passwd"}, "redirect", "redirected to file://, which is refused"),
    (
        "redirect",
        {"to": "http://127.0.0.1:99999/"},
        "redirect",
        "redirected to something that is no address",
    ),
    ("redirect", {"to": ""}, "redirect", "redirected to nowhere"),
]


@pytest.mark.parametrize(
    ("mode", "options", "kind", "reason"), FINAL, ids=[" ".join([row[0], *row[1].values()]) for row in FINAL]
)
def test_what_cannot_pass_is_told_at_once(
    server: SourceServer, mode: str, options: dict[str, Any], kind: str, reason: str
) -> None:
    server.break_always("huggingface", mode, **options)
    error = failure(server)
    assert (str(error), error.kind) == (f"{place(server)} {reason}.", kind)
    assert len(server.requests) == 1


@pytest.mark.parametrize("mode", ["endless", "declared huge", "negative chunk", "gzip bomb"])
def test_a_body_of_300_megabytes_is_stopped_early_in_little_memory(server: SourceServer, mode: str) -> None:
    server.break_always("huggingface", mode)
    with impatient(max_bytes=1_000_000) as asking:
        tracemalloc.start()
        with pytest.raises(FetchError) as caught:
            ask(asking, server)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert caught.value.kind == "too_large"
    (seen,) = server.requests
    assert seen.done.wait(5)
    assert seen.sent < 20_000_000  # what the system's buffers take
    assert peak < 20_000_000


def test_a_body_that_is_said_to_be_too_large_is_not_waited_for(server: SourceServer) -> None:
    server.break_always("huggingface", "declared huge", hesitate=5)
    assert failure(server).kind == "too_large"


def test_a_connection_is_not_used_again_after_a_body_that_was_not_read(server: SourceServer) -> None:
    server.break_next("huggingface", "wrong type")
    with impatient() as asking:
        with pytest.raises(FetchError):
            ask(asking, server)
        assert json.loads(ask(asking, server).body) == server.lists[DAY]
    assert len({seen.connection for seen in server.requests}) == 2


@pytest.mark.parametrize(
    ("retry_after", "shortest", "longest"),
    [
        ("7", 7, 8),
        (format_datetime(NOW + timedelta(days=3, seconds=20), usegmt=True), 20, 21),
        (format_datetime(NOW + timedelta(days=2), usegmt=True), 0, 1.5),
        ("soon", 0.5, 1.5),
        ("-5", 0.5, 1.5),
        (None, 0.5, 1.5),
    ],
)
def test_a_busy_server_is_left_alone_as_long_as_it_asks_for(
    server: SourceServer, retry_after: str | None, shortest: float, longest: float
) -> None:
    server.date_skew = timedelta(days=3)  # what it asks for is told by its own clock
    server.break_next("huggingface", "429", retry_after=retry_after)
    waits: list[float] = []
    assert json.loads(get(server, wait=waits.append).body) == server.lists[DAY]
    assert len(waits) == 1
    assert shortest <= waits[0] <= longest


@pytest.mark.parametrize(("retry_after", "told"), [("61", 61), ("3600", 3600), ("99999999", 21_600)])
def test_a_long_wait_is_left_to_the_caller(server: SourceServer, retry_after: str, told: float) -> None:
    server.break_always("huggingface", "503", retry_after=retry_after)
    waits: list[float] = []
    error = failure(server, wait=waits.append)
    assert (error.status, error.retry_after, waits, len(server.requests)) == (503, told, [], 1)


def test_pauses_grow_and_are_never_the_same(server: SourceServer) -> None:
    server.break_always("huggingface", "500")
    waits: list[float] = []
    error = failure(server, attempts=8, wait=waits.append)
    assert str(error).endswith("answered with status 500 (asked 8 times).")
    limits = [(0.5, 1.5), (1, 3), (2, 6), (4, 12), (8, 24), (15, 45), (15, 45)]
    assert [low <= wait <= high for wait, (low, high) in zip(waits, limits, strict=True)] == [True] * 7
    assert len(set(waits)) == 7


def test_the_callers_pause_comes_before_every_request(server: SourceServer) -> None:
    server.break_next("huggingface", "500")
    server.break_next("huggingface", "redirect", to="/api/daily_papers?date=2026-05-20")
    log: list[str] = []
    server.before_answer = lambda seen: log.append("asked")
    get(server, before_request=lambda: log.append("pause"))
    assert log == ["pause", "asked"] * 3


def test_a_redirect_on_the_same_host_is_followed(server: SourceServer) -> None:
    server.break_next("huggingface", "redirect", to="/api/daily_papers?date=2026-05-20&p=0", code=308)
    server.break_next("huggingface", "redirect", to=f"{server.url}/api/daily_papers?date=2026-05-20&p=1")
    assert json.loads(get(server).body) == []
    assert [seen.params.get("p") for seen in server.requests] == [None, "0", "1"]
    assert len({seen.connection for seen in server.requests}) <= 3


def test_a_redirect_to_another_port_of_the_same_host_is_refused(server: SourceServer) -> None:
    with SourceServer() as other:
        server.break_next("huggingface", "redirect", to=f"{other.url}/api/daily_papers")
        assert failure(server).kind == "redirect"
        assert other.requests == []


def test_a_redirect_with_a_password_in_it_is_refused(server: SourceServer) -> None:
    with_password = server.url.replace("//", "//ada:secret@")
    server.break_always("huggingface", "redirect", to=f"{with_password}/api/daily_papers")
    assert str(failure(server)) == f"{place(server)} redirected to {server.url}, which is refused."


def test_redirects_come_to_an_end(server: SourceServer) -> None:
    server.break_always("huggingface", "redirect", to="/api/daily_papers")
    error = failure(server)
    assert str(error) == f"{place(server)} redirected more than 3 times."
    assert len(server.requests) == 4


def test_nobody_at_home(server: SourceServer) -> None:
    server.__exit__()
    error = failure(server)
    assert isinstance(error, SourceError)
    assert str(error) == f"{place(server)} could not be reached: no connection (asked 2 times)."
    assert error.kind == "unreachable"


@pytest.mark.parametrize(
    "url", ["gopher://example.org/x", "example.org/x", "http://", "https://a..b/x", "http://[::1/x"]
)
def test_what_is_no_web_address_is_not_asked_for(url: str) -> None:
    with impatient() as asking, pytest.raises(FetchError, match=r"is no web address\.$"):
        asking.get(url, accept=JSON)


def test_no_cookie_is_kept(server: SourceServer) -> None:
    reply = Reply(b"[]", "application/json", headers={"Set-Cookie": "who=you; Path=/"})
    server.break_next("huggingface", "reply", instead=reply)
    with impatient() as asking:
        ask(asking, server)
        ask(asking, server)
    assert ["Cookie" in seen.headers for seen in server.requests] == [False, False]


def test_no_password_is_sent(server: SourceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    get(server)
    assert ["Authorization" in seen.headers for seen in server.requests] == [False]


def test_the_environments_proxy_is_used_under_the_same_limits(
    server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//ada:secret@"))
    monkeypatch.setenv("no_proxy", "")
    url = "http://papers.invalid/api/daily_papers"
    with impatient() as asking:
        answer = asking.get(url, {"date": "2026-05-20"}, accept=JSON)
        assert json.loads(answer.body) == server.lists[DAY]
        assert server.requests[0].headers["Proxy-Authorization"] == f"Basic {_base64('ada:secret')}"
        server.break_always("huggingface", "drip")
        with pytest.raises(FetchError) as caught:
            asking.get(url, {"date": "2026-05-20"}, accept=JSON)
    assert str(caught.value) == "papers.invalid/api/daily_papers was not done within 0.4 s (asked 2 times)."


def test_a_proxy_that_is_away_is_told_without_its_password(
    server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.__exit__()
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//ada:secret@"))
    with impatient() as asking, pytest.raises(FetchError) as caught:
        asking.get("http://papers.invalid/api", accept=JSON)
    assert str(caught.value) == "papers.invalid/api could not be reached through the proxy (asked 2 times)."


def test_the_same_limits_hold_over_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    AUTHORITY.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    with SourceServer(tls=True) as server, impatient() as asking:
        server.lists[DAY] = [hf_item("2605.00001")]
        assert json.loads(ask(asking, server).body) == server.lists[DAY]
        server.break_next("huggingface", "500")
        assert json.loads(ask(asking, server).body) == server.lists[DAY]
        server.break_next("huggingface", "drip", times=2)
        server.break_next("huggingface", "endless")
        server.break_next("huggingface", "redirect", to=server.url.replace("https", "http"))
        errors = []
        for _ in range(3):
            with pytest.raises(FetchError) as caught:
                ask(asking, server)
            errors.append(caught.value)
    assert [error.kind for error in errors] == ["timeout", "too_large", "redirect"]
    assert str(errors[2]).endswith(f"redirected to http://{place(server).split('/')[0]}, which is refused.")


def test_an_unknown_certificate_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with SourceServer(tls=True) as server:
        error = failure(server)
    assert str(error) == f"{place(server)} could not be reached: its certificate is not valid."
    assert server.requests == []


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
