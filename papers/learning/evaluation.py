"""Evaluates how topics are filed on labelled papers, beside simpler ways of filing. Pure.

Papers that the weights were learned from would flatter them. They are left out; where that leaves none,
all are measured by cross-validation instead, which needs scikit-learn. What the rows are too few for is left
out, and a note says so.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from papers.learning import baselines
from papers.learning.crossvalidation import FOLDS, Held, cross_validate
from papers.learning.examples import examples_of
from papers.learning.labelled import LabelledPaper
from papers.learning.measuring import (
    Figures,
    Filing,
    PrimaryFigures,
    figures,
    file_held_out,
    measurable,
    primary_figures,
)
from papers.learning.primary import PrimaryGuess
from papers.learning.training import TrainingError, folds, require_training
from papers.matching import THRESHOLD, Matcher, TopicRule
from papers.topics.phrases import fold
from papers.topics.weights import Weights, mark_of

MOST_TIMED = 5000  # papers
MIN_ROWS = 50  # papers from which anything can be learned at all
FEW_ROWS = 500  # papers; what is learned from fewer says little
BASELINE_COMMAND = "python manage.py evaluate_topics FILE... --train TRAINING_FILE..."

# The main primary categories of the labelled rows that the project was measured on.
PRIMARY_CATEGORIES = (
    *("cond-mat.str-el", "cs.AI", "cs.AR", "cs.CE", "cs.CL", "cs.CR", "cs.CV", "cs.CY", "cs.DB", "cs.DC"),
    *("cs.GR", "cs.GT", "cs.HC", "cs.IR", "cs.IT", "cs.LG", "cs.LO", "cs.MA", "cs.MM", "cs.NE", "cs.NI"),
    *("cs.RO", "cs.SD", "cs.SE", "cs.SI", "eess.AS", "eess.IV", "eess.SP", "eess.SY", "math.NA", "math.OC"),
    *("physics.comp-ph", "physics.soc-ph", "q-bio.NC", "q-fin.ST", "quant-ph", "stat.ME", "stat.ML"),
)

Progress = Callable[[str], None]


@dataclass(slots=True)
class Evaluation:
    """Everything that was measured; a way that could not be measured is None, and a note says why."""

    papers: int = 0
    left_out: int = 0  # papers that the weights were learned from
    cross_validated: bool = False
    topics_with_model: int = 0  # measured topics for which something was learned; the others go by phrases
    active_topics: int = 0  # all that papers are filed under, those without categories too
    regression_cross_validated: bool = False
    papers_per_second: float = 0.0
    ours: Figures | None = None
    any_phrase: Figures | None = None
    regression: Figures | None = None
    primary: PrimaryFigures | None = None
    primary_by_regression: PrimaryFigures | None = None
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {"threshold": THRESHOLD, **asdict(self)}


def evaluate(
    rules: Sequence[TopicRule],
    weights: Weights,
    papers: Sequence[LabelledPaper],
    *,
    training: Sequence[LabelledPaper] = (),
    cross_validated: bool = False,
    progress: Progress,
) -> Evaluation:
    """Measure the topics that have categories; `training` is what the trained baseline learns from.

    Raises TrainingError where scikit-learn is needed and missing.
    """
    found = Evaluation(active_topics=len(rules))
    papers = _each_once(papers, found)
    if not cross_validated:
        papers, cross_validated = _unseen(papers, weights, found)
    topics = measurable(rules, papers)
    training = _apart(training, papers, found)
    held = _cross_validated(rules, papers, training, found, progress) if cross_validated else None
    found.papers, found.cross_validated = len(papers), held is not None
    held = held or [Held(tuple(range(len(papers))), weights)]
    found.topics_with_model = sum(
        any(part.weights.keys_for(rule.slug, rule.categories) for part in held) for rule in topics
    )
    if found.topics_with_model < len(topics):
        found.notes.append(
            f"Topics with a model: {found.topics_with_model} of {len(topics)}."
            " The others were filed by their phrases alone."
        )
    progress("filing")
    filing = file_held_out(rules, papers, held)
    found.ours = figures(topics, papers, filing, everywhere=filing)
    found.papers_per_second = _speed(Matcher(rules, held[0].weights), papers[:MOST_TIMED])
    filing = baselines.any_phrase(rules, papers)
    found.any_phrase = figures(topics, papers, filing, everywhere=filing)
    _primary(found, papers, held)
    _regression(found, topics, papers, training, held, progress)
    return found


def _unseen(
    papers: list[LabelledPaper], weights: Weights, found: Evaluation
) -> tuple[list[LabelledPaper], bool]:
    """The papers to measure, and whether by cross-validation because the weights learned from all of them."""
    unseen = [paper for paper in papers if mark_of(paper.title) not in weights.known]
    if len(unseen) == len(papers):
        return papers, False
    if not unseen:
        found.notes.append(
            "The weights in use were learned from these papers, so new ones are cross-validated instead:"
            " each fifth of the papers is filed by weights learned from the rest."
        )
        return papers, True
    found.left_out = len(papers) - len(unseen)
    found.notes.append(f"Left out, because the weights were learned from them: {_papers(found.left_out)}.")
    if len(unseen) < MIN_ROWS:
        found.notes.append(
            f"Measured: the {_papers(len(unseen))} left. So few say little;"
            " --cross-validate measures all, by newly learned weights."
        )
    return unseen, False


def _cross_validated(
    rules: Sequence[TopicRule],
    papers: Sequence[LabelledPaper],
    training: Sequence[LabelledPaper],
    found: Evaluation,
    progress: Progress,
) -> list[Held] | None:
    """Weights that did not see their part of the papers; None, and a note, where nothing can be learned."""
    progress("learning anew five times, each time without a fifth of the papers: a few minutes for 3,000")
    require_training()
    if len(papers) < FOLDS or len(papers) + len(training) < MIN_ROWS:
        held = None
    else:
        try:
            held = cross_validate(examples_of(papers), rules, progress, also=examples_of(training))
        except (ValueError, TrainingError):  # one class in some part, or no word that comes often enough
            held = None
    if held is None:
        found.notes.append(
            "Too few or too one-sided rows to cross-validate: filed by the weights in use,"
            " which may have been learned from them."
        )
    elif len(papers) + len(training) < FEW_ROWS:
        found.notes.append(
            f"Cross-validated on fewer than {FEW_ROWS} rows: little was learned, and the figures say little."
        )
    return held


def _papers(number: int) -> str:
    return f"{number:,} paper{'' if number == 1 else 's'}"


def _speed(matcher: Matcher, papers: Sequence[LabelledPaper]) -> float:
    """Papers a second on one core, matched as they are when they are filed; other programs do not count."""
    started = time.process_time()
    for paper in papers:
        matcher.match(paper.title, paper.abstract)
    return round(len(papers) / max(time.process_time() - started, 1e-6), 1)


def _key(paper: LabelledPaper) -> str:
    """The same for two rows of one paper; a mark would take a few strangers for it as well."""
    return " ".join(fold(paper.title)) or paper.title


def _each_once(papers: Sequence[LabelledPaper], found: Evaluation) -> list[LabelledPaper]:
    once = {_key(paper): paper for paper in reversed(papers)}
    if len(once) < len(papers):
        found.notes.append(f"Rows of papers that came before, passed over: {len(papers) - len(once):,}.")
    return list(reversed(once.values()))


def _apart(
    training: Sequence[LabelledPaper], papers: Sequence[LabelledPaper], found: Evaluation
) -> list[LabelledPaper]:
    """Training rows that are not measured as well."""
    measured = {_key(paper) for paper in papers}
    kept = [paper for paper in training if _key(paper) not in measured]
    if len(kept) < len(training):
        found.notes.append(
            f"Training rows not trained on, because they are measured: {len(training) - len(kept):,}."
        )
    return kept


def _primary(found: Evaluation, papers: Sequence[LabelledPaper], held: Sequence[Held]) -> None:
    """Which of the fixed categories is the primary one: the best scoring, by the same terms and weights."""
    guesses: dict[int, str | None] = {}
    for part in held:
        guess = PrimaryGuess(part.weights, PRIMARY_CATEGORIES)
        for place in part.places:
            if papers[place].categories[0] in PRIMARY_CATEGORIES:
                guesses[place] = guess.of(papers[place].title, papers[place].abstract)
    truth = [papers[place].categories[0] for place in guesses]
    if len(set(truth)) < 2:
        found.notes.append("The primary category is left out: fewer than two of the fixed ones occur.")
    else:
        found.primary = primary_figures(truth, list(guesses.values()))


def _regression(
    found: Evaluation,
    topics: Sequence[TopicRule],
    papers: Sequence[LabelledPaper],
    training: Sequence[LabelledPaper],
    held: Sequence[Held],
    progress: Progress,
) -> None:
    """The trained baseline, on its rows, or on the papers that are not held out where it has none."""
    try:
        require_training()
    except TrainingError:
        found.notes.append(
            "The trained baseline is left out: it needs scikit-learn. Get it with"
            f" `.venv/bin/pip install -r requirements-training.txt`, then `{BASELINE_COMMAND}`."
        )
        return
    parts = [part.places for part in held]
    if not training and not found.cross_validated:
        parts = _fifths(len(papers))
        found.regression_cross_validated = True
    try:
        filing, guesses = _regression_filing(topics, papers, training, parts, progress)
    except ValueError:  # too few rows, or no word that comes twice
        found.regression_cross_validated = False
        found.notes.append(
            f"The trained baseline is left out: too few rows. Name at least {MIN_ROWS} to train it on:"
            f" `{BASELINE_COMMAND}`."
        )
        return
    if found.regression_cross_validated:
        found.notes.append(
            "The trained baseline is cross-validated on these papers: each fifth is filed by a regression"
            f" trained on the rest. To train it on other rows: `{BASELINE_COMMAND}`."
        )
    found.regression = figures(topics, papers, filing)
    places = [place for place in sorted(guesses) if papers[place].categories[0] in PRIMARY_CATEGORIES]
    if len({papers[place].categories[0] for place in places}) > 1 and any(guesses.values()):
        truth = [papers[place].categories[0] for place in places]
        found.primary_by_regression = primary_figures(truth, [guesses[place] for place in places])


def _fifths(size: int) -> list[tuple[int, ...]]:
    """Places of the papers in five parts, shuffled always alike."""
    return [tuple(int(place) for place in part) for part in folds(size, FOLDS) if len(part)]


def _regression_filing(
    topics: Sequence[TopicRule],
    papers: Sequence[LabelledPaper],
    training: Sequence[LabelledPaper],
    parts: Sequence[tuple[int, ...]],
    progress: Progress,
) -> tuple[Filing, dict[int, str | None]]:
    """Each part by a regression of all other papers and the training rows. Raises ValueError: too few."""
    scores: dict[str, list[float]] = {rule.slug: [0.0] * len(papers) for rule in topics}
    filed: dict[str, list[bool]] = {rule.slug: [False] * len(papers) for rule in topics}
    guesses: dict[int, str | None] = {}
    for number, places in enumerate(parts, start=1):
        progress(f"logistic regression {number} of {len(parts)}")
        out = set(places)
        rows = [*(one for place, one in enumerate(papers) if place not in out), *training]
        if len(rows) < MIN_ROWS:
            raise ValueError(f"fewer than {MIN_ROWS} rows")
        model = baselines.Regression(rows)
        mine = [papers[place] for place in places]
        filing = model.file(topics, mine)
        guesses |= zip(places, model.primary(PRIMARY_CATEGORIES, mine), strict=True)
        for rule in topics:
            for place, score, one in zip(
                places, filing.scores[rule.slug], filing.filed[rule.slug], strict=True
            ):
                scores[rule.slug][place], filed[rule.slug][place] = score, one
    return Filing(scores, filed), guesses
