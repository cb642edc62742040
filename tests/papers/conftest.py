"""A server that plays the sources, and a client for it."""

from collections.abc import Iterator

import pytest

from papers.sources.http import Client
from tests.papers.fetching import NOW, impatient
from tests.source_server import SourceServer


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[SourceServer]:
    with SourceServer(now=lambda: NOW) as server:
        yield server


@pytest.fixture
def http() -> Iterator[Client]:
    with impatient(max_bytes=2_000_000) as client:
        yield client
