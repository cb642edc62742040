"""What our filing is compared with: any phrase that occurs, and plain logistic regression on TF-IDF. Pure.

The regression needs scikit-learn (requirements-training.txt); importing this module does not.
"""

from collections.abc import Sequence
from typing import Any

from papers.learning.corpus import terms_of
from papers.learning.labelled import LabelledPaper
from papers.learning.measuring import Filing
from papers.matching import TopicRule
from papers.topics.phrases import PhraseIndex, parse_phrase, read

FOLDS = 4


def any_phrase(rules: Sequence[TopicRule], papers: Sequence[LabelledPaper]) -> Filing:
    """A paper belongs to every topic of which any phrase occurs; more of its phrases are a better score."""
    indexes = [PhraseIndex([parse_phrase(line).text for line in rule.phrases]) for rule in rules]
    scores: dict[str, list[float]] = {rule.slug: [] for rule in rules}
    for paper in papers:
        titled, told = read(paper.title), read(paper.abstract)
        for rule, index in zip(rules, indexes, strict=True):
            found = {*index.count_in(titled), *index.count_in(told)}
            scores[rule.slug].append(float(len(found)))
    return Filing(scores, {slug: [score > 0 for score in column] for slug, column in scores.items()})


class Regression:
    """One-vs-rest logistic regression on TF-IDF of words and pairs, the title as a field of its own.

    Each topic's threshold is the one that gave the best F1 on training rows that the fit did not see.
    Raises ValueError where the rows have no word that comes twice.
    """

    def __init__(self, learned_from: Sequence[LabelledPaper]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._papers = learned_from
        self._titles, self._texts = (
            TfidfVectorizer(analyzer=_as_it_is, min_df=2, sublinear_tf=True) for _ in range(2)
        )
        self._rows = self._fields(learned_from, fit=True)

    def _fields(self, papers: Sequence[LabelledPaper], fit: bool = False) -> Any:
        from scipy.sparse import hstack

        titles = [terms_of(read(paper.title).stream) for paper in papers]
        texts = [
            title + terms_of(read(paper.abstract).stream) for title, paper in zip(titles, papers, strict=True)
        ]
        if fit:
            return hstack([self._titles.fit_transform(titles), self._texts.fit_transform(texts)]).tocsr()
        return hstack([self._titles.transform(titles), self._texts.transform(texts)]).tocsr()

    def file(self, rules: Sequence[TopicRule], papers: Sequence[LabelledPaper]) -> Filing:
        import numpy

        rows = self._fields(papers)
        scores, filed = {}, {}
        for rule in rules:
            own = numpy.array([bool({*paper.categories} & {*rule.categories}) for paper in self._papers])
            margins, threshold = self._topic(own, rows)
            # Ranking alone uses the scores, so any rising function of the margin serves.
            scores[rule.slug] = (1 / (1 + numpy.exp(-margins))).tolist()
            filed[rule.slug] = (margins >= threshold).tolist()
        return Filing(scores, filed)

    def _topic(self, own: Any, rows: Any) -> tuple[Any, float]:
        """Margins of the rows, and the threshold; a topic that cannot be learned gets nothing."""
        import numpy
        from sklearn.model_selection import cross_val_predict

        if min(own.sum(), (~own).sum()) < FOLDS:
            return numpy.full(rows.shape[0], -40.0), 0.0
        unseen = cross_val_predict(_model(), self._rows, own, cv=FOLDS, method="decision_function")
        order = numpy.argsort(-unseen, kind="stable")
        f1 = 2 * numpy.cumsum(own[order]) / (numpy.arange(1, len(own) + 1) + own.sum())
        margins = _model().fit(self._rows, own).decision_function(rows)
        return margins, float(unseen[order][numpy.argmax(f1)])

    def primary(self, classes: Sequence[str], papers: Sequence[LabelledPaper]) -> list[str | None]:
        """The most likely primary category of each paper, among the classes."""
        import numpy

        truth = numpy.array([paper.categories[0] for paper in self._papers])
        rows = self._fields(papers)
        learned = [one for one in classes if 1 < (truth == one).sum() < len(truth)]
        if not learned:
            return [None] * len(papers)
        margins = [_model().fit(self._rows, truth == one).decision_function(rows) for one in learned]
        return [learned[place] for place in numpy.argmax(margins, axis=0)]


def _model() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, solver="liblinear", class_weight="balanced", random_state=0)


def _as_it_is(terms: list[str]) -> list[str]:
    return terms
