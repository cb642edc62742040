"""What the tests of pages and readers share."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from django.core.cache import cache

from tests.crash.servers import Broker
from tests.website import Website, a_website


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """No test counts towards another's rate limit."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def at_once(settings: Any) -> None:
    """No test waits for an even time to answer, but the one that is about it."""
    settings.ANSWER_STEP_SECONDS = 0


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate for 127.0.0.1 that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def _website(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Website, Broker]]:
    folder = tmp_path_factory.mktemp("website")
    broker = Broker(folder)
    broker.start()
    try:
        # Visitors tell their networks, as a proxy would: no two of them need to share a limit.
        with a_website(folder, REDIS_URL=broker.url(), TRUSTED_PROXIES="1") as website:
            yield website, broker
    finally:
        broker.stop()


@pytest.fixture
def website(_website: tuple[Website, Broker], transactional_db: None) -> Website:
    """The site behind a real gunicorn with a real Valkey, on the rows of this test."""
    _website[1].flush()
    return _website[0]


@pytest.fixture
def valkey(_website: tuple[Website, Broker]) -> Broker:
    """The Valkey of `website`, to be killed; it is back when the next test needs it."""
    return _website[1]
