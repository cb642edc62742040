"""A mail provider on loopback: `python -m tests.provider_server --port 0 --out FOLDER`.

It prints its port, and speaks the API of each provider in `tests.provider_shapes` under /<provider>/. Every
reader of every call is one line of FOLDER/log.jsonl: {"call", "provider", "to", "delivery_id", "taken",
"fault"}, written before the answer; `taken` says whether a mail would go out. What it should do wrong is said
by arguments (--fault status --times 3), by POST /faults with the same words as JSON, or by `break_next`.

| fault | what happens |
| --- | --- |
| status | answers `status` with `body` and `headers`; `taken`: and took the mails all the same |
| garbage | the same with 200 and a page of HTML |
| unread | hangs up when it has read the head of the request, before its body |
| dropped | reads the request, and hangs up without an answer |
| silent | reads the request, and says nothing more |
| drip | begins its answer and sends a byte now and then, for ever |
"""

import argparse
import json
import os
import socket
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.provider_shapes import SHAPES, Answer, Mail

KINDS = ("status", "garbage", "unread", "dropped", "silent", "drip")
PAGE = "<html><h1>Welcome</h1></html>"
DRIP_SECONDS = 0.05


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call."""

    kind: str = "status"
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    taken: bool = False


@dataclass(frozen=True)
class Call:
    """One request for mails, as it came."""

    number: int
    provider: str
    path: str
    raw: bytes
    mails: list[Mail]
    taken: list[Mail]
    connection: int  # the client's port: the same for requests over one kept connection
    fault: str


class ProviderServer:
    """Runs while the block lasts. `calls` holds what came in, where `keep` is true."""

    def __init__(self, folder: Path | None = None, *, port: int = 0, keep: bool = True) -> None:
        self.calls: list[Call] = []
        self.refused: dict[str, str] = {}  # address -> "invalid", "rejected" or "failed"
        self.closing = threading.Event()
        self._keep = keep
        self._count = 0
        self._lock = threading.Lock()
        self._once: deque[Fault] = deque()
        self._always: Fault | None = None
        self._log: int | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._log = os.open(folder / "log.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._http = _Server(("127.0.0.1", port), _Handler)
        self._http.provider = self
        self.port: int = self._http.server_address[1]

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
        if self._log is not None:
            os.close(self._log)

    def serve(self) -> None:
        self._http.serve_forever()

    def settings(self, provider: str) -> dict[str, Any]:
        """The Django settings with which Anymail sends here as to `provider`."""
        return settings_for(provider, self.port)

    def break_next(self, kind: str, times: int = 1, **options: Any) -> None:
        """Spoil the next calls; several orders queue up."""
        self._once.extend([Fault(kind, **options)] * times)

    def break_always(self, kind: str, **options: Any) -> None:
        self._always = Fault(kind, **options)

    def repair(self) -> None:
        self._once.clear()
        self._always = None
        self.refused.clear()

    @property
    def taken(self) -> list[Mail]:
        """Every mail that would go out."""
        return [mail for call in self.calls for mail in call.taken]

    def fault(self) -> Fault | None:
        with self._lock:
            return self._once.popleft() if self._once else self._always

    def answer(self, path: str, raw: bytes, fault: Fault | None, connection: int) -> Answer:
        """Take a request apart, write it into the log, and say what a healthy provider answers."""
        provider = path.strip("/").partition("/")[0]
        mails_of, answer_of = SHAPES[provider]
        mails = mails_of(raw)
        with self._lock:
            self._count += 1
            number = self._count
        answer = answer_of(mails, self.refused, number)
        taken = list(answer.taken) if fault is None or fault.taken else []
        kind = fault.kind if fault else ""
        if self._keep:
            self.calls.append(Call(number, provider, path, raw, mails, taken, connection, kind))
        self._write(number, provider, mails, taken, kind)
        return answer

    def order(self, wanted: dict[str, Any]) -> None:
        """An order that came over HTTP: a Fault's fields, `times` (0: always), and `refused`."""
        self.refused = wanted.pop("refused", self.refused)
        times = wanted.pop("times", 1)
        if not wanted:
            return
        named = Fault(**wanted)
        if times:
            self._once.extend([named] * times)
        else:
            self._always = named

    def _write(self, number: int, provider: str, mails: list[Mail], taken: list[Mail], kind: str) -> None:
        if self._log is None:
            return
        kept = {id(mail) for mail in taken}
        lines = [
            json.dumps(
                {
                    "call": number,
                    "provider": provider,
                    "to": mail.to,
                    "delivery_id": mail.delivery_id,
                    "taken": id(mail) in kept,
                    "fault": kind,
                }
            )
            for mail in mails
        ]
        # One write: a reader of the log sees whole calls.
        os.write(self._log, "".join(f"{line}\n" for line in lines).encode())


