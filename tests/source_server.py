"""A real HTTP server on loopback that answers as Hugging Face and arXiv do, or as they do on a bad day.

    with SourceServer() as server:
        server.lists[day] = [hf_item("2605.00001", upvotes=7)]
        server.papers.append(ArxivPaper("2605.00002"))
        server.announced["cs.LG"] = Announcements(on=day, papers=[(paper, "new")])
        server.break_next("huggingface", "500")           # the next answer only
        server.break_always("arxiv", "429", retry_after="5")
        server.repair("arxiv")

Sources are "huggingface" (lists and papers), "arxiv" (the API) and "announcements" (the feeds). Lists are
served in the order they have here, and may be changed at any time. Faults: tests/source_faults.py.
"""

import gzip
import json
import re
import socket
import ssl
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import trustme

from papers.reading.calendars import latest_possible_feed
from tests.source_faults import Line, Reply, named
from tests.source_shapes import (
    Announcements,
    ArxivPaper,
    announcement_feed,
    api_feed,
    error_feed,
    hf_paper,
)

AUTHORITY = trustme.CA()  # made anew in every process; only a test that is told to trusts it
ATOM_TYPE = "application/atom+xml; charset=utf-8"
_ARXIV_ID = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+/\d{7})(v\d+)?")
_QUERY = re.compile(r"cat:(?P<category>\S+) AND submittedDate:\[(?P<since>\d{12}) TO (?P<until>\d{12})\]")


@dataclass
class Seen:
    """One request as it came, and what became of its answer."""

    source: str  # "" where the path belongs to none
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    at: float  # time.monotonic()
    connection: int  # the client's port: the same for requests over one connection
    sent: int = 0  # bytes that the server got rid of
    done: threading.Event = field(default_factory=threading.Event)


