"""Learned weights: how much each term speaks for or against an arXiv category or a topic. Pure.

A model is a bias and a few hundred terms of one or two words with weights. Its margin for a paper is

    bias + sum of weight * (1 + ln n) / sqrt(distinct words + 30)

over its terms that occur, where n counts the abstract once and the title three times. A margin above 0 is a
yes: the bias was set so that this is where the model does best. A longer text has more terms, which the
square root evens out; the 30 keeps a bare title from looking surer than it is.
"""

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from papers.topics.phrases import Reading, fold, parse_phrase

SHIPPED = Path(__file__).parent / "topic_weights.json"
TITLE_TIMES = 3
LENGTH_PRIOR = 30
MARK = 10  # hex digits that stand for one paper: one in a million million is taken for another

logger = logging.getLogger(__name__)


class WeightsError(ValueError):
    """Weights that cannot be read; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Model:
    """`terms` as people write them ("graph neural"), each with its weight."""

    bias: float
    terms: Mapping[str, float]
    papers: int = 0  # how many papers of its own it learned from


@dataclass(frozen=True, slots=True)
class Offset:
    """What to add to the margin of a topic with these models and one certain set of phrases."""

    models: tuple[str, ...]
    value: float


@dataclass(frozen=True)
class Weights:
    """All models, by arXiv category ("cs.CL") or topic ("topic:robotics"), and where they come from.

    `offsets` are kept by `fingerprint`: they hold for any topic with the same models and phrases, and for no
    other. `known` holds a mark of every paper they learned from, so that an evaluation can leave those out.
    """

    models: Mapping[str, Model]
    offsets: Mapping[str, Offset] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    primary: Mapping[str, float] = field(default_factory=dict)  # shifts, see papers.learning.primary

    def keys_for(self, slug: str, categories: Iterable[str]) -> list[str]:
        """Which models speak for a topic: its own, else those of its categories."""
        own = f"topic:{slug}"
        return [own] if own in self.models else [one for one in categories if one in self.models]

    def offset_for(self, slug: str, categories: Iterable[str], phrases: Iterable[str]) -> float | None:
        """What was found for the models with these phrases, or without any; None where it was not."""
        found = self.offsets.get(fingerprint(self.keys_for(slug, categories), phrases))
        return None if found is None else found.value


NOTHING_LEARNED = Weights({})


def fingerprint(models: Iterable[str], phrases: Iterable[str]) -> str:
    """Twelve hex digits for what an offset hangs on: the models that speak for a topic, and its phrases.

    Their order and spelling make no difference. Raises PhraseError.
    """
    weights: dict[str, float] = {}  # a phrase that stands there twice counts by its greater weight
    for phrase in map(parse_phrase, phrases):
        folded = " ".join(fold(phrase.text))
        weights[folded] = max(weights.get(folded, 0.0), phrase.weight)
    told = json.dumps([sorted(set(models)), sorted(weights.items())])
    return blake2b(told.encode(), digest_size=6).hexdigest()


def title_key_of(title: str) -> str:
    """The folded title: what two spellings of it have in common, and no two papers of one set."""
    return " ".join(fold(title)) or title.strip().casefold()


def mark_of(title: str) -> str:
    """A few digits that stand for a paper's title; the title cannot be had back from them."""
    return blake2b(title_key_of(title).encode(), digest_size=MARK // 2).hexdigest()


class TermIndex:
    """The terms of some models, found in text by one look for each word and each pair of words."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._biases = [model.bias for model in models]
        self._texts: list[str] = []
        self._uses: list[list[tuple[int, float]]] = []  # term -> (model, weight)
        self._positive: list[dict[int, float]] = [{} for _ in models]  # model -> terms that speak for it
        self._words: dict[str, int] = {}
        self._pairs: dict[str, dict[str, int]] = {}
        for place, model in enumerate(models):
            for text, weight in model.terms.items():
                number = self._number(text)
                self._uses[number].append((place, weight))
                if weight > 0:
                    self._positive[place][number] = self._positive[place].get(number, 0.0) + weight

    def _number(self, text: str) -> int:
        match fold(text):
            case (word,):
                number = self._words.setdefault(word, len(self._texts))
            case (first, second):
                number = self._pairs.setdefault(first, {}).setdefault(second, len(self._texts))
            case _:
                raise WeightsError(f"The learned term {text!r} is not one or two words.")
        if number == len(self._texts):
            self._texts.append(text)
            self._uses.append([])
        return number

    def text(self, number: int) -> str:
        return self._texts[number]

    def hear(self, title: Reading, abstract: Reading) -> dict[int, float]:
        """Give the terms that occur, each with its value before the weight, in the order of their numbers."""
        counts: dict[int, int] = {}
        self._count(title.stream, TITLE_TIMES, counts)
        self._count(abstract.stream, 1, counts)
        scale = 1 / math.sqrt(len({*title.stream, *abstract.stream}) + LENGTH_PRIOR)
        # Sorted, so that sums are added up alike in every process.
        return {number: scale * _rises(counts[number]) for number in sorted(counts)}

    def _count(self, stream: Sequence[str], times: int, counts: dict[int, int]) -> None:
        words, pairs = self._words, self._pairs
        after: dict[str, int] = {}  # the pairs that the word before begins
        for word in stream:
            if word in words:
                number = words[word]
                counts[number] = counts.get(number, 0) + times
            if word in after:
                number = after[word]
                counts[number] = counts.get(number, 0) + times
            after = pairs.get(word, _NO_PAIRS)

    def margins(self, heard: Mapping[int, float]) -> list[float]:
        """Every model's margin, in the order the models were given in."""
        margins = list(self._biases)
        for number, value in heard.items():
            for place, weight in self._uses[number]:
                margins[place] += weight * value
        return margins

    def speaking_for(self, place: int, heard: Mapping[int, float]) -> dict[str, float]:
        """The terms that speak for one model, each with what it adds to the margin."""
        positive = self._positive[place]
        return {
            self._texts[number]: positive[number] * heard[number] for number in heard if number in positive
        }


_NO_PAIRS: dict[str, int] = {}


@lru_cache(maxsize=256)
def _rises(times: int) -> float:
    return 1 + math.log(times)


def as_json(weights: Weights) -> dict[str, Any]:
    """The weights as plain JSON values; `from_json` gives them back."""
    return {
        "about": dict(weights.about),
        "offsets": {
            key: {"models": list(offset.models), "value": offset.value}
            for key, offset in sorted(weights.offsets.items())
        },
        "models": {
            key: {
                "bias": model.bias,
                "papers": model.papers,
                "terms": dict(sorted(model.terms.items(), key=lambda item: (-item[1], item[0]))),
            }
            for key, model in sorted(weights.models.items())
        },
        "primary": dict(sorted(weights.primary.items())),
        "known": "".join(sorted(weights.known)),
    }


def from_json(data: Any) -> Weights:
    """Read what `as_json` wrote. Raises WeightsError."""
    try:
        models = {
            key: Model(
                _number(raw["bias"]),
                {_term(text): _number(weight) for text, weight in raw["terms"].items()},
                int(raw["papers"]),
            )
            for key, raw in data["models"].items()
        }
        offsets = {
            key: Offset(tuple(raw["models"]), _number(raw["value"])) for key, raw in data["offsets"].items()
        }
        marks = data["known"]
        if len(marks) % MARK:
            raise ValueError(f"the marks of known papers do not have {MARK} digits each")
        known = frozenset(marks[start : start + MARK] for start in range(0, len(marks), MARK))
        primary = {key: _number(value) for key, value in data.get("primary", {}).items()}
        return Weights(models, offsets, dict(data["about"]), known, primary)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"The learned weights cannot be read: {error!r}.") from None


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no finite number")
    return number


def _term(text: Any) -> str:
    if not 1 <= len(fold(text)) <= 2:
        raise ValueError(f"the term {text!r} is not one or two words")
    return str(text)


@lru_cache(maxsize=1)
def shipped_weights() -> Weights:
    """The weights that come with the code; nothing learned where the file is not there."""
    if not SHIPPED.exists():
        logger.warning("Papers are filed by phrases alone: %s is missing.", SHIPPED)
        return NOTHING_LEARNED
    return from_json(json.loads(SHIPPED.read_text(encoding="utf-8")))
