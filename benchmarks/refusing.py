"""How long a very long address keeps a door busy: the hostile case 6 of docs/security.md.

Measured is the whole request, from the body of 200 kB to the page that refuses it.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from django.core.signing import Signer
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from benchmarks.comparison import same
from benchmarks.enumeration import DOORS, HOST, SETTINGS

LENGTH = 200_000
AT_MOST = 50  # milliseconds
ADDRESSES = {
    "a long name": "a" * LENGTH + "@example.org",
    "many domains": "a@" + "b." * (LENGTH // 2) + "org",
    "only @": "@" * LENGTH,
    "no ASCII": "é" * LENGTH,
}


@dataclass(frozen=True, slots=True)
class Refused:
    """The milliseconds of each answer to one kind of address at one door."""

    path: str
    kind: str
    times: Sequence[float]

    def __str__(self) -> str:
        middle = median(self.times)
        verdict = "within" if middle <= AT_MOST else "NOT within"
        return (
            f"POST {self.path}, an address of {LENGTH // 1000} kB, {self.kind}: refused in {middle:.1f} ms,"
            f" {verdict} {AT_MOST} ms; the longest took {max(self.times):.1f} ms"
        )


def measure(rounds: int) -> Iterator[Refused]:
    """Each kind of address `rounds` times at each door; raises Different where one was not refused."""
    with override_settings(**SETTINGS, ANSWER_STEP_SECONDS=0), _without_a_line_for_each():
        for path in DOORS:
            for kind, address in ADDRESSES.items():
                _ask(path, address)  # not counted: what the first one loads, the others find
                yield Refused(path, kind, [_ask(path, address) for _ in range(rounds)])


@contextmanager
def _without_a_line_for_each() -> Iterator[None]:
    logger = logging.getLogger("django.request")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _ask(path: str, address: str) -> float:
    opened = Signer(salt="subscribe form").sign(f"{timezone.now().timestamp() - 30:.2f}")
    client = Client(HTTP_HOST=HOST)
    began = perf_counter()
    answer = client.post(path, {"email": address, "rendered": opened, "website": ""}, secure=True)
    spent = 1000 * (perf_counter() - began)
    same(f"the answer at {path}", 400, answer.status_code)
    return spent
