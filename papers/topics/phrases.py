"""Topic phrases found in text: one walk over the words, however many phrases there are. Pure.

A phrase is written the way an editor types it: `reward model ^0.5`. Words match whole, in any case, in
singular or plural, with or without their hyphens (`fine-tuning` finds fine tuning and finetuning as well,
`pretraining` finds pre-training).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

# A word with its hyphenated and apostrophised rest: "text-to-image", "kolmogorov's".
_WORD = re.compile(r"[^\W_]+(?:[-\u2010\u2011'\u2019][^\W_]+)*")
_INNER = re.compile(r"[-\u2010\u2011'\u2019]")
_WEIGHT = re.compile(r"^(?P<words>.*?)\s*\^\s*(?P<weight>\d+(?:\.\d+)?|\.\d+)\s*$")
MAX_WEIGHT = 10.0


class PhraseError(ValueError):
    """A phrase that cannot be used; the message is one sentence for the editor who typed it."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """What an editor typed, taken apart: the words as written, and how much a hit counts (0 to 10)."""

    text: str
    weight: float = 1.0


def parse_phrase(line: str) -> Phrase:
    """Read `words ^weight`; without a weight a phrase counts 1. Raises PhraseError."""
    found = _WEIGHT.match(line.strip())
    text, weight = (found["words"].strip(), float(found["weight"])) if found else (line.strip(), 1.0)
    if not _WORD.search(text):
        raise PhraseError(f"The phrase {line!r} holds no word.")
    if "^" in text:
        raise PhraseError(f"The phrase {line!r} needs a number after the ^, for example ^0.5.")
    if not 0 < weight <= MAX_WEIGHT:
        raise PhraseError(f"The weight of {line!r} must be above 0 and at most {MAX_WEIGHT:g}.")
    return Phrase(" ".join(text.split()), weight)


@lru_cache(maxsize=100_000)
def singular(word: str) -> str:
    """Fold an English plural; wrong roots do no harm, since phrases and text are folded alike."""
    if len(word) < 4 or word[-1] != "s" or word[-2] in "sui":
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=100_000)
def _parts(word: str) -> tuple[str, ...]:
    """Split one matched word into its folded parts: "vision-language" → ("vision", "language")."""
    parts = _INNER.split(word)
    if parts[-1] == "s":  # the genitive is no word of its own
        parts.pop()
    return tuple(singular(part) for part in parts)


def words(text: str) -> list[str]:
    """Split text into matched words (hyphenated ones whole), folded for comparison."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _WORD.findall(text.casefold())


def _spellings(phrase: str) -> Iterator[tuple[str, ...]]:
    """All ways of writing a phrase that may occur: its hyphenated words apart, and run together."""
    groups = [_parts(word) for word in words(phrase)]
    apart = tuple(part for group in groups for part in group)
    joined = tuple(singular("".join(group)) for group in groups)
    yield apart
    if joined != apart:
        yield joined


@dataclass(slots=True)
class _Node:
    """One step in the tree of words: the phrases that end here, and the words that lead on."""

    ends: list[int] = field(default_factory=list)
    after: dict[str, "_Node"] = field(default_factory=dict)


_Joined = dict[int, tuple[str, int]]  # where a hyphenated word begins: run together, and where it ends


@dataclass(frozen=True, slots=True)
class Reading:
    """A text taken apart once, for all that look for something in it: its folded words in order."""

    stream: list[str]
    joined: _Joined


def read(text: str) -> Reading:
    """Take a text apart; hyphenated words stand apart in the stream, and run together beside it."""
    apart = list(map(_parts, words(text)))
    stream = list(chain.from_iterable(apart))
    joined: _Joined = {}
    if len(stream) > len(apart):  # else no word was hyphenated
        place = 0
        for parts in apart:
            if len(parts) > 1:
                joined[place] = ("".join(parts), place + len(parts))
            place += len(parts)
    return Reading(stream, joined)


def spelled(text: str) -> list[tuple[str, str]]:
    """The words of a text as they are written, hyphenated ones apart, each with its folded form."""
    return [
        (part, singular(part)) for word in words(text) for part in _INNER.split(word)[: len(_parts(word))]
    ]


@lru_cache(maxsize=50_000)  # a matcher asks for many thousand learned terms, and is made often
def fold(phrase: str) -> tuple[str, ...]:
    """The folded words of a phrase, hyphenated ones apart: what two spellings of it have in common."""
    return tuple(part for word in words(phrase) for part in _parts(word))


class PhraseIndex:
    """Many phrases, each known by its number, held as one tree of words."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._root = _Node()
        for number, phrase in enumerate(phrases):
            for spelling in _spellings(phrase):
                node = self._root
                for word in spelling:
                    node = node.after.setdefault(word, _Node())
                if number not in node.ends:
                    node.ends.append(number)

    def count(self, text: str) -> dict[int, int]:
        """Tell how often each phrase occurs in the text; phrases that do not occur are left out."""
        return self.count_in(read(text))

    def count_in(self, reading: Reading) -> dict[int, int]:
        """As `count`, for a text that is read already."""
        stream, joined = reading.stream, reading.joined
        counts: dict[int, int] = {}
        first, length = self._root.after, len(stream)
        for start, word in enumerate(stream):
            node = first.get(word)
            if start not in joined:
                if node is None:
                    continue
                following = start + 1
                if following not in joined and (following == length or stream[following] not in node.after):
                    for number in node.ends:  # nothing to follow: the common case, kept cheap
                        counts[number] = counts.get(number, 0) + 1
                    continue
            # A set: where a word may be read apart or run together, a phrase is still there once.
            found: set[int] = set()
            self._walk(self._root, stream, start, joined, found)
            for number in found:
                counts[number] = counts.get(number, 0) + 1
        return counts

    def _walk(self, node: _Node, stream: list[str], at: int, joined: _Joined, found: set[int]) -> None:
        """Follow the tree from position `at` on and collect every phrase that ends on the way."""
        while True:
            found.update(node.ends)
            if at in joined and joined[at][0] in node.after:
                whole, end = joined[at]
                self._walk(node.after[whole], stream, end, joined, found)
            if at >= len(stream) or stream[at] not in node.after:
                return
            node = node.after[stream[at]]
            at += 1
