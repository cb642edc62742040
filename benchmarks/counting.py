"""A program beside the benchmark that takes mails and counts them, and tells its counts when asked."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")


class Counting(Generic[T]):
    """A running program that listens on `port` of this machine."""

    def __init__(self, process: "subprocess.Popen[str]", tally: Callable[..., T]) -> None:
        self._process = process
        self._tally = tally
        self.port = int(self._read())

    def tally(self) -> T:
        """What came in since the last call."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._tally(**json.loads(self._read()))

    def _read(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


@contextmanager
def counting(module: str, tally: Callable[..., T]) -> Iterator[Counting[T]]:
    """The program `python -m module`, which prints its port, and a line of JSON for each line it reads.

    Its counts come as `tally`, whose fields are the JSON's names.
    """
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        try:
            yield Counting(process, tally)
        finally:
            assert process.stdin
            process.stdin.close()  # which ends it
