"""`serve`, as a person runs it: everything comes up together and goes down together."""

import os
import re
import signal
import socket
import subprocess
import sys
from http.cookiejar import CookieJar
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import psutil
import psycopg
import pytest

from config import supervisor
from config.supervisor import Program
from tests.processes import wait_until
from tests.website import Website

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def serve(port: int, database: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    environment = os.environ | {"DATABASE_URL": database, "SITE_URL": "", "NEWSLETTER_TICK_SECONDS": "3600"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    # A shell that runs the suite in the background ignores SIGINT, and children inherit that.
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, start_new_session=True, preexec_fn=_hear_ctrl_c, **pipes
    )


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_until(lines: IO[str], *patterns: str) -> str:
    """What was printed until every pattern was seen."""
    seen = ""
    for line in lines:
        seen += line
        if all(re.search(pattern, seen) for pattern in patterns):
            return seen
    raise AssertionError(seen)


def said_no(port: int, path: str, **headers: str) -> tuple[int, str]:
    """The status and the heading of a page that says no."""
    page = Website(port, Path(os.devnull)).get(path, **headers)
    return page.status, re.search("<h1>(.*?)</h1>", page.text)[1]


def test_everything_answers_one_login_works_once_and_ctrl_c_ends_it_all(
    free_port: int, own_database: str
) -> None:
    process = serve(free_port, own_database)
    try:
        said = read_until(process.stdout, "Booting worker", r"worker \|.* ready", r"beat   \|.*Starting")
        address = f"http://127.0.0.1:{free_port}"
        link = re.search(r"One login: (\S+)", said)[1]
        assert link.startswith(f"{address}/admin/login-link/")

        browser = build_opener(HTTPCookieProcessor(CookieJar()))
        assert browser.open(f"{address}/", timeout=20).status == 200
        for file in ("admin/css/base.css", "site.css"):
            assert browser.open(f"{address}/static/{file}", timeout=20).status == 200
        for path in ("/nowhere/", "/2026-02-30/", "/papers/nowhere/", "/static/nowhere.css"):
            assert said_no(free_port, path) == (404, "There is no such page"), path
        assert said_no(free_port, "/", Host="elsewhere.example") == (400, "That could not be read")
        assert said_no(free_port, "/nowhere/", Host="localhost")[0] == 404
        with psycopg.connect(own_database, autocommit=True) as database:
            database.execute("ALTER TABLE papers_topic RENAME TO elsewhere")
            assert said_no(free_port, "/topics/") == (500, "The press has jammed")
            database.execute("ALTER TABLE elsewhere RENAME TO papers_topic")
        page = browser.open(link, timeout=20).read().decode()
        form = {"csrfmiddlewaretoken": re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)[1]}
        landed = browser.open(link, urlencode(form).encode(), timeout=20)
        assert landed.url == f"{address}/admin/"
        with pytest.raises(HTTPError, match="404"):
            browser.open(link, timeout=20)

        taken = serve(free_port, own_database)
        assert taken.communicate(timeout=60)[0].splitlines()[-1] == (
            f"CommandError: cannot listen on 127.0.0.1:{free_port} ([Errno 98] Address already in use):"
            " try another with --port"
        )
        assert taken.returncode == 1

        family = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130
        wait_until(lambda: not any(child.is_running() for child in family), 10, "all children end")
    finally:
        process.kill()
        process.communicate()


PROGRAMS = [
    Program("short", ["sh", "-c", "echo hello; sleep 0.5; echo bye"]),
    Program("a", ["sh", "-c", "sleep 61 & wait"]),
]


def test_when_one_ends_all_end_and_lines_carry_their_names(capfd: pytest.CaptureFixture[str]) -> None:
    assert supervisor.run(PROGRAMS, os.environ) == PROGRAMS[0]
    assert capfd.readouterr().out == "short | hello\nshort | bye\n"
    assert [process for process in psutil.process_iter() if "sleep 61" in " ".join(_line(process))] == []


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children")
def test_programs_end_when_their_supervisor_is_killed() -> None:
    code = (
        "from config.supervisor import *; import os;"
        "b = Program('b', ['sh', '-c', 'echo up; exec sleep 63']);"
        "run([Program('a', ['sleep', '62']), b], os.environ)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "b | up\n"
    children = psutil.Process(process.pid).children()
    process.kill()
    process.communicate()
    wait_until(lambda: not any(child.is_running() for child in children), 10, "the programs end")
