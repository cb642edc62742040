"""Learns from labelled papers by which terms each arXiv category is told apart. Pure.

For each category: terms are weighed by how much more often its papers use them, a logistic regression finds
weights for all terms, the few hundred that matter most are kept, and it is fitted again on these. The bias is
then set on papers that the fit did not see, where F1 is best while at most 2 in 100 off-topic papers get in.

Needs scikit-learn (requirements-training.txt); importing this module does not.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from papers.learning.corpus import Document, document, matrix, spellings, vocabulary
from papers.learning.examples import Example, belongs_to, foreign, is_known
from papers.learning.primary import learn_shifts
from papers.matching import PHRASES, Matcher, TopicRule
from papers.topics.weights import Model, Offset, Weights, fingerprint, mark_of

TERMS = 400  # of a model
MIN_OWN = 20  # papers of a category from which it is learned
MIN_DECISIONS = 10  # of editors on one topic, from which it gets a model of its own
DECISION_COUNTS = 5.0  # as many papers
UNDECIDED_COUNTS = 0.2  # of a topic without categories
OFF_TOPIC_CAP = 0.015  # under 2 in 100, since unseen papers differ
INNER_FOLDS = 4
MIN_SIDES = INNER_FOLDS + 1  # papers known to belong, and as many known not to, or nothing can be fitted
SEED = 1
_BLUR = 0.14  # of the strangers' spread
_SMOOTH, _POWER, _C = 0.05, 0.5, 1.0  # of the terms' ratio; chosen by cross-validation

Progress = Callable[[str], None]


class TrainingError(RuntimeError):
    """Training is not possible; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Target:
    """One model to learn: for each example whether it belongs, and how much it counts (0: not known)."""

    key: str
    belongs: Any  # numpy arrays
    counts: Any


def require_training() -> None:
    """Raises TrainingError where scikit-learn is missing."""
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise TrainingError(
            "To learn weights takes scikit-learn: run `.venv/bin/pip install -r requirements-training.txt`."
            " Filing does not need it and goes on with the weights there are."
        ) from None


def train(examples: Sequence[Example], rules: Sequence[TopicRule], progress: Progress) -> Weights:
    """Learn everything that the examples have enough papers for. The same examples give the same weights."""
    require_training()
    import numpy

    documents = [document(one.title, one.abstract) for one in examples]
    targets = list(_targets(examples, rules))
    unseen = {target.key: numpy.zeros(len(examples)) for target in targets}
    for number, held in enumerate(folds(len(examples), INNER_FOLDS), start=1):
        progress(f"fold {number} of {INNER_FOLDS}")
        rest = numpy.setdiff1d(numpy.arange(len(examples)), held)
        fit = _Fit([documents[place] for place in rest])
        rows = matrix([documents[place] for place in held], fit.numbers)
        for target in targets:
            columns, weights, bias = fit.fit(target.belongs[rest], target.counts[rest])
            unseen[target.key][held] = rows[:, columns] @ weights + bias
    progress("all papers")
    strangers = numpy.array(foreign(examples), dtype=bool)
    shifts = {
        target.key: best_threshold(unseen[target.key], target.belongs, strangers, target.counts > 0)
        for target in targets
    }
    models = _models(_Fit(documents), targets, shifts, examples)
    margins = {key: values - shifts[key] for key, values in unseen.items()}
    known = frozenset(mark_of(one.title) for one in examples)
    weights = Weights(models, {}, {"papers": len(examples)}, known)
    offsets = _offsets(examples, rules, weights, margins)
    return Weights(models, offsets, weights.about, known, _primary(examples, margins))


def folds(size: int, number: int, seed: int = SEED) -> list[Any]:
    """Places of the examples in `number` parts, shuffled always alike."""
    import numpy

    return [
        numpy.sort(part)
        for part in numpy.array_split(numpy.random.default_rng(seed).permutation(size), number)
    ]


