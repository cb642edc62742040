"""What the whole suite shares: browser tests need Chromium, and CI leaves nothing out."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings

from tests.source_server import SourceServer

IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
SHARED = Path(__file__).resolve().parents[2] / "shared"
# The same cases on every run in CI; elsewhere each run looks for new ones. A busy machine is no failure.
hypothesis_settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis_settings.register_profile("here", deadline=None)
hypothesis_settings.load_profile("ci" if IN_CI else "here")
LEFT_OUT = pytest.StashKey[list[str]]()


def chromium() -> str | None:
    """The browser for tests marked `browser`: $CHROMIUM, else one on the PATH."""
    named = os.environ.get("CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome", "chrome"]
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = chromium()
    assert found, "browser tests run only where Chromium is found"
    return found


@pytest.fixture
def own_database() -> Iterator[str]:
    """A URL of an empty database for other processes to fill, dropped afterwards."""
    name = f"paper_round_{os.getpid()}"
    given = os.environ["DATABASE_URL"]
    parts = urlsplit(given)
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)")
        connection.execute(f"create database {name}")
        yield urlunsplit(parts._replace(path=f"/{name}"))
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def sources(settings: Any) -> Iterator[SourceServer]:
    """A server of our own that plays the sources, named in the settings."""
    with SourceServer() as server:
        settings.NEWSLETTER_HUGGINGFACE_URL = server.huggingface_url
        settings.NEWSLETTER_ARXIV_API_URL = server.arxiv_api_url
        settings.NEWSLETTER_ARXIV_FEED_URL = server.arxiv_feed_url
        yield server


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """A database without the starter topics: a test that flushes takes them away for all that come after."""
    from papers.models import Topic

    with django_db_blocker.unblock():
        Topic.objects.all().delete()


@pytest.fixture
def broker() -> Iterator[str]:
    """A broker within this process; the queue is emptied before."""
    from celery import current_app

    before = current_app.conf.broker_url
    current_app.conf.broker_url = "memory://"
    with current_app.connection_for_write() as connection:
        connection.SimpleQueue("celery").clear()
    yield "memory://"
    current_app.conf.broker_url = before


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [] if chromium() else [item for item in items if item.get_closest_marker("browser")]
    for item in left_out:
        item.add_marker(pytest.mark.skip(reason="no Chromium"))
    config.stash[LEFT_OUT] = [item.nodeid for item in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    names = config.stash.get(LEFT_OUT, [])
    if names:
        terminalreporter.section("browser tests left out: no Chromium (install it, or name it in CHROMIUM)")
        for name in names:
            terminalreporter.line(name)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Under CI=true nothing is left out, except what needs ../shared where that folder is missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not IN_CI or reporter is None or exitstatus != pytest.ExitCode.OK:
        return
    skipped = [report for report in reporter.stats.get("skipped", []) if not _excused(report)]
    for report in skipped:
        reporter.write_line(f"\nCI leaves nothing out, but this was skipped: {report.nodeid}", red=True)
    if skipped:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _excused(report: pytest.TestReport | pytest.CollectReport) -> bool:
    return "shared" in str(report.longrepr) and not SHARED.exists()
