"""The site behind a real gunicorn, on the database of the test: for what no test client shows."""

import http.client
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.db import connection

from tests.processes import program, wait_until


@dataclass(frozen=True)
class Answer:
    status: int
    headers: HTTPMessage
    text: str


@dataclass(frozen=True)
class Website:
    """It listens on `port` of 127.0.0.1, and whatever it and Django log goes to `log`."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, fields: Mapping[str, object] | bytes, **headers: str) -> Answer:
        """Post a form, or a body as it is, with a CSRF token as after opening a form of ours."""
        body = fields if isinstance(fields, bytes) else urlencode(fields, doseq=True).encode()
        token = "a" * 32
        ours = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"csrftoken={token}",
            "X-CSRFToken": token,
        }
        return self.ask("POST", path, body=body, headers=ours | headers)

    def ask(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            wire.request(method, path, body or None, dict(headers or {}))
            answer = wire.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())
        finally:
            wire.close()

    def said(self) -> str:
        return self.log.read_text()


@contextmanager
def a_website(folder: Path, **environment: str) -> Iterator[Website]:
    """Until the block ends: gunicorn as docs/deploying.md starts it, with its access log."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    website = Website(port, folder / "gunicorn.log")
    chosen = {
        "DJANGO_SETTINGS_MODULE": "tests.deployed_settings",
        "DATABASE_URL": urlunsplit(database),
        "SITE_URL": website.url,
        "DEBUG": "false",
        "TRUSTED_PROXIES": "0",
    }
    arguments = ["config.wsgi:application", f"--bind=127.0.0.1:{port}", "--workers=2", "--threads=4"]
    with website.log.open("wb") as log:
        command = ["-m", "gunicorn", *arguments, "--no-control-socket", "--access-logfile=-"]
        with program(*command, env=os.environ | chosen | environment, stdout=log, stderr=log):
            wait_until(lambda: _answers(website), 30, "the site answers")
            yield website


def _answers(website: Website) -> bool:
    try:
        return website.get("/robots.txt").status == 200
    except OSError:
        return False
