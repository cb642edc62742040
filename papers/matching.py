"""Which topics a paper belongs to, how surely, and by what evidence. Pure.

A topic is found by two things. Its phrases, which an editor wrote: every one that occurs adds to the topic's
sum, in the title most, among the keywords less, in the abstract least, where repeating it adds a little. And,
where its arXiv categories have been learned (`papers.topics.weights`), the terms by which papers of these
categories are told apart; the phrases then add to what the terms say, if training has found what takes that
back on average. Very strong phrases find a paper whatever the terms say, but rank it low. The categories that
a paper carries itself come on top. The score is between 0 and 1, and a topic under the threshold is not
given; the threshold is one for all.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from papers.topics.function_words import says_something
from papers.topics.phrases import PhraseIndex, Reading, fold, parse_phrase, read
from papers.topics.weights import NOTHING_LEARNED, TermIndex, Weights

TITLE, KEYWORD, ABSTRACT = 2.0, 0.7, 1.0
REPEAT = 0.5  # in the abstract: the most that saying it again and again can add to one phrase
PRIMARY, CROSS_LIST = 1.8, 0.4
SCALE = 2.0  # a sum of 2 scores 0.63
PHRASES = 2.0  # the most that phrases can add to what was learned, in units of the margin
ALONE = (
    3.0  # by how much the phrases of a learned topic must exceed what they need elsewhere to do by themselves
)
MOST_ALONE = 0.7  # the score they then give at most: papers that the terms are sure of stand before it
STEEPNESS = 1.0  # how fast a margin becomes certainty: 1 scores 0.73
THRESHOLD = 0.5  # a margin of 0; without anything learned, a sum of 1.4: a strong word in the title
MAX_EVIDENCE = 5
LEAST_SHOWN = (
    0.1  # of what the strongest term adds; a learned term that adds less is not worth a reader's time
)
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

    def __init__(
        self, rules: Iterable[TopicRule], weights: Weights = NOTHING_LEARNED, threshold: float = THRESHOLD
    ) -> None:
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
        # Only the models that some topic needs, in an order that does not hang on the order of the topics.
        needed = [weights.keys_for(rule.slug, rule.categories) for rule in self._rules]
        keys = sorted({key for some in needed for key in some})
        self._terms = TermIndex([weights.models[key] for key in keys])
        place = {key: number for number, key in enumerate(keys)}
        self._places = {
            number: sorted(place[key] for key in some) for number, some in enumerate(needed) if some
        }
        # Where no offset was found for the phrases, the models speak alone, by their own.
        self._offsets: dict[int, float | None] = {}
        self._bare: dict[int, float] = {}
        for number in self._places:
            rule = self._rules[number]
            self._offsets[number] = weights.offset_for(rule.slug, rule.categories, rule.phrases)
            self._bare[number] = weights.offset_for(rule.slug, rule.categories, ()) or 0.0

    def match(
        self,
        title: str,
        abstract: str | None = None,
        keywords: Collection[str] | None = (),
        categories: Sequence[str] | None = (),
    ) -> list[Match]:
        """Give the topics of a paper, best first. `categories` has the primary one first."""
        titled, told = read(title[:MAX_TEXT]), read((abstract or "")[:MAX_TEXT])
        phrases = self._phrases(titled, told, keywords or ())
        listed = self._listed(categories or ())
        heard = self._terms.hear(titled, told)
        margins = self._terms.margins(heard)
        scores = self._scores(phrases, listed, margins)
        kept = [(rule, score) for rule, score in scores.items() if score >= self._threshold and score > 0]
        matches = []
        for rule, score in kept:
            terms = dict(phrases.get(rule, {}))
            learned: dict[str, float] = {}
            if places := self._places.get(rule):
                # Where several models speak for the topic, the one that speaks loudest gave the score.
                loudest = max(places, key=lambda place: margins[place])
                learned = self._terms.speaking_for(loudest, heard)
                if self._offsets[rule] is None and sum(terms.values()) <= ALONE and learned:
                    terms = {}  # phrases that added nothing are no reason
            if evidence := _evidence(terms, learned, listed.get(rule, {})):
                matches.append(Match(self._rules[rule].slug, score, evidence))
        return sorted(matches, key=lambda match: (-match.score, match.topic))

    def _phrases(
        self, title: Reading, abstract: Reading, keywords: Collection[str]
    ) -> dict[int, dict[str, float]]:
        """For each topic the phrases that occur, with what each adds to its sum."""
        strengths = dict.fromkeys(self._index.count_in(title), TITLE)
        named = {
            number for keyword in islice(keywords, MAX_KEYWORDS) for number in self._index.count(keyword)
        }
        for number in named:
            strengths[number] = strengths.get(number, 0.0) + KEYWORD
        for number, times in self._index.count_in(abstract).items():
            said = ABSTRACT + REPEAT * (1 - 1 / times)
            strengths[number] = strengths.get(number, 0.0) + said
        found: dict[int, dict[str, float]] = {}
        for number, strength in strengths.items():
            for rule, weight in self._uses[number]:
                terms, text = found.setdefault(rule, {}), self._texts[number]
                # A phrase that stands there twice counts once, by its greater weight.
                terms[text] = max(terms.get(text, 0.0), strength * weight)
        return found

    def _listed(self, categories: Sequence[str]) -> dict[int, dict[str, float]]:
        """For each topic its categories that the paper carries."""
        found: dict[int, dict[str, float]] = {}
        for place, category in enumerate(categories):
            for rule in self._categories.get(category, ()):
                found.setdefault(rule, {})[f"arXiv {category}"] = PRIMARY if place == 0 else CROSS_LIST
        return found

    def _scores(
        self,
        phrases: Mapping[int, Mapping[str, float]],
        listed: Mapping[int, Mapping[str, float]],
        margins: Sequence[float],
    ) -> dict[int, float]:
        """The score of every topic for which anything speaks, and of all that have been learned."""
        sums = {rule: math.fsum(terms.values()) for rule, terms in phrases.items()}
        doubts = {rule: math.exp(-said / SCALE) for rule, said in sums.items()}
        for rule, places in self._places.items():
            margin = max([margins[place] for place in places])
            if (offset := self._offsets[rule]) is None:
                # What phrases add would let in whatever mentions one of them.
                margin += self._bare[rule]
            else:
                margin += PHRASES * (1 - doubts.get(rule, 1.0)) + offset
            blended = 1 / (1 + math.exp(max(-40.0, min(40.0, STEEPNESS * margin))))
            alone = math.exp((ALONE - sums.get(rule, 0.0)) / SCALE)
            doubts[rule] = min(blended, max(alone, 1 - MOST_ALONE))
        for rule, terms in listed.items():
            doubts[rule] = doubts.get(rule, 1.0) * math.exp(-sum(terms.values()) / SCALE)
        return {rule: round(1 - doubt, 4) for rule, doubt in doubts.items()}


def _evidence(
    phrases: Mapping[str, float], learned: Mapping[str, float], listed: Mapping[str, float]
) -> tuple[str, ...]:
    """The terms to show, strongest first; none means that there is no reason to file.

    Learned terms that tell a reader nothing or added little stand back, unless nothing else spoke.
    """
    terms = {**(_together(phrases, learned) if learned else phrases), **listed}
    strongest = sorted(terms, key=lambda term: (-terms[term], term))
    if not learned:
        return tuple(strongest[:MAX_EVIDENCE])
    telling = [term for term in strongest if term in phrases or term in listed or says_something(fold(term))]
    least = LEAST_SHOWN * terms[telling[0]] if telling else 0.0
    shown = [term for term in telling if term in phrases or terms[term] >= least]
    return tuple((shown or strongest)[:MAX_EVIDENCE])


def _together(phrases: Mapping[str, float], learned: Mapping[str, float]) -> dict[str, float]:
    """The terms that speak for a learned topic, and how strongly; a phrase learned too stands once."""
    terms = {text: strength * PHRASES / SCALE for text, strength in phrases.items()}
    spelled = {fold(text): text for text in phrases}
    for text, strength in learned.items():
        own = spelled.get(fold(text), text)
        terms[own] = terms.get(own, 0.0) + strength
    return terms
