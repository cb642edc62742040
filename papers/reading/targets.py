"""What a run of a source reads. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

LOOKUP = "papers without categories"  # arXiv
LEFT_OUT = "papers off their lists"  # Hugging Face


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """What one run reads: a list day of Hugging Face; of arXiv a category's feed, its submissions that were
    announced on a day; or single papers of either.

    `name` is "2026-11-20", "cs.CL", "cs.CL 2026-11-20", LOOKUP or LEFT_OUT.
    """

    source: str
    name: str

    @property
    def day(self) -> date | None:
        """The day in its name. Raises ValueError where that is no date."""
        last = self.name.rpartition(" ")[2]
        return date.fromisoformat(last) if last[:1].isdigit() else None

    @property
    def category(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def is_singles(self) -> bool:
        """Whether it asks for papers by their ids, so that each of them may be gone by itself."""
        return self.name in (LOOKUP, LEFT_OUT)

    @property
    def is_list(self) -> bool:
        """Whether it is the list of a day that Hugging Face fills as the day goes on."""
        return self.source == "huggingface" and self.day is not None

    @property
    def is_feed(self) -> bool:
        return self.source == "arxiv" and self.day is None and self.name != LOOKUP


@dataclass(frozen=True, slots=True)
class Needed:
    """What an edition needs of a source: these targets, read since then.

    `newest`: the date of the feed that must be there, where they are feeds; an older one does not count.
    """

    targets: Sequence[Target]
    since: datetime
    newest: date | None = None


@dataclass
class Errand:
    """A target that is asked for from `begun` on, and what was noted on the way beside its records."""

    target: Target
    begun: datetime
    feed_date: date | None = None  # that the feed bears
    ignored: int = 0  # replacements of papers that nobody listed here
