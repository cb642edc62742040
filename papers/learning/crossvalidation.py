"""Weights judged on papers they did not learn from: each part of the papers by weights of the rest. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from papers.learning.examples import Example
from papers.learning.training import Progress, folds, require_training, train
from papers.matching import TopicRule
from papers.topics.weights import Weights

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Held:
    """Places of the papers that were held out, and the weights learned from all others."""

    places: tuple[int, ...]
    weights: Weights


def cross_validate(
    examples: Sequence[Example],
    rules: Sequence[TopicRule],
    progress: Progress,
    *,
    also: Sequence[Example] = (),
    seed: int = 7,
) -> list[Held]:
    """Learn once for each part; `also` are papers to learn from every time. Raises TrainingError."""
    require_training()
    held = []
    parts: list[Any] = folds(len(examples), FOLDS, seed)
    for number, part in enumerate(parts, start=1):
        out = {int(place) for place in part}
        rest = [one for place, one in enumerate(examples) if place not in out]

        def tell(what: str, number: int = number) -> None:
            progress(f"cross-validation {number} of {FOLDS}: {what}")

        held.append(Held(tuple(sorted(out)), train([*rest, *also], rules, tell)))
    return held
