"""Learns topic weights from this installation's papers, and puts them to use if they are better."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import mean

from django.db import transaction
from django.db.models import F

from papers.learning.crossvalidation import Held, cross_validate
from papers.learning.examples import Example, belongs_to, examples_of, is_known, is_marked
from papers.learning.labelled import LabelledPaper, RowReport, read_labelled
from papers.learning.training import Progress, require_training, train
from papers.matching import Matcher, TopicRule
from papers.models import Paper, PaperTopic, Topic
from papers.topics.filing import rule_of
from papers.topics.learned import current_weights, forget, store
from papers.topics.refiling import ask
from papers.topics.weights import Weights, mark_of, title_key_of

MIN_PAPERS = 500  # fewer say too little to be worth a try
MIN_TRUTH = 5  # papers of a topic, for its F1 to count
MOST_PAPERS = 20_000  # the newest; bounds time and memory, and old papers speak of old subjects
MIN_FRESH = 100  # papers that the weights in use did not learn from, for a fair comparison
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Compared:
    """F1 of one topic by the weights in use, and by new ones; `taken`: its models are replaced."""

    topic: str
    before: float
    after: float
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of a training. `before` and `after` are macro-F1 over the topics, on the same papers.

    A topic whose models stay counts in `after` as it was before.
    """

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
    """The newest papers that carry categories, and all that editors filed, with what these decided."""
    decided: dict[int, dict[str, bool]] = {}
    filings = PaperTopic.objects.exclude(decision=PaperTopic.Decision.MATCHED)
    for paper, slug, decision in filings.values_list("paper_id", "topic__slug", "decision"):
        decided.setdefault(paper, {})[slug] = decision == PaperTopic.Decision.ADDED
    columns = ("pk", "title", "abstract", "categories")
    newest = Paper.objects.order_by(F("published_on").desc(nulls_last=True), "-pk").values_list(*columns)
    labelled = newest.exclude(categories=None).exclude(categories=[])[:MOST_PAPERS]
    left = dict(decided)
    for pk, title, abstract, carried in labelled.iterator(chunk_size=CHUNK):
        decisions = left.pop(pk, {})
        yield Example(title, abstract or "", tuple(carried), is_marked(carried), decisions)
    for pk, title, abstract, categories in newest.filter(pk__in=left).iterator(chunk_size=CHUNK):
        carried = categories or []
        marked = bool(carried) and is_marked(carried)
        yield Example(title, abstract or "", tuple(carried), marked, left[pk])


def learn(examples: Sequence[Example], *, now: datetime, progress: Progress) -> Lesson:
    """Train, compare with the weights in use on papers these did not learn from, and store what is better.

    What is judged is what would be stored, and only topics that are filed better get new models. Nothing is
    written before the end, so it can be stopped and run again. Raises TrainingError.
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
    topics = _compare(rules, examples, used, held, set(fresh if len(fresh) >= MIN_FRESH else ()))
    risen = better(rules, topics)
    topics = tuple(replace(one, taken=one.topic in risen) for one in topics)
    before = mean([one.before for one in topics] or [0])
    after = mean([one.after if one.taken else one.before for one in topics] or [0])
    measured = replace(counted, before=round(before, 4), after=round(after, 4), topics=topics)
    if not risen:
        return replace(measured, reason="The new weights file no better, so the weights in use stay.")
    new = train(examples, rules, progress)
    weights = with_unlearned(new, used, _staying(rules, risen, new, used))
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
    taken = sum(one.taken for one in topics)
    some = f" for {taken} of {len(topics)} topics; the other models stay" if taken < len(topics) else ""
    return replace(measured, stored=True, reason=f"The new weights are in use{some}.")


def forget_all(*, now: datetime) -> int:
    """Go back to the weights that come with the code; returns how many sets were deleted."""
    with transaction.atomic():
        deleted = forget()
        if deleted:
            ask("learned weights were deleted", now=now)
    return deleted


def with_unlearned(new: Weights, used: Weights, staying: Collection[str] = ()) -> Weights:
    """The new weights, and the old models of what the new papers are too few for.

    `staying` names models that are not replaced or added either.
    """
    models = {key: model for key, model in new.models.items() if key not in staying}
    old = {key: one for key, one in used.offsets.items() if models.keys().isdisjoint(one.models)}
    offsets = {key: one for key, one in new.offsets.items() if models.keys() >= {*one.models}}
    primary = {key: shift for key, shift in new.primary.items() if key in models}
    return replace(
        new,
        models={**used.models, **models},
        offsets={**old, **offsets},
        primary={**used.primary, **primary},
    )


def better(rules: Sequence[TopicRule], topics: Sequence[Compared]) -> set[str]:
    """The topics to give new models: those whose F1 rose, unless one that shares a model with them fell."""
    groups: list[tuple[set[str], set[str]]] = []  # models and slugs, no model in two groups
    for rule in rules:
        models, slugs = _models_of(rule), {rule.slug}
        for group in [one for one in groups if one[0] & models]:
            groups.remove(group)
            models, slugs = models | group[0], slugs | group[1]
        groups.append((models, slugs))
    rises = {one.topic: one.after - one.before for one in topics}
    found: set[str] = set()
    for _, slugs in groups:
        changes = [rises[slug] for slug in slugs & rises.keys()]
        if changes and min(changes) >= 0 < max(changes):
            found |= slugs
    return found


def _models_of(rule: TopicRule) -> set[str]:
    return {f"topic:{rule.slug}", *rule.categories}


def _staying(rules: Sequence[TopicRule], risen: Collection[str], new: Weights, used: Weights) -> set[str]:
    """The models that are not replaced: of topics that did not rise, and what fewer papers taught anew."""
    staying = {model for rule in rules if rule.slug not in risen for model in _models_of(rule)}
    spoken_for = {model for rule in rules for model in _models_of(rule)}
    idle = new.models.keys() & used.models.keys() - spoken_for
    return staying | {key for key in idle if new.models[key].papers < used.models[key].papers}


def _compare(
    rules: Sequence[TopicRule],
    examples: Sequence[Example],
    used: Weights,
    held: Sequence[Held],
    fresh: set[int],
) -> tuple[Compared, ...]:
    """F1 of every topic with a known truth, by the weights in use and by ones that did not see the paper.

    Papers that are not `fresh` count only for the topics that editors decided about.
    """
    counts = {rule.slug: (Counter[str](), Counter[str]()) for rule in rules}
    truth = Counter[str]()
    before = Matcher(rules, used)
    for part in held:
        after = Matcher(rules, with_unlearned(part.weights, used))
        for place in part.places:
            one = examples[place]
            known = {
                rule.slug: belongs_to(rule, one)
                for rule in rules
                if is_known(rule, one) and (place in fresh or rule.slug in one.decisions)
            }
            if not known:
                continue
            truth.update(slug for slug, belongs in known.items() if belongs)
            for side, matcher in enumerate((before, after)):
                filed = {match.topic for match in matcher.match(one.title, one.abstract)}
                for slug in filed & known.keys():
                    counts[slug][side]["filed"] += 1
                    counts[slug][side]["right"] += known[slug]
    return tuple(
        Compared(
            rule.slug,
            _f1(counts[rule.slug][0], truth[rule.slug]),
            _f1(counts[rule.slug][1], truth[rule.slug]),
        )
        for rule in rules
        if truth[rule.slug] >= MIN_TRUTH
    )


def _f1(counts: Counter[str], own: int) -> float:
    return round(2 * counts["right"] / (counts["filed"] + own), 4)
