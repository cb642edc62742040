"""Learns topic weights from this installation's papers, and puts them to use if they are better."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import mean

from django.db import transaction

from papers.learning.crossvalidation import Held, cross_validate
from papers.learning.labelled import LabelledPaper, RowReport, read_labelled
from papers.learning.training import (
    Example,
    Progress,
    belongs_to,
    examples_of,
    is_known,
    is_marked,
    require_training,
    train,
)
from papers.matching import Matcher, TopicRule
from papers.models import Paper, PaperTopic, Topic
from papers.topics.filing import rule_of
from papers.topics.learned import current_weights, forget, store
from papers.topics.refiling import ask
from papers.topics.weights import Weights, mark_of, title_key_of

MIN_PAPERS = 500  # fewer say too little to be worth a try
MIN_TRUTH = 5  # papers of a topic, for its F1 to count
MIN_FRESH = 100  # papers that the weights in use did not learn from, for a fair comparison
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Compared:
    """F1 of one topic by the weights in use, and by new ones."""

    topic: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of a training. `before` and `after` are macro-F1 over the topics, on the same papers."""

    papers: int
    decisions: int
    fresh: int  # papers that the weights in use did not learn from
    before: float | None = None
    after: float | None = None
    topics: tuple[Compared, ...] = ()
    stored: bool = False
    reason: str = ""


def examples_from_files(paths: Sequence[Path], report: RowReport) -> list[Example]:
    """Labelled rows as examples, each title once. Raises LabelledFileError."""
    found: dict[str, LabelledPaper] = {}
    for path in paths:
        for paper in read_labelled(path, report):
            found.setdefault(title_key_of(paper.title), paper)
    return examples_of(list(found.values()))


def imported_examples() -> Iterator[Example]:
    """Every paper that carries categories or that an editor filed, with what editors decided."""
    decided: dict[int, dict[str, bool]] = {}
    filings = PaperTopic.objects.exclude(decision=PaperTopic.Decision.MATCHED)
    for paper, slug, decision in filings.values_list("paper_id", "topic__slug", "decision"):
        decided.setdefault(paper, {})[slug] = decision == PaperTopic.Decision.ADDED
    columns = ("pk", "title", "abstract", "categories")
    rows = Paper.objects.order_by("pk").values_list(*columns)
    for pk, title, abstract, categories in rows.iterator(chunk_size=CHUNK):
        if categories or pk in decided:
            carried = categories or []
            marked = bool(carried) and is_marked(carried)
            yield Example(title, abstract or "", tuple(carried), marked, decided.get(pk, {}))


def learn(examples: Sequence[Example], *, now: datetime, progress: Progress) -> Lesson:
    """Train, compare with the weights in use on papers these did not learn from, and store what is better.

    Nothing is written before the end, so it can be stopped and run again. Raises TrainingError.
    """
    require_training()
    used = current_weights()
    decisions = sum(len(one.decisions) for one in examples)
    fresh = [place for place, one in enumerate(examples) if mark_of(one.title) not in used.known]
    counted = Lesson(len(examples), decisions, len(fresh))
    if len(examples) < MIN_PAPERS:
        return replace(
            counted, reason=f"{MIN_PAPERS:,} papers with categories are needed; nothing was learned."
        )
    if len(fresh) < MIN_FRESH and decisions <= used.about.get("decisions", 0):
        reason = f"{MIN_FRESH:,} papers that are new to the weights in use are needed; nothing was learned."
        return replace(counted, reason=reason)
    rules = [rule_of(topic) for topic in Topic.objects.filter(is_active=True)]
    held = cross_validate(examples, rules, progress)
    decided = [place for place, one in enumerate(examples) if one.decisions]
    judged = set(fresh if len(fresh) >= MIN_FRESH else decided)
    topics = _compare(rules, examples, used, held, judged)
    before, after = mean([one.before for one in topics] or [0]), mean([one.after for one in topics] or [0])
    measured = replace(counted, before=round(before, 4), after=round(after, 4), topics=topics)
    if after <= before:
        return replace(measured, reason="The new weights file no better, so the weights in use stay.")
    weights = with_unlearned(train(examples, rules, progress), used)
    about = {
        "origin": "learned by this installation",
        "papers": len(examples),
        "decisions": decisions,
        "cross_validated_macro_f1": measured.after,
    }
    weights = replace(weights, about=about, known=weights.known | used.known)
    with transaction.atomic():
        store(weights, figures=asdict(measured), now=now)
        ask("other weights were learned", now=now)
    return replace(measured, stored=True, reason="The new weights are in use.")


def forget_all(*, now: datetime) -> int:
    """Go back to the weights that come with the code; returns how many sets were deleted."""
    with transaction.atomic():
        deleted = forget()
        if deleted:
            ask("learned weights were deleted", now=now)
    return deleted


def with_unlearned(new: Weights, used: Weights) -> Weights:
    """The new weights, and the old models of what the new papers are too few for."""
    models = {**used.models, **new.models}
    offsets = {key: one for key, one in used.offsets.items() if not new.models.keys() & {*one.models}}
    return replace(
        new, models=models, offsets={**offsets, **new.offsets}, primary={**used.primary, **new.primary}
    )


def _compare(
    rules: Sequence[TopicRule],
    examples: Sequence[Example],
    used: Weights,
    held: Sequence[Held],
    judged: set[int],
) -> tuple[Compared, ...]:
    """F1 of every topic with a known truth, by the weights in use and by ones that did not see the paper."""
    counts = {rule.slug: (Counter[str](), Counter[str]()) for rule in rules}
    truth = Counter[str]()
    before = Matcher(rules, used)
    for part in held:
        after = Matcher(rules, part.weights)
        for place in judged.intersection(part.places):
            one = examples[place]
            known = {rule.slug: belongs_to(rule, one) for rule in rules if is_known(rule, one)}
            truth.update(slug for slug, belongs in known.items() if belongs)
            for side, matcher in enumerate((before, after)):
                filed = {match.topic for match in matcher.match(one.title, one.abstract)}
                for slug in filed & known.keys():
                    counts[slug][side]["filed"] += 1
                    counts[slug][side]["right"] += known[slug]
    return tuple(
        Compared(rule.slug, *(_f1(side, truth[rule.slug]) for side in counts[rule.slug]))
        for rule in rules
        if truth[rule.slug] >= MIN_TRUTH
    )


def _f1(counts: Counter[str], own: int) -> float:
    return round(2 * counts["right"] / (counts["filed"] + own), 4)
