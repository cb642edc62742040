"""What a reader typed into the search box, taken apart. Pure.

sparse autoencoder          papers with both words
"sparse autoencoder"        the words side by side; so does sparse-autoencoder
steer*                      words that begin so
-robot, -"robot arm"        papers without
steering OR probing         one or the other
2604.13074                  that paper (also arXiv:2604.13074v2, or its address)
"""

import re
import unicodedata
from dataclasses import dataclass

from papers.sources.values import FieldError, arxiv_id

LONGEST = 300  # characters that are read; the rest is passed over
MOST_TERMS = 16
_SHORTEST_BEGINNING = 3  # letters; "a*" would be half the library

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_PIECE = re.compile(r'(-?)"([^"]*)"(?!\w)|(\S+)')
_PARTS = re.compile(r"[\W_]+")
_PAGE_OF_A_PAPER = re.compile(
    r"(?:https?://)?(?:[\w-]+\.)*(?:arxiv\.org|alphaxiv\.org|huggingface\.co)/(?:abs|pdf|html|papers)/",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Term:
    """One word, or several that must stand side by side."""

    text: str
    excluded: bool = False
    beginning: bool = False  # the word may go on; `text` is one word of letters and digits then


Alternative = tuple[Term, ...]  # all of these


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for: a paper that has all terms of one of the alternatives."""

    typed: str  # on one line, without what cannot be seen
    alternatives: tuple[Alternative, ...]  # none of them only excludes
    arxiv_id: str | None
    only_excludes: bool  # words were given, but only such as must not be there
    too_short: tuple[str, ...] = ()  # beginnings ("a*") that are taken for whole words

    @property
    def wanted(self) -> tuple[Term, ...]:
        """The terms of all alternatives that must be there."""
        return tuple(term for terms in self.alternatives for term in terms if not term.excluded)


def read(typed: str) -> Question:
    """Take a query apart. Takes any string; what means nothing is passed over."""
    line = " ".join(_UNSEEN.sub(" ", typed[: 4 * LONGEST]).split())[:LONGEST].strip()
    if name := _arxiv_id(line):
        return Question(line, ((Term(name),),), name, False)
    groups = _groups(line)
    alternatives = tuple(tuple(terms) for terms in groups if any(not term.excluded for term in terms))
    return Question(line, alternatives, None, bool(any(groups)) and not alternatives, _too_short(line))


def _arxiv_id(line: str) -> str | None:
    """The id that the whole line is, also as the address of a page that shows the paper."""
    bare = re.sub(r"[?#].*", "", _PAGE_OF_A_PAPER.sub("", line, count=1)).rstrip("/")
    try:
        return arxiv_id(re.sub(r"^arxiv:\s+", "arxiv:", bare, flags=re.IGNORECASE), "query")[0]
    except FieldError:
        return None


def _groups(line: str) -> list[list[Term]]:
    line = re.sub("[“”„«»]", '"', line)
    groups: list[list[Term]] = [[]]
    count = 0
    for sign, quoted, word in _PIECE.findall(line):
        if word == "OR":
            groups.append([])
            continue
        for term in _of_word(word) if word else _of_phrase(quoted, sign):
            count += 1
            if count > MOST_TERMS:
                return groups
            groups[-1].append(term)
    return groups


def _of_phrase(quoted: str, sign: str) -> list[Term]:
    return [Term(quoted.strip(), excluded=bool(sign))] if _says_something(quoted) else []


def _of_word(word: str) -> list[Term]:
    """A word as typed: "-draft", "steer*", "self-superv*", "fine-tuning," are all possible."""
    excluded = word.startswith("-") and len(word) > 1
    bare = word.lstrip("-").strip('"')
    if not _says_something(bare):
        return []
    if not bare.endswith("*"):
        return [Term(bare, excluded)]
    *before, last = _parts(bare)
    if len(last) < _SHORTEST_BEGINNING or excluded:
        return [Term(bare.rstrip("*"), excluded)]
    return [*([Term(" ".join(before))] if before else []), Term(last, beginning=True)]


def _too_short(line: str) -> tuple[str, ...]:
    words = [word for word in line.split() if word.endswith("*") and not word.startswith("-")]
    return tuple(word for word in words if (parts := _parts(word)) and len(parts[-1]) < _SHORTEST_BEGINNING)


def _parts(word: str) -> list[str]:
    return [part for part in _PARTS.split(_folded(word)) if part]


def _says_something(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _folded(text: str) -> str:
    """Small letters without accents, as the words of papers are kept."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
