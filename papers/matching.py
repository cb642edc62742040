"""Which topics a paper belongs to, how surely, and by what evidence. Pure.

Every phrase of a topic that occurs in a paper adds to the topic's sum: in the title most, among the keywords
less, in the abstract least, where repeating it adds a little. The arXiv categories add to the same sum where
they are known. The score is the sum bent into 0..1, and a topic under the threshold is not given, so that
one broad word in an abstract (which editors weight low) files nothing.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from papers.phrases import PhraseIndex, parse_phrase

TITLE, KEYWORD, ABSTRACT = 2.0, 0.7, 1.0
REPEAT = 0.5  # in the abstract: the most that saying it again and again can add to one phrase
PRIMARY, CROSS_LIST = 1.8, 0.4
SCALE = 2.0  # a sum of 2 scores 0.63
THRESHOLD = 0.5  # a sum of 1.4: a strong word in the title, two in the abstract, or the primary category
MAX_EVIDENCE = 5
MAX_KEYWORDS = 100
MAX_TEXT = 20_000  # characters; the longest abstracts have 4,000


@dataclass(frozen=True, slots=True)
class TopicRule:
    """A topic as matching sees it; its phrases are as editors type them ("reward model ^0.5")."""

    slug: str
    name: str
    phrases: Sequence[str] = ()
    categories: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """One topic of one paper: score above 0 up to 1, and the terms it was found by, strongest first."""

    topic: str
    score: float
    evidence: tuple[str, ...]


class Matcher:
    """All topics made ready once, to match any number of papers.

    Raises PhraseError where a phrase cannot be read.
    """

    def __init__(self, rules: Iterable[TopicRule], threshold: float = THRESHOLD) -> None:
        self._rules = tuple(rules)
        self._threshold = threshold
        uses: dict[str, list[tuple[int, float]]] = {}  # phrase → (rule, weight); topics may share a phrase
        for number, rule in enumerate(self._rules):
            for line in rule.phrases:
                phrase = parse_phrase(line)
                uses.setdefault(phrase.text, []).append((number, phrase.weight))
        self._texts = tuple(uses)
        self._uses = tuple(tuple(found) for found in uses.values())
        self._index = PhraseIndex(self._texts)
        self._categories: dict[str, list[int]] = {}
        for number, rule in enumerate(self._rules):
            for category in rule.categories:
                self._categories.setdefault(category, []).append(number)

    def match(
        self,
        title: str,
        abstract: str | None = None,
        keywords: Collection[str] | None = (),
        categories: Sequence[str] | None = (),
    ) -> list[Match]:
        """Give the topics of a paper, best first. `categories` has the primary one first."""
        found: dict[int, dict[str, float]] = {}
        for number, strength in self._strengths(title, abstract or "", keywords or ()).items():
            for rule, weight in self._uses[number]:
                found.setdefault(rule, {})[self._texts[number]] = strength * weight
        for place, category in enumerate(categories or ()):
            for rule in self._categories.get(category, ()):
                terms = found.setdefault(rule, {})
                terms[f"arXiv {category}"] = PRIMARY if place == 0 else CROSS_LIST
        matches = (self._judge(rule, terms) for rule, terms in found.items())
        kept = [match for match in matches if match.score >= self._threshold]
        return sorted(kept, key=lambda match: (-match.score, match.topic))

    def _strengths(self, title: str, abstract: str, keywords: Collection[str]) -> dict[int, float]:
        """Say for each phrase that occurs how strongly it does, before its weight."""
        strengths: dict[int, float] = {}
        for number in self._index.count(title[:MAX_TEXT]):
            strengths[number] = TITLE
        named = {
            number for keyword in islice(keywords, MAX_KEYWORDS) for number in self._index.count(keyword)
        }
        for number in named:
            strengths[number] = strengths.get(number, 0.0) + KEYWORD
        for number, times in self._index.count(abstract[:MAX_TEXT]).items():
            said = ABSTRACT + REPEAT * (1 - 1 / times)
            strengths[number] = strengths.get(number, 0.0) + said
        return strengths

    def _judge(self, rule: int, terms: dict[str, float]) -> Match:
        score = 1 - math.exp(-sum(terms.values()) / SCALE)
        strongest = sorted(terms, key=lambda term: (-terms[term], term))
        return Match(self._rules[rule].slug, round(score, 4), tuple(strongest[:MAX_EVIDENCE]))