class SourceServer:
    """See above. Everything here may be used from the test's thread while it serves."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), tls: bool = False) -> None:
        self.lists: dict[date, list[Any]] = {}
        self.papers: list[ArxivPaper] = []
        self.announced: dict[str, Announcements] = {}
        self.requests: list[Seen] = []
        self.now = now  # for the times in answers
        self.date_skew = timedelta()  # added to the Date header
        self.page_limit = 50  # items of a daily list, whatever is asked for
        self.packed = True  # gzip for who takes it
        self.before_answer: Callable[[Seen], None] = lambda seen: None
        self._once: dict[str, deque[Callable[[Line, Reply], None]]] = defaultdict(deque)
        self._always: dict[str, Callable[[Line, Reply], None]] = {}
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.sources = self
        self.closing = threading.Event()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._http.server_address[1]}"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
            # The handshake is left to the thread of the connection.
            self._http.socket = context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.huggingface_url = self.url
        self.arxiv_api_url = f"{self.url}/api/query"
        self.arxiv_feed_url = f"{self.url}/atom"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.hang_up_all()
        self._http.server_close()
        self._thread.join()

    def break_next(self, source: str, mode: str, times: int = 1, **options: Any) -> None:
        """Spoil the next answers of a source; several calls queue up."""
        self._once[source].extend([named(mode, options)] * times)

    def break_always(self, source: str, mode: str, **options: Any) -> None:
        """Spoil all answers of a source until `repair`."""
        self._always[source] = named(mode, options)

    def repair(self, source: str) -> None:
        """Answer well again."""
        self._always.pop(source, None)
        self._once.pop(source, None)

    def fault(self, source: str) -> Callable[[Line, Reply], None] | None:
        """What spoils the answer that is due now."""
        queue = self._once.get(source)
        return queue.popleft() if queue else self._always.get(source)

    def asked(self, source: str) -> list[Seen]:
        """The requests of one source, in order."""
        return [seen for seen in self.requests if seen.source == source]

    def reply(self, seen: Seen) -> Reply:
        """The good answer."""
        if seen.path == "/api/daily_papers":
            return self._list(seen.params)
        if seen.path.startswith("/api/papers/"):
            return self._paper(unquote(seen.path.removeprefix("/api/papers/")))
        if seen.source == "arxiv":
            return self._arxiv(seen.params)
        if seen.source == "announcements":
            return self._announcements(seen.path.rpartition("/")[2])
        return _json({"error": "Not found"}, 404)

    def _list(self, params: dict[str, str]) -> Reply:
        try:
            day = date.fromisoformat(params["date"])
            page, limit = int(params.get("p", "0")), int(params.get("limit", "50"))
        except (KeyError, ValueError):
            return _json({"error": "Bad request"}, 400)
        if day > self.now().date():  # as the site does, which counts days in UTC
            return _json({"error": "Date must not lie in the future"}, 400)
        size = min(limit, self.page_limit)
        return _json(self.lists.get(day, [])[page * size : (page + 1) * size])

    def _paper(self, arxiv_id: str) -> Reply:
        items = (item for day in sorted(self.lists) for item in self.lists[day])
        found = next((item for item in items if item["paper"]["id"] == arxiv_id), None)
        return _json({"error": "Paper not found"}, 404) if found is None else _json(hf_paper(found))

    def _arxiv(self, params: dict[str, str]) -> Reply:
        start, size = int(params.get("start", "0")), int(params.get("max_results", "10"))
        if params.get("id_list"):
            wanted = params["id_list"].split(",")
            bad = next((name for name in wanted if not _ARXIV_ID.fullmatch(name)), None)
            if bad is not None:
                return Reply(error_feed(f"incorrect id format for {bad}", self.now()), ATOM_TYPE, 400)
            found = [paper for paper in self.papers if paper.arxiv_id in wanted]
        else:
            found = self._submitted(params.get("search_query", ""))
        feed = api_feed(found[start : start + size], total=len(found), start=start, updated=self.now())
        return Reply(feed, ATOM_TYPE)

    def _submitted(self, query: str) -> list[ArxivPaper]:
        asked = _QUERY.fullmatch(query)
        if asked is None:
            return []
        since, until = (f"{asked[name]}" for name in ("since", "until"))
        found = [
            paper
            for paper in self.papers
            if asked["category"] in paper.categories and since <= f"{paper.submitted:%Y%m%d%H%M}" <= until
        ]
        return sorted(found, key=lambda paper: paper.submitted)

    def _announcements(self, category: str) -> Reply:
        announced = self.announced.get(category) or Announcements(on=latest_possible_feed(self.now()))
        return Reply(announcement_feed(category, announced), ATOM_TYPE)


class _Server(ThreadingHTTPServer):
    sources: SourceServer
    daemon_threads = False  # so that closing waits for the threads

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the tests; anything else is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def hang_up_all(self) -> None:
        for connection in list(self._open):
            try:
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # also where TLS is on top
            except OSError:
                continue  # it has gone already


class _Handler(BaseHTTPRequestHandler):
    """One connection; it is the `Line` that faults send through."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    seen: Seen

    def do_GET(self) -> None:
        sources = self.server.sources
        parts = urlsplit(self.path)
        self.seen = Seen(
            source=_source(parts.path),
            path=parts.path,
            params=dict(parse_qsl(parts.query)),
            headers=dict(self.headers.items()),
            at=time.monotonic(),
            connection=self.client_address[1],
        )
        sources.requests.append(self.seen)
        try:
            sources.before_answer(self.seen)
            reply = sources.reply(self.seen)
            fault = sources.fault(self.seen.source)
            if fault:
                fault(self, reply)
            else:
                self.answer(reply)
        except OSError:
            self.close_connection = True
        finally:
            self.seen.done.set()

    def answer(self, reply: Reply) -> None:
        body, headers = reply.body, dict(reply.headers)
        if self.server.sources.packed and "gzip" in self.headers.get("Accept-Encoding", "") and body:
            body, headers = gzip.compress(body, 1), {**headers, "Content-Encoding": "gzip"}
        self.head(reply, **headers, **{"Content-Length": str(len(body))})
        self.send(body)

    def head(self, reply: Reply, **headers: str) -> None:
        self.send_response_only(reply.status)
        date_told = self.server.sources.now() + self.server.sources.date_skew
        self.send_header("Date", format_datetime(date_told.astimezone(UTC), usegmt=True))
        self.send_header("Content-Type", reply.content_type)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            count = self.connection.send(view[:65_536])
            self.seen.sent += count
            view = view[count:]

    def hang_up(self) -> None:
        self.close_connection = True

    def pause(self, seconds: float) -> bool:
        return not self.server.sources.closing.wait(seconds)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: `SourceServer.requests` is the log."""


def _source(path: str) -> str:
    if path == "/api/query":
        return "arxiv"
    if path.startswith("/atom/"):
        return "announcements"
    return "huggingface" if path.startswith(("/api/daily_papers", "/api/papers/")) else ""


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(value).encode(), "application/json; charset=utf-8", status)
