"""Texts as rows of a matrix, for training: words, pairs and values as `papers.topics.weights` has them. Pure.

Needs scipy, which comes with requirements-training.txt; importing this module does not.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from papers.topics.function_words import FUNCTION_WORDS
from papers.topics.phrases import read, spelled
from papers.topics.weights import LENGTH_PRIOR, TITLE_TIMES

MIN_PAPERS = 3  # a term that fewer papers use is left out: it may be a name, and says little
MAX_VOCABULARY = 100_000


@dataclass(frozen=True, slots=True)
class Document:
    """One text: how often each folded word and pair occurs, titles counted three times, and its length."""

    counts: Mapping[str, int]
    distinct: int


def document(title: str, abstract: str) -> Document:
    titled, told = read(title).stream, read(abstract).stream
    counts: Counter[str] = Counter()
    for stream, times in ((titled, TITLE_TIMES), (told, 1)):
        for term in terms_of(stream):
            counts[term] += times
    return Document(counts, len({*titled, *told}))


def terms_of(stream: Sequence[str]) -> list[str]:
    """The words of a text that say something, and the pairs of such words that stand side by side."""
    terms = [word for word in stream if _says_something(word)]
    for one, other in pairwise(stream):
        if _says_something(one) and _says_something(other):
            terms.append(f"{one} {other}")
    return terms


def _says_something(word: str) -> bool:
    """Whether a word may be learned: function words, letters, numbers and what looks like an id may not."""
    return (
        len(word) > 1
        and word not in FUNCTION_WORDS
        and sum(letter.isdigit() for letter in word) < min(3, len(word))
    )


def vocabulary(documents: Sequence[Document]) -> dict[str, int]:
    """Number the terms that enough documents use, in alphabetical order."""
    used = Counter(term for one in documents for term in one.counts)
    most = [term for term, papers in used.most_common(MAX_VOCABULARY) if papers >= MIN_PAPERS]
    return {term: number for number, term in enumerate(sorted(most))}


def matrix(documents: Sequence[Document], numbers: Mapping[str, int]) -> Any:
    """A sparse matrix, a row for each document: (1 + ln n) / sqrt(distinct + 30)."""
    from scipy.sparse import csr_matrix

    starts, columns, values = [0], [], []
    for one in documents:
        scale = 1 / math.sqrt(one.distinct + LENGTH_PRIOR)
        for term, times in one.counts.items():
            if (number := numbers.get(term)) is not None:
                columns.append(number)
                values.append(scale * (1 + math.log(times)))
        starts.append(len(columns))
    return csr_matrix((values, columns, starts), shape=(len(documents), len(numbers)), dtype=float)


def spellings(texts: Iterable[str], wanted: Iterable[str]) -> dict[str, str]:
    """For each wanted folded term the way it is mostly written: "neural network" → "neural networks"."""
    left = {term: Counter[str]() for term in wanted}
    for text in texts:
        written = spelled(text)
        for place, (word, folded) in enumerate(written):
            if folded in left:
                left[folded][word] += 1
            if place + 1 < len(written):
                following, also = written[place + 1]
                if (pair := f"{folded} {also}") in left:
                    left[pair][f"{word} {following}"] += 1
    return {
        term: min(counts, key=lambda one: (-counts[one], one)) if counts else term
        for term, counts in left.items()
    }
