"""What a run of a source reads. Pure."""

from dataclasses import dataclass
from datetime import date

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
    def is_feed(self) -> bool:
        return self.source == "arxiv" and self.day is None and self.name != LOOKUP
