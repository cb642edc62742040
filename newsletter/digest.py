"""What a choice of topics gets out of some editions: sections, fair shares, a length cap. Pure.

One `Composer` is made for a window of editions; composing a mix is then a few list operations, because a
million readers have a hundred thousand different mixes.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# How many helpings a topic gets for one of a topic that weighs "normal".
HELPINGS = {"less": 0.5, "normal": 1.0, "more": 2.0}


@dataclass(frozen=True, slots=True)
class Match:
    """A paper's match with one topic, as the edition froze it; `score` is 0..1."""

    topic: str
    name: str
    score: float
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper: its rank among all of the window (1 = first) and its matches."""

    rank: int
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader chose: topic slug -> "less", "normal" or "more". No topics = the overall top."""

    weights: Mapping[str, str]
    length: int
    top_when_empty: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A paper in a digest and the match that put it there; None where no topic was asked for."""

    rank: int
    match: Match | None


@dataclass(frozen=True, slots=True)
class Section:
    topic: str | None  # None: the overall top
    items: tuple[Item, ...]

    @property
    def name(self) -> str:
        match = self.items[0].match
        return match.name if match else ""


@dataclass(frozen=True, slots=True)
class Digest:
    """Sections in order of their best paper; no sections = nothing matched."""

    sections: tuple[Section, ...]

    @property
    def items(self) -> list[Item]:
        return [item for section in self.sections for item in section.items]

    def shortened(self) -> "Digest":
        """Return this digest without its lowest ranked paper."""
        last = max(item.rank for item in self.items)
        kept = (
            Section(section.topic, tuple(item for item in section.items if item.rank != last))
            for section in self.sections
        )
        return Digest(tuple(section for section in kept if section.items))


def best_first(scores: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Put several editions in one order, each keeping its own: (edition, position) from 0, best first.

    `scores` are those of each edition's papers in their order, the oldest edition first. A paper counts as
    much as the best one that its edition put behind it, so what an editor pinned stays in front. Among equals
    the newer edition comes first.
    """
    keyed = []
    for edition, own in enumerate(scores):
        counts = -math.inf
        for position in range(len(own) - 1, -1, -1):
            counts = max(counts, own[position])
            keyed.append((-counts, -edition, position))
    return [(-edition, position) for _, edition, position in sorted(keyed)]


class Composer:
    """Composes digests from the entries of a window."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._ranks = sorted(entry.rank for entry in entries)
        # topic -> its papers, best ranked first, each with the topics that it matches better.
        self._by_topic: dict[str, list[tuple[int, Match, tuple[str, ...]]]] = defaultdict(list)
        for entry in sorted(entries, key=lambda entry: entry.rank):
            better: list[str] = []
            for match in sorted(entry.matches, key=lambda match: (-match.score, match.topic)):
                self._by_topic[match.topic].append((entry.rank, match, tuple(better)))
                better.append(match.topic)

    def compose(self, choice: Choice) -> Digest:
        """Return the digest of this choice: the same choice always gives the same digest."""
        if not choice.weights:
            return self._top(choice.length)
        shelves = {topic: self._shelf(topic, choice) for topic in choice.weights}
        # The k-th paper of a topic is its helping number (k + 1) / helpings-per-round: everybody's first
        # before anybody's second, in proportion to weight; among equals the better ranked paper first.
        queue = sorted(
            ((position + 1) / HELPINGS[choice.weights[topic]], rank, topic)
            for topic, shelf in shelves.items()
            for position, (rank, _) in enumerate(shelf)
        )
        taken: dict[str, set[int]] = defaultdict(set)
        for _, rank, topic in queue[: choice.length]:
            taken[topic].add(rank)
        sections = [
            Section(topic, tuple(Item(rank, match) for rank, match in shelves[topic] if rank in ranks))
            for topic, ranks in taken.items()
        ]
        if not sections and choice.top_when_empty:
            return self._top(choice.length)
        return Digest(tuple(sorted(sections, key=lambda section: section.items[0].rank)))

    def _shelf(self, topic: str, choice: Choice) -> list[tuple[int, Match]]:
        """The papers whose best matching topic of the choice is this, best ranked first.

        Not more than a digest holds: the others could not be in it.
        """
        shelf: list[tuple[int, Match]] = []
        chosen = choice.weights.keys()
        for rank, match, better in self._by_topic.get(topic, ()):
            if chosen.isdisjoint(better):
                shelf.append((rank, match))
                if len(shelf) == choice.length:
                    break
        return shelf

    def _top(self, length: int) -> Digest:
        items = tuple(Item(rank, None) for rank in self._ranks[:length])
        return Digest((Section(None, items),) if items else ())