def best_threshold(margins: Any, belongs: Any, strangers: Any, known: Any) -> float:
    """Where F1 is best while the share of strangers stays under the cap; between two papers' margins.

    Strangers are few, so each counts by how near it is to the threshold and not only by its side. Papers of
    which it is not `known` whether they belong count for nothing.
    """
    import numpy

    margins, belongs, strangers = margins[known], belongs[known], strangers[known]
    order = numpy.argsort(-margins, kind="stable")
    sorted_margins, own = margins[order], belongs[order]
    between = (sorted_margins + numpy.append(sorted_margins[1:], sorted_margins[-1])) / 2
    f1 = 2 * numpy.cumsum(own) / (numpy.arange(1, len(order) + 1) + own.sum())
    theirs = margins[strangers & ~belongs]
    if len(theirs):
        width = max(_BLUR * float(theirs.std()), 1e-6)
        few, many = 0, len(order)  # the lower the threshold, the more strangers: halve until it is found
        while many - few > 1:
            middle = (few + many) // 2
            let_in = numpy.mean(1 / (1 + numpy.exp((between[middle] - theirs) / width)))
            few, many = (middle, many) if let_in <= OFF_TOPIC_CAP else (few, middle)
        f1 = f1[: few + 1]
    return float(between[int(numpy.argmax(f1))])


class _Fit:
    """The matrix of some documents, and models fitted on it."""

    def __init__(self, documents: Sequence[Document]) -> None:
        import numpy

        self.numbers = vocabulary(documents)
        self.rows = matrix(documents, self.numbers)
        papers = numpy.bincount(self.rows.indices, minlength=len(self.numbers))
        self._rarity = numpy.log((1 + len(documents)) / (1 + papers)) + 1
        self._weighed = self.rows.multiply(self._rarity / 5).tocsr()
        self._size = numpy.sqrt(numpy.asarray(self._weighed.multiply(self._weighed).sum(axis=0)).ravel())

    def fit(self, belongs: Any, counts: Any) -> tuple[Any, Any, float]:
        """Columns, their weights and the bias of one model; no columns where all papers are alike."""
        import numpy

        known = belongs[counts > 0]
        if known.all() or not known.any() or not self.numbers:  # by chance, in one part of the papers
            return numpy.zeros(0, dtype=int), numpy.zeros(0), 0.0
        ratio = self._ratio(belongs & (counts > 0), ~belongs & (counts > 0))
        scaled = self._weighed.multiply(ratio).tocsr()
        everything, _ = _regression(scaled, belongs, counts)
        matters = numpy.abs(everything * ratio) * self._size
        columns = numpy.sort(numpy.argsort(-matters, kind="stable")[:TERMS])
        few, bias = _regression(scaled[:, columns], belongs, counts)
        return columns, few * ratio[columns] * self._rarity[columns] / 5, bias

    def _ratio(self, own: Any, others: Any) -> Any:
        """How much more the category's own papers use each term, as a logarithm, evened out."""
        import numpy

        ours = numpy.asarray(self._weighed[own].sum(axis=0)).ravel() + _SMOOTH
        theirs = numpy.asarray(self._weighed[others].sum(axis=0)).ravel() + _SMOOTH
        ratio = numpy.log((ours / ours.sum()) / (theirs / theirs.sum()))
        return numpy.sign(ratio) * numpy.abs(ratio) ** _POWER


def _regression(rows: Any, belongs: Any, counts: Any) -> tuple[Any, float]:
    from sklearn.linear_model import LogisticRegression

    known = counts > 0
    model = LogisticRegression(
        C=_C, solver="liblinear", class_weight="balanced", random_state=0, max_iter=300
    )
    model.fit(rows[known], belongs[known], sample_weight=counts[known])
    return model.coef_[0], float(model.intercept_[0])


