"""The suite runs on a real PostgreSQL: the one DATABASE_URL names, else this checkout's private one."""

import os
import shutil
from pathlib import Path

import pytest

# A developer's own .env must not reach the tests: an empty variable counts as not set, and .env does not
# replace what is there.
for _name in ("EMAIL_URL", "EMAIL_BACKEND", "REDIS_URL", "CELERY_BROKER_URL", "SITE_URL", "ALLOWED_HOSTS"):
    os.environ[_name] = ""
os.environ |= {"DEBUG": "true", "SECRET_KEY": "for-tests-only", "CI": os.environ.get("CI", "")}

from config import start  # noqa: E402 - after the variables

start.prepare()
IN_CI = os.environ["CI"].lower() not in ("", "0", "false")


def chromium() -> str | None:
    """The browser for tests marked `browser`: $CHROMIUM, else one on the PATH."""
    named = os.environ.get("CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome", "chrome"]
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = chromium()
    assert found, "collected only where Chromium is found"
    return found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [] if chromium() else [item for item in items if item.get_closest_marker("browser")]
    for item in left_out:
        item.add_marker(pytest.mark.skip(reason="needs Chromium"))
    config.stash[LEFT_OUT] = [item.nodeid for item in left_out]


LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    names = config.stash.get(LEFT_OUT, [])
    if names:
        terminalreporter.section("browser tests left out: no Chromium found (set CHROMIUM to its path)")
        for name in names:
            terminalreporter.line(name)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Under CI=true nothing may be left out, except what needs ../shared where that folder is missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not IN_CI or reporter is None or exitstatus != pytest.ExitCode.OK:
        return
    shared = Path(__file__).resolve().parents[2] / "shared"
    skipped = [report for report in reporter.stats.get("skipped", []) if not _excused(report, shared)]
    if skipped:
        for report in skipped:
            reporter.write_line(f"CI leaves nothing out, but skipped: {report.nodeid}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _excused(report: pytest.TestReport | pytest.CollectReport, shared: Path) -> bool:
    return "shared" in str(report.longrepr) and not shared.exists()
