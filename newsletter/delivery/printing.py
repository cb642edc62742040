"""Prints what claimed rows need: a press for each window of editions and language, a print for each mix."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from newsletter.delivery.ledger import Claimed
from newsletter.failpoints import failpoint
from newsletter.mail import Press, Print
from newsletter.models import Edition, TopicMix

# Prints kept. Rows come mix by mix, so older ones are done with; all of them would not fit.
KEPT = 16


@dataclass(slots=True)
class PrintRoom:
    """The presses and prints of one sender; `edition` is the last one of every window."""

    edition: Edition
    composed: int = 0
    _windows: dict[date, list[Edition]] = field(default_factory=dict)
    _presses: dict[tuple[date, str], Press] = field(default_factory=dict)
    _mixes: dict[int, TopicMix] = field(default_factory=dict)
    _prints: dict[tuple[date, int], Print | None] = field(default_factory=dict)

    def expect(self, rows: Sequence[Claimed]) -> None:
        """Read the mixes of these rows, which are the next to be printed, and forget those before."""
        wanted = {row.mix_id for row in rows}
        missing = wanted - self._mixes.keys()
        self._mixes = {pk: mix for pk, mix in self._mixes.items() if pk in wanted}
        found = TopicMix.objects.filter(pk__in=missing).prefetch_related("choices__topic") if missing else ()
        self._mixes |= {mix.pk: mix for mix in found}

    def print(self, row: Claimed) -> Print | None:
        """The digest of this row's mix and window; None where nothing matches."""
        key = (row.first_on, row.mix_id)
        if key not in self._prints:
            while len(self._prints) >= KEPT:
                del self._prints[next(iter(self._prints))]
            self._prints[key] = self.printed(row.first_on, self._mixes[row.mix_id])
            failpoint("after-print")
        return self._prints[key]

    def printed(self, first_on: date, mix: TopicMix) -> Print | None:
        """Compose one digest, which is not kept."""
        printed = self._press(first_on, mix.language).print(mix)
        self.composed += 1
        return printed

    def printed_from(self, first_on: date) -> str:
        """ "edition:revision" of each edition of the window, by id, as the gate compares it."""
        revisions = sorted((edition.pk, edition.revision) for edition in self._window(first_on))
        return " ".join(f"{pk}:{revision}" for pk, revision in revisions)

    def start_again(self) -> None:
        """Print anew whatever comes, for an edition has changed."""
        self._windows.clear()
        self._presses.clear()
        self._prints.clear()

    def _press(self, first_on: date, language: str) -> Press:
        key = (first_on, language)
        if key not in self._presses:
            self._presses[key] = Press(self._window(first_on), language)
        return self._presses[key]

    def _window(self, first_on: date) -> list[Edition]:
        """The editions of a window, read once: the gate compares one moment for all of its languages."""
        if first_on not in self._windows:
            dates = (first_on, self.edition.date)
            # A cancelled or held edition among them is passed over.
            found = Edition.objects.filter(date__range=dates, state__in=Edition.PRINTED)
            self._windows[first_on] = list(found)
        return self._windows[first_on]
