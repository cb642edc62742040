"""How many mails may leave within a second, minute, hour or day: in any such stretch of time. Pure.

A period is counted in slices. What was taken counts until its whole slice is a period old, so a limit holds
wherever a period is laid; at most one slice in twenty is lost for it. Moments are seconds since 1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

SLICES = 20  # of a period
PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}  # seconds


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` mails in any stretch of one `unit`: s, m, h or d."""

    limit: int
    unit: str

    @property
    def slice_seconds(self) -> float:
        return PERIODS[self.unit] / SLICES

    def __str__(self) -> str:
        return f"{self.limit}/{self.unit}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken in the slice number `newest` and in those before it, newest first."""

    newest: int = 0
    counts: Sequence[int] = ()

    def at(self, rule: Rule, now: float) -> "Taken":
        """The same with the slice of `now` as the newest; what is older than a period is forgotten."""
        # A clock that went back does not: else what was taken would be forgotten too early.
        newest = max(self.newest, floor(now / rule.slice_seconds))
        passed = min(newest - self.newest, SLICES + 1)
        return Taken(newest, ([0] * passed + list(self.counts))[: SLICES + 1])

    def add(self, number: int) -> "Taken":
        first, *others = self.counts or [0]
        return Taken(self.newest, [first + number, *others])


def free(rule: Rule, taken: Taken) -> int:
    """How many may go now; `taken` is as of now."""
    return max(0, rule.limit - sum(taken.counts))


def wait(rule: Rule, taken: Taken, now: float) -> float:
    """Seconds until one more may go; 0 where one may go now."""
    left = sum(taken.counts)
    for age in range(len(taken.counts) - 1, -1, -1):
        if left < rule.limit:
            break
        left -= taken.counts[age]
        if left < rule.limit:
            return max(0.0, (taken.newest - age + SLICES + 1) * rule.slice_seconds - now)
    return 0.0
