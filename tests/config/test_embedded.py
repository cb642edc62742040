"""The private servers: shared, stopped with the last user, and hard to leave behind."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config.postgres import Postgres
from config.valkey import Valkey

ROOT = Path(__file__).resolve().parents[2]
USER = """
import sys, time
from pathlib import Path
from config import keeper
from config.embedded import SERVERS
print(keeper.join(SERVERS[sys.argv[1]](Path(sys.argv[2]))), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def var() -> Iterator[Path]:
    """A folder for the servers whose name has spaces and whose path is longer than any socket's may be."""
    top = Path(tempfile.mkdtemp(prefix="embedded test "))
    folder = top / ("a long name " * 9).strip() / "var"
    folder.mkdir(parents=True)
    assert len(str(folder)) > 107
    yield folder
    # A failed test must leave nothing running either.
    for process in processes_of(folder):
        process.kill()
    shutil.rmtree(top)


class User:
    """Another process that uses a server until `leave` or `kill`."""

    def __init__(self, var: Path, name: str = "postgres") -> None:
        command = [sys.executable, "-c", USER, name, str(var)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    @property
    def url(self) -> str:
        line = self.process.stdout.readline().strip()
        assert line, self.process.stderr.read()
        return line

    def leave(self) -> str:
        """What it said on the way."""
        said = self.process.communicate(timeout=40)[1]
        assert self.process.returncode == 0, said
        return said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=40)


def processes_of(var: Path) -> list[psutil.Process]:
    """Servers and keepers that work on `var`."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(var) in line and "sys.stdin" not in line:
            found.append(process)
    return found


def wait_for_silence(var: Path) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if not processes_of(var):
            return True
        time.sleep(0.05)
    return False


def answers(url: str) -> str:
    with psycopg.connect(url) as connection:
        return str(connection.execute("select current_setting('data_directory')").fetchone()[0])


def test_two_processes_share_a_server_that_stops_with_the_last(var: Path) -> None:
    first, second = User(var), User(var)
    urls = [first.url, second.url]
    assert urls[0] == urls[1]
    assert answers(urls[0]) == str(var / "postgres")
    first.leave()
    assert answers(urls[0]) == str(var / "postgres")
    second.leave()
    assert processes_of(var) == []


def test_data_stays_and_is_written_through_to_the_disk(var: Path) -> None:
    for found in (0, 1):
        user = User(var)
        with psycopg.connect(user.url) as connection:
            connection.execute("create table if not exists kept (n int)")
            assert connection.execute("select count(*) from kept").fetchone() == (found,)
            connection.execute("insert into kept values (1)")
            assert connection.execute("show fsync").fetchone() == ("on",)
        user.leave()


def test_a_killed_user_does_not_leave_the_server_running(var: Path) -> None:
    user = User(var)
    assert answers(user.url)
    user.kill()
    assert wait_for_silence(var)


def test_the_last_user_stops_the_server_when_somebody_killed_its_keeper(var: Path) -> None:
    user = User(var)
    assert answers(user.url)
    (keeper,) = [process for process in processes_of(var) if "config.embedded" in process.cmdline()]
    keeper.kill()
    user.leave()
    assert processes_of(var) == []


def test_a_stale_pid_file_is_seen_through_after_the_server_was_killed(var: Path) -> None:
    first = User(var)
    assert answers(first.url)
    killed = Postgres(var).pid()
    os.kill(killed, signal.SIGKILL)
    second = User(var)
    assert answers(second.url) == str(var / "postgres")
    assert Postgres(var).pid() not in (None, killed)
    first.leave()
    second.leave()
    assert processes_of(var) == []


@pytest.mark.parametrize(
    "content",
    [f"{os.getpid()}\n/elsewhere\n", "12", "", "nonsense\n"],
    ids=["ours", "short", "empty", "words"],
)
def test_a_pid_file_of_a_stranger_or_cut_short_does_not_keep_the_server_from_starting(
    var: Path, content: str
) -> None:
    user = User(var)
    assert user.url
    user.leave()
    (var / "postgres" / "postmaster.pid").write_text(content)
    user = User(var)
    assert answers(user.url) == str(var / "postgres")
    user.leave()
    assert processes_of(var) == []


def test_a_start_that_was_killed_half_way_is_done_again(var: Path) -> None:
    half = var / "postgres.new-killed"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    user = User(var)
    assert answers(user.url)
    user.leave()
    assert not half.exists()


def test_a_socket_folder_that_somebody_else_made_first_is_not_used(var: Path) -> None:
    user = User(var)
    folder = Path(user.url.partition("host=")[2])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    user.leave()
    assert not folder.exists()
    folder.mkdir()
    folder.chmod(0o777)
    try:
        user = User(var)
        other = Path(user.url.partition("host=")[2])
        assert other != folder
        assert stat.S_IMODE(other.stat().st_mode) == 0o700
        user.leave()
    finally:
        folder.rmdir()


def test_the_server_never_runs_as_root_for_whom_folders_are_opened_for_passing_only(var: Path) -> None:
    top = var.parents[1]
    top.chmod(0o700)
    user = User(var)
    assert answers(user.url)
    account = psutil.Process(Postgres(var).pid()).username()
    assert account == pwd.getpwuid((var / "postgres").stat().st_uid).pw_name
    said = [line for line in user.leave().splitlines() if "useradd" not in line]
    if os.geteuid() == 0:
        assert (account, stat.S_IMODE(top.stat().st_mode)) == ("paper-round", 0o701)
        assert said == [
            f"paper-round: running as root, so other users may now pass through {top} (chmod o+x)"
        ]
    else:
        assert (account, stat.S_IMODE(top.stat().st_mode)) == (pwd.getpwuid(os.geteuid()).pw_name, 0o700)
        assert said == []
    again = User(var)
    assert again.url
    assert again.leave() == ""


def test_valkey_answers_its_password_only_and_stops_with_its_last_user(var: Path) -> None:
    first, second = User(var, "valkey"), User(var, "valkey")
    url = first.url
    assert second.url == url
    with redis.Redis.from_url(url) as client:
        assert client.ping() is True
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
    stranger = redis.Redis.from_url("redis://" + url.partition("@")[2])
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    first.leave()
    os.kill(Valkey(var).pid(), signal.SIGKILL)
    third = User(var, "valkey")
    assert third.url != url
    second.leave()
    third.leave()
    assert processes_of(var) == []
