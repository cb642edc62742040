"""How well papers were filed: precision, recall, F1, the best fifty, and what off-topic papers got. Pure.

A paper is off-topic in one of two senses, and both are counted. *Marked*: its row says
`"sample": "offtopic"`. *Untouched*: none of its categories belongs to any of the measured topics. A marked
paper that carries a topic's own category is no mistake of that topic and is left out of its count.

Readers follow all active topics, also those without categories, of which nothing else can be measured. So
what off-topic papers got is counted twice: under the measured topics, and under any active one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any

from papers.learning.crossvalidation import Held
from papers.learning.labelled import LabelledPaper
from papers.matching import THRESHOLD, Matcher, TopicRule

BEST = 50


@dataclass(frozen=True, slots=True)
class TopicFigures:
    """Of one topic. Shares are None where they would divide by nothing."""

    topic: str
    papers: int  # that belong to it
    filed: int
    precision: float | None
    recall: float | None
    f1: float | None
    precision_at_50: float | None
    marked_per_100: float | None  # of 100 marked papers without its categories, how many were filed under it
    untouched_per_100: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Of all measured topics together, and of each."""

    papers: int
    macro_precision: float
    macro_recall: float
    macro_f1: float
    marked: int  # off-topic papers: marked ones that no topic touches
    marked_in_any_per_100: float | None
    all_marked_in_any_per_100: float | None  # of all marked papers, also those that belong to some topic
    untouched: int
    untouched_in_any_per_100: float | None
    marked_in_any_active_per_100: float | None  # of the same papers, under all active topics
    untouched_in_any_active_per_100: float | None  # None for a way that cannot file under them
    topics: tuple[TopicFigures, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Filing:
    """What one way of filing made of the papers: for each topic a score per paper, and who got in."""

    scores: Mapping[str, Sequence[float]]
    filed: Mapping[str, Sequence[bool]]


def measurable(rules: Sequence[TopicRule], papers: Sequence[LabelledPaper]) -> list[TopicRule]:
    """The topics that can be measured: some paper carries one of their categories."""
    carried = {category for paper in papers for category in paper.categories}
    return [rule for rule in rules if carried.intersection(rule.categories)]


def file_held_out(
    rules: Sequence[TopicRule], papers: Sequence[LabelledPaper], held: Sequence[Held]
) -> Filing:
    """Our way, every part of the papers by the weights that did not see it, matched by title and abstract."""
    scores = {rule.slug: [0.0] * len(papers) for rule in rules}
    for part in held:
        matcher = Matcher(rules, part.weights, threshold=0)
        for place in part.places:
            for match in matcher.match(papers[place].title, papers[place].abstract):
                scores[match.topic][place] = match.score
    return Filing(scores, {slug: [score >= THRESHOLD for score in column] for slug, column in scores.items()})


def figures(
    rules: Sequence[TopicRule],
    papers: Sequence[LabelledPaper],
    filing: Filing,
    everywhere: Filing | None = None,
) -> Figures:
    """Compare what was filed with the truth: a topic's papers are those that carry one of its categories.

    `everywhere` is the filing under all active topics, where the way of filing can do that.
    """
    carried = [frozenset(paper.categories) for paper in papers]
    touched = {category for rule in rules for category in rule.categories}
    marked = [paper.sample == "offtopic" for paper in papers]
    untouched = [not categories & touched for categories in carried]
    in_any = [any(filing.filed[rule.slug][place] for rule in rules) for place in range(len(papers))]
    in_active = [any(row) for row in zip(*everywhere.filed.values(), strict=True)] if everywhere else None
    topics = tuple(_topic(rule, carried, marked, untouched, filing) for rule in rules)
    foreign = [one and other for one, other in zip(marked, untouched, strict=True)]
    return Figures(
        len(papers),
        _mean([one.precision for one in topics]),
        _mean([one.recall for one in topics]),
        _mean([one.f1 for one in topics]),
        sum(foreign),
        _per_100(in_any, foreign),
        _per_100(in_any, marked),
        sum(untouched),
        _per_100(in_any, untouched),
        _per_100(in_active, foreign) if in_active else None,
        _per_100(in_active, untouched) if in_active else None,
        topics,
    )


def _topic(
    rule: TopicRule,
    carried: Sequence[frozenset[str]],
    marked: Sequence[bool],
    untouched: Sequence[bool],
    filing: Filing,
) -> TopicFigures:
    own = [bool(categories.intersection(rule.categories)) for categories in carried]
    filed, scores = filing.filed[rule.slug], filing.scores[rule.slug]
    right = sum(one and other for one, other in zip(own, filed, strict=True))
    best = sorted(range(len(own)), key=lambda place: (-scores[place], place))[:BEST]
    best = [place for place in best if scores[place] > 0]
    return TopicFigures(
        rule.slug,
        sum(own),
        sum(filed),
        _share(right, sum(filed)),
        _share(right, sum(own)),
        _share(2 * right, sum(own) + sum(filed)),
        _share(sum(own[place] for place in best), len(best)),
        _per_100(filed, [one and not other for one, other in zip(marked, own, strict=True)]),
        _per_100(filed, untouched),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _per_100(filed: Sequence[bool], among: Sequence[bool]) -> float | None:
    """Of 100 papers of a group, how many were filed."""
    group = [one for one, member in zip(filed, among, strict=True) if member]
    return round(100 * sum(group) / len(group), 2) if group else None


def _mean(values: Sequence[float | None]) -> float:
    """The mean over topics; a topic of which nothing can be said counts 0."""
    return round(mean([value or 0.0 for value in values]), 4) if values else 0.0


@dataclass(frozen=True, slots=True)
class PrimaryFigures:
    """How often the best scoring category is the primary one."""

    papers: int
    classes: int
    accuracy: float
    macro_f1: float


def primary_figures(truth: Sequence[str], guesses: Sequence[str | None]) -> PrimaryFigures:
    """Macro-F1 over the categories that are some paper's primary one."""
    classes = sorted(set(truth))
    scores = []
    for one in classes:
        right = sum(a == b == one for a, b in zip(truth, guesses, strict=True))
        scores.append(2 * right / (truth.count(one) + list(guesses).count(one)))
    hits = sum(a == b for a, b in zip(truth, guesses, strict=True))
    return PrimaryFigures(
        len(truth), len(classes), round(hits / len(truth), 4) if truth else 0.0, _mean(scores)
    )