def _targets(examples: Sequence[Example], rules: Sequence[TopicRule]) -> Iterator[Target]:
    """Every category with enough papers, and every topic with enough decisions."""
    import numpy

    categories = sorted({category for one in examples for category in one.categories})
    labelled = numpy.array([bool(one.categories) for one in examples], dtype=float)
    for category in categories:
        belongs = numpy.array([category in one.categories for one in examples], dtype=bool)
        if belongs.sum() >= MIN_OWN and _has_two_sides(belongs, labelled):
            yield Target(category, belongs, labelled)
    for rule in rules:
        decided = [rule.slug in one.decisions for one in examples]
        if sum(decided) >= MIN_DECISIONS:
            belongs = numpy.array([belongs_to(rule, one) for one in examples], dtype=bool)
            # Without categories nobody knows of the other papers; most are none of the topic's.
            undecided = labelled if rule.categories else UNDECIDED_COUNTS
            counts = numpy.where(decided, DECISION_COUNTS, undecided)
            if _has_two_sides(belongs, counts):
                yield Target(f"topic:{rule.slug}", belongs, counts)


def _has_two_sides(belongs: Any, counts: Any) -> bool:
    """Whether enough papers are known to belong, and enough not to."""
    known = counts > 0
    return bool(min((belongs & known).sum(), (~belongs & known).sum()) >= MIN_SIDES)


def _models(
    fit: _Fit, targets: Sequence[Target], shifts: Mapping[str, float], examples: Sequence[Example]
) -> dict[str, Model]:
    names = list(fit.numbers)
    fitted = {target.key: fit.fit(target.belongs, target.counts) for target in targets}
    wanted = {names[column] for columns, _, _ in fitted.values() for column in columns}
    written = spellings((text for one in examples for text in (one.title, one.abstract)), wanted)
    return {
        target.key: Model(
            round(fitted[target.key][2] - shifts[target.key], 3),
            {
                written[names[column]]: round(float(weight), 2)
                for column, weight in zip(*fitted[target.key][:2], strict=True)
                if round(float(weight), 2)
            },
            int(target.belongs.sum()),
        )
        for target in targets
    }


def _primary(examples: Sequence[Example], margins: Mapping[str, Any]) -> dict[str, float]:
    """Shifts of the learned categories that are the primary one of enough papers."""
    import numpy

    first = [one.categories[0] if one.categories else "" for one in examples]
    keys = sorted(key for key, number in Counter(first).items() if number >= MIN_OWN and key in margins)
    if len(keys) < 2:
        return {}
    places = [place for place, key in enumerate(first) if key in keys]
    shifts = learn_shifts(
        numpy.array([margins[key][places] for key in keys]).T,
        numpy.array([keys.index(first[place]) for place in places]),
    )
    return {key: round(float(shift), 3) for key, shift in zip(keys, shifts, strict=True)}


def _offsets(
    examples: Sequence[Example],
    rules: Sequence[TopicRule],
    weights: Weights,
    margins: Mapping[str, Any],
) -> dict[str, Offset]:
    """For each topic's models and phrases the step back that adding phrases makes necessary."""
    import numpy

    touched = {category for rule in rules for category in rule.categories}
    strangers = numpy.array(
        [one.marked and touched.isdisjoint(one.categories) for one in examples], dtype=bool
    )
    offsets = {}
    for rule in rules:
        keys = weights.keys_for(rule.slug, rule.categories)
        belongs = numpy.array([belongs_to(rule, one) for one in examples], dtype=bool)
        known = numpy.array([is_known(rule, one) for one in examples], dtype=bool)
        if not keys or not belongs.any():
            continue
        own = Matcher([TopicRule(rule.slug, rule.name, rule.phrases)], threshold=0)
        said = [own.match(one.title, one.abstract) for one in examples]
        added = PHRASES * numpy.array([matches[0].score if matches else 0.0 for matches in said])
        loudest = numpy.max([margins[key] for key in keys], axis=0)
        # Also without phrases: that one holds after an editor has changed them.
        for phrases, together in (((), loudest), (rule.phrases, loudest + added)):
            threshold = best_threshold(together, belongs, strangers, known)
            offsets[fingerprint(keys, phrases)] = Offset(tuple(sorted(keys)), round(-threshold, 3) + 0.0)
    return offsets
