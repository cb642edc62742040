"""Two ways to do the same work: whether they gave the same, and how long each took."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time


class Different(Exception):
    """The two ways did not give the same, so their times cannot be compared; the message says where."""


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds that passed, and seconds of the processor that this process alone used."""

    passed: float
    busy: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Round k of one ran right before round k of the other."""

    title: str
    number: int  # of mails or digests in a round
    plain: Sequence[Time]
    ours: Sequence[Time]

    @property
    def ratio(self) -> float:
        """How many times as fast this project is: the median of the rounds' ratios."""
        return median(self._ratios())

    def _ratios(self) -> list[float]:
        return [plain.passed / ours.passed for plain, ours in zip(self.plain, self.ours, strict=True)]

    def __str__(self) -> str:
        lines = [self.title]
        busy = []
        for name, times in (("plain Django", self.plain), ("this project", self.ours)):
            middle = median(time.passed for time in times)
            busy.append(median(time.busy for time in times))
            each = 1000 * busy[-1] / self.number
            lines.append(
                f"  {name}  {middle:7.3f} s  {self.number / middle:7,.0f} a second  {each:6.2f} ms CPU each"
            )
        ratios = self._ratios()
        spread = f"{len(ratios)} rounds: {min(ratios):.1f} to {max(ratios):.1f}"
        lines.append(f"  ratio {self.ratio:.1f} ({spread}); of CPU time {busy[0] / busy[1]:.1f}")
        return "\n".join(lines)


def timed(work: Callable[[], object]) -> Time:
    began, busy = perf_counter(), process_time()
    work()
    return Time(perf_counter() - began, process_time() - busy)


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
