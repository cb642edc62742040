"""What is read of each source, when, and how: one file a source."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Protocol

from papers.reading.plans.arxiv import ArXiv
from papers.reading.plans.huggingface import HuggingFace
from papers.reading.targets import Errand, Needed, Target
from papers.sources.http import Client
from papers.sources.record import Records


class Plan(Protocol):
    """How one source is read."""

    def watched(self, *, now: datetime) -> list[Target]:
        """What the timetable reads, the oldest first."""

    def besides(self, *, now: datetime) -> list[Target]:
        """What else may be due now: single papers, and what was missed while nothing ran."""

    def needed(self, *, freeze: datetime) -> Needed:
        """What the edition that freezes then is made from."""

    def of_day(self, day: date) -> list[Target]:
        """What is read by hand for one day."""

    def why_none(self, day: date) -> str:
        """Why there is nothing of this day, "" where there should be something."""

    def records(self, errand: Errand, client: Client) -> Records:
        """Ask the source for what the errand is for. Raises SourceError where it ends before its end."""

    def take_turn(self, wait: Callable[[float], None]) -> None:
        """Wait until the source may be asked once more; called before every request."""


PLANS: Mapping[str, Plan] = {"huggingface": HuggingFace(), "arxiv": ArXiv()}
