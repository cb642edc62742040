"""A program beside the benchmark that takes mails and counts them, and tells its counts when asked."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from django.test import override_settings

from benchmarks.comparison import same

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")


class Counted(Protocol):
    """What every tally has."""

    messages: int
    recipients: int


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
def counting(
    module: str, tally: Callable[..., T], *, mail: Callable[[int], Mapping[str, object]]
) -> Iterator[Counting[T]]:
    """The program `python -m module`, which prints its port, and a line of JSON for each line it reads.

    Its counts come as `tally`, whose fields are the JSON's names. While it lasts Django's mail goes there, by
    the settings that `mail` gives for its port.
    """
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        try:
            running = Counting(process, tally)
            with override_settings(**mail(running.port)):
                yield running
        finally:
            assert process.stdin
            process.stdin.close()  # which ends it


def everybody_got_one(number: int, plain: Counted, ours: Counted) -> None:
    """Raise Different unless both ways brought `number` readers one mail each."""
    for tally in (plain, ours):
        same("mails and readers that got one", (number, number), (tally.messages, tally.recipients))
