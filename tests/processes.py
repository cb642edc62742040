"""Real programs beside the tests: the SMTP sink, and whatever must have ended when a test ends."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class RunningSink:
    """A sink that listens on `port` of 127.0.0.1 and keeps mails in `folder`."""

    port: int
    folder: Path

    def mails(self) -> list[dict[str, Any]]:
        """The envelopes it accepted, in order: file, sender, recipients."""
        return [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]

    def content(self, mail: Mapping[str, Any]) -> bytes:
        return (self.folder / mail["file"]).read_bytes()


@contextmanager
def smtp_sink(folder: Path, *, slow: float = 0) -> Iterator[RunningSink]:
    """`slow` seconds pass between a mail being kept and its 250."""
    command = ["-m", "tests.smtp_sink", "--out", str(folder), "--slow", str(slow)]
    with program(*command, stdout=subprocess.PIPE) as process:
        yield RunningSink(int(process.stdout.readline()), folder)


@contextmanager
def program(*arguments: str, **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """This Python with `arguments`; ended when the block ends."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def wait_until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of `holds`, asked until `seconds` have passed."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return value
