"""Which arXiv category is a paper's primary one, by the terms and weights that topics are found by. Pure.

A model says whether a paper carries its category at all. Broad categories are carried by many papers and are
the primary one of fewer, so each has a shift that makes margins comparable.
"""

from collections.abc import Sequence
from typing import Any

from papers.topics.phrases import read
from papers.topics.weights import TermIndex, Weights

_HOLD = 0.02  # keeps shifts of rare categories small
_EVEN = 0.5  # 0: each paper counts alike, 1: each category


class PrimaryGuess:
    """The learned categories among some, made ready once."""

    def __init__(self, weights: Weights, categories: Sequence[str]) -> None:
        self._categories = [one for one in categories if one in weights.models]
        self._terms = TermIndex([weights.models[one] for one in self._categories])
        self._shifts = [weights.primary.get(one, 0.0) for one in self._categories]

    def of(self, title: str, abstract: str = "") -> str | None:
        """The likeliest primary category; None where none was learned."""
        if not self._categories:
            return None
        margins = self._terms.margins(self._terms.hear(read(title), read(abstract)))
        sums = [margin + shift for margin, shift in zip(margins, self._shifts, strict=True)]
        return self._categories[sums.index(max(sums))]


def learn_shifts(margins: Any, primary: Any) -> Any:
    """The shift of each column of margins under which the primary columns are likeliest. Needs scipy.

    `margins` has a row for each paper, `primary` the number of its primary column.
    """
    import numpy
    from scipy.optimize import minimize

    rows, size = numpy.arange(len(primary)), margins.shape[1]
    counts = (1 / (numpy.bincount(primary, minlength=size) + 1) ** _EVEN)[primary]
    counts = counts / counts.sum()

    def loss(values: Any) -> tuple[float, Any]:
        scale, shifts = numpy.exp(values[0]), values[1:]
        sums = scale * margins + shifts
        likely = numpy.exp(sums - sums.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        missed = -(counts * numpy.log(likely[rows, primary] + 1e-12)).sum()
        likely[rows, primary] -= 1
        likely *= counts[:, None]
        slope = numpy.concatenate([[(likely * scale * margins).sum()], likely.sum(axis=0)])
        return missed + _HOLD * (values**2).mean(), slope + 2 * _HOLD * values / len(values)

    found = minimize(loss, numpy.zeros(size + 1), jac=True, method="L-BFGS-B").x
    return found[1:] / numpy.exp(found[0])
