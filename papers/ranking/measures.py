"""How well an order of papers agrees with the votes they ended with. Pure."""

import math
from collections.abc import Hashable, Sequence
from itertools import combinations, groupby

Pairs = Sequence[tuple[int, int]]


def ndcg(scores: Sequence[float], outcomes: Sequence[int], places: int = 10) -> float | None:
    """Discounted votes in the first places, as a part of the most that any order could have there.

    Place n counts 1 / log2(n + 1), and what a paper is worth is its votes, not their logarithm. Papers with
    equal scores share their places, so that no order of the input can help. None where nobody has a vote.
    """
    best = _discounted([float(votes) for votes in sorted(outcomes, reverse=True)], places)
    if not best:
        return None
    ranked = sorted(zip(scores, outcomes, strict=True), key=lambda pair: -pair[0])
    worth: list[float] = []
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        votes = [outcome for _, outcome in group]
        worth += [sum(votes) / len(votes)] * len(votes)
    return _discounted(worth, places) / best


def comparable_pairs(outcomes: Sequence[int], days: Sequence[Hashable]) -> list[tuple[int, int]]:
    """(more votes, fewer votes) of every two papers from different days that ended with different counts."""
    return [
        (one, other) if outcomes[one] > outcomes[other] else (other, one)
        for one, other in combinations(range(len(outcomes)), 2)
        if days[one] != days[other] and outcomes[one] != outcomes[other]
    ]


def ordered_share(scores: Sequence[float], pairs: Pairs) -> float | None:
    """Tell which part of the pairs the scores put in the right order; equal scores are half right."""
    if not pairs:
        return None
    right = sum(
        1.0 if scores[more] > scores[fewer] else 0.5 if scores[more] == scores[fewer] else 0.0
        for more, fewer in pairs
    )
    return right / len(pairs)


def _discounted(worth: Sequence[float], places: int) -> float:
    return math.fsum(value / math.log2(place + 1) for place, value in enumerate(worth[:places], start=1))
