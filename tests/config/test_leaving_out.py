"""What the suite does about tests that this machine cannot run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import pytest

@pytest.mark.browser
def test_in_a_browser():
    pass

def test_anywhere():
    pass
"""


def run(folder: Path, tests: str, **environment: str) -> tuple[int, list[str]]:
    """Exit status and lines of a pytest run with our conftest, on a machine without Chromium."""
    (folder / "test_some.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    command += ["-c", "pyproject.toml", "--rootdir", str(folder), str(folder / "test_some.py")]
    env = os.environ | {"CHROMIUM": "/nowhere/chromium", "CI": ""} | environment
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def test_without_chromium_the_browser_tests_are_named(tmp_path: Path) -> None:
    status, lines = run(tmp_path, TESTS)
    assert status == pytest.ExitCode.OK
    (title,) = [line.strip("= ") for line in lines if "left out" in line]
    assert title == "browser tests left out: no Chromium (install it, or name it in CHROMIUM)"
    assert "test_some.py::test_in_a_browser" in lines


def test_in_ci_nothing_may_be_left_out(tmp_path: Path) -> None:
    status, lines = run(tmp_path, TESTS, CI="true")
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "CI leaves nothing out, but this was skipped: test_some.py::test_in_a_browser" in lines
    skipping = "import pytest\n\ndef test_it():\n    pytest.skip('some other day')\n"
    assert run(tmp_path, skipping, CI="true")[0] == pytest.ExitCode.TESTS_FAILED
    assert run(tmp_path, "def test_it():\n    pass\n", CI="true")[0] == pytest.ExitCode.OK
