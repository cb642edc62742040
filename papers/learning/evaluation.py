"""Evaluates how topics are filed on labelled papers, beside simpler ways of filing. Pure.

Papers that the weights were learned from would flatter them. They are left out; where that leaves too few,
all are measured by cross-validation instead, which needs scikit-learn.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from papers.learning import baselines
from papers.learning.crossvalidation import Held, cross_validate
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
from papers.learning.training import TrainingError, examples_of, require_training
from papers.matching import THRESHOLD, Matcher, TopicRule
from papers.topics.weights import Weights, mark_of

MOST_TIMED = 5000  # papers
MIN_UNSEEN = 50  # papers; fewer that the weights did not learn from, and all are cross-validated

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
    found = Evaluation()
    papers = _each_once(papers, found)
    unseen = [paper for paper in papers if mark_of(paper.title) not in weights.known]
    if not cross_validated and len(unseen) < len(papers):
        if len(unseen) >= MIN_UNSEEN:
            found.left_out = len(papers) - len(unseen)
            found.notes.append(f"{found.left_out:,} papers that the weights were learned from are left out.")
            papers = unseen
        else:
            cross_validated = True
            found.notes.append(
                "The weights in use were learned from these papers, so new ones are cross-validated instead:"
                " each fifth of the papers is filed by weights learned from the rest."
            )
    found.papers, found.cross_validated = len(papers), cross_validated
    topics = measurable(rules, papers)
    training = _apart(training, papers, found)
    if cross_validated:
        held = cross_validate(examples_of(papers), rules, progress, also=examples_of(training))
    else:
        held = [Held(tuple(range(len(papers))), weights)]
    progress("filing")
    found.ours = figures(topics, papers, file_held_out(topics, papers, held))
    found.papers_per_second = _speed(Matcher(rules, held[0].weights), papers[:MOST_TIMED])
    found.any_phrase = figures(topics, papers, baselines.any_phrase(topics, papers))
    _primary(found, papers, held)
    _regression(found, topics, papers, training, held, progress)
    return found


def _speed(matcher: Matcher, papers: Sequence[LabelledPaper]) -> float:
    """Papers a second on one core, matched as they are when they are filed; other programs do not count."""
    started = time.process_time()
    for paper in papers:
        matcher.match(paper.title, paper.abstract)
    return round(len(papers) / max(time.process_time() - started, 1e-6), 1)


def _each_once(papers: Sequence[LabelledPaper], found: Evaluation) -> list[LabelledPaper]:
    once = {mark_of(paper.title): paper for paper in reversed(papers)}
    if len(once) < len(papers):
        found.notes.append(f"{len(papers) - len(once):,} papers that came twice are counted once.")
    return list(reversed(once.values()))


def _apart(
    training: Sequence[LabelledPaper], papers: Sequence[LabelledPaper], found: Evaluation
) -> list[LabelledPaper]:
    """Training rows that are not measured as well."""
    measured = {mark_of(paper.title) for paper in papers}
    kept = [paper for paper in training if mark_of(paper.title) not in measured]
    if len(kept) < len(training):
        found.notes.append(
            f"{len(training) - len(kept):,} training rows are measured papers too and are not trained on."
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
    if guesses:
        truth = [papers[place].categories[0] for place in guesses]
        found.primary = primary_figures(truth, list(guesses.values()))


def _regression(
    found: Evaluation,
    topics: Sequence[TopicRule],
    papers: Sequence[LabelledPaper],
    training: Sequence[LabelledPaper],
    held: Sequence[Held],
    progress: Progress,
) -> None:
    """The trained baseline, on its rows and, when cross-validating, on the papers that are not held out."""
    try:
        require_training()
    except TrainingError:
        found.notes.append("The trained baseline is left out: it needs requirements-training.txt.")
        return
    if not training and not found.cross_validated:
        found.notes.append("The trained baseline is left out: name its rows with --train FILE.")
        return
    scores: dict[str, list[float]] = {rule.slug: [0.0] * len(papers) for rule in topics}
    filed: dict[str, list[bool]] = {rule.slug: [False] * len(papers) for rule in topics}
    guesses: dict[int, str | None] = {}
    for number, part in enumerate(held, start=1):
        progress(f"logistic regression {number} of {len(held)}")
        out = set(part.places)
        rest = [one for place, one in enumerate(papers) if place not in out]
        model = baselines.Regression([*rest, *training])
        mine = [papers[place] for place in part.places]
        filing = model.file(topics, mine)
        guesses |= zip(part.places, model.primary(PRIMARY_CATEGORIES, mine), strict=True)
        for rule in topics:
            for place, score, one in zip(
                part.places, filing.scores[rule.slug], filing.filed[rule.slug], strict=True
            ):
                scores[rule.slug][place], filed[rule.slug][place] = score, one
    found.regression = figures(topics, papers, Filing(scores, filed))
    places = [place for place in sorted(guesses) if papers[place].categories[0] in PRIMARY_CATEGORIES]
    if places:
        truth = [papers[place].categories[0] for place in places]
        found.primary_by_regression = primary_figures(truth, [guesses[place] for place in places])