def settings_for(provider: str, port: int) -> dict[str, Any]:
    """Django settings for a provider at this port of loopback."""
    keys = {
        "mailgun": {"ANYMAIL_MAILGUN_API_KEY": "for-tests"},
        "postmark": {"ANYMAIL_POSTMARK_SERVER_TOKEN": "for-tests"},
        "mailjet": {"ANYMAIL_MAILJET_API_KEY": "for-tests", "ANYMAIL_MAILJET_SECRET_KEY": "for-tests"},
        "sendgrid": {"ANYMAIL_SENDGRID_API_KEY": "for-tests"},
        "unisender_go": {"ANYMAIL_UNISENDER_GO_API_KEY": "for-tests"},
    }
    return {
        "EMAIL_BACKEND": f"anymail.backends.{provider}.EmailBackend",
        f"ANYMAIL_{provider.upper()}_API_URL": f"http://127.0.0.1:{port}/{provider}/",
        **keys[provider],
    }


class _Server(ThreadingHTTPServer):
    provider: ProviderServer
    daemon_threads = False  # so that closing waits for the threads
    request_queue_size = 50

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
        """Clients that go away are part of the tests; the rest shows in what the tests find."""

    def hang_up_all(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has gone already


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer in one packet

    def do_POST(self) -> None:
        provider = self.server.provider
        if self.path == "/faults":
            provider.order(json.loads(self._body()))
            self._send(200, {})
            return
        fault = provider.fault()
        if fault and fault.kind == "unread":
            self.close_connection = True
            return
        answer = provider.answer(self.path, self._body(), fault, self.client_address[1])
        if fault is None:
            self._send(answer.status, answer.body)
        else:
            self._spoil(fault, answer)

    def do_GET(self) -> None:
        """Where a redirect leads."""
        self._send(200, {"message": "nothing to see"})

    def _spoil(self, fault: Fault, answer: Answer) -> None:
        if fault.kind == "status":
            self._send(fault.status, fault.body, fault.headers)
        elif fault.kind == "garbage":
            self._send(200, PAGE)
        elif fault.kind == "drip":
            self._drip()
        else:
            if fault.kind == "silent":
                self.server.provider.closing.wait()
            self.close_connection = True

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = (
            body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
        )
        kind = "text/html" if isinstance(body, str) else "application/json"
        self.send_response_only(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(content), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _drip(self) -> None:
        self.close_connection = True
        self.send_response_only(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while not self.server.provider.closing.wait(DRIP_SECONDS):
            try:
                self.wfile.write(b" ")
                self.wfile.flush()
            except OSError:
                return

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the log is the log."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.provider_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--fault", choices=KINDS)
    parser.add_argument("--times", type=int, default=0, help="0: every call")
    parser.add_argument("--status", type=int, default=200)
    parser.add_argument("--taken", action="store_true")
    given = parser.parse_args()
    server = ProviderServer(given.out, port=given.port, keep=False)
    if given.fault:
        wanted = asdict(Fault(given.fault, status=given.status, taken=given.taken))
        server.order({**wanted, "times": given.times})
    print(server.port, flush=True)
    server.serve()


if __name__ == "__main__":
    main()
