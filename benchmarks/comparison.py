"""Two ways to do the same work: whether they gave the same, and how long each took."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter


class Different(Exception):
    """The two ways did not give the same, so their times cannot be compared; the message says where."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds of each round; round k of one ran right before round k of the other."""

    title: str
    number: int  # of mails or digests in a round
    plain: Sequence[float]
    ours: Sequence[float]

    @property
    def ratio(self) -> float:
        """How many times as fast this project is: the median of the rounds' ratios."""
        return median(self._ratios())

    def _ratios(self) -> list[float]:
        return [plain / ours for plain, ours in zip(self.plain, self.ours, strict=True)]

    def __str__(self) -> str:
        ratios = self._ratios()
        lowest, highest = min(ratios), max(ratios)
        lines = [self.title]
        for name, seconds in (("plain Django", self.plain), ("this project", self.ours)):
            middle = median(seconds)
            lines.append(f"  {name}  {middle:7.3f} s  {self.number / middle:9,.0f} a second")
        lines.append(f"  ratio {self.ratio:.1f} ({len(ratios)} rounds: {lowest:.1f} to {highest:.1f})")
        return "\n".join(lines)


def seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def same(where: str, plain: object, ours: object) -> None:
    """Raise Different unless both are equal."""
    if plain != ours:
        raise Different(f"{where}: plain Django has {_short(plain)}, this project {_short(ours)}")


def same_text(where: str, plain: str, ours: str) -> None:
    """Like `same`, but shows the first line that differs."""
    plain_lines, our_lines = plain.split("\n"), ours.split("\n")
    for number, pair in enumerate(zip(plain_lines, our_lines, strict=False), start=1):
        same(f"{where}, line {number}", *pair)
    same(f"{where}, number of lines", len(plain_lines), len(our_lines))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
