"""Sets the words that were looked for apart from the text around them. Pure.

What comes out are pieces of plain text, never markup: a template escapes each and puts <mark> around hits.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from papers.excerpt import MAX_CHARS, first_sentences, sentences

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    is_hit: bool = False


def words_of(text: str) -> set[str]:
    """The single words of a text, as they stand there; of "fine-tuning" the two."""
    return set(_WORD.findall(text))


def marked(text: str, hits: set[str]) -> list[Piece]:
    """The text in pieces, hits apart; hits that only a space or a hyphen separates are one piece."""
    pieces: list[Piece] = []
    end = 0
    for found in _WORD.finditer(text):
        if found[0] not in hits:
            continue
        between = text[end : found.start()]
        if pieces and pieces[-1].is_hit and between in (" ", "-", "‑", "–"):
            pieces[-1] = Piece(pieces[-1].text + between + found[0], True)
        else:
            pieces += [Piece(between)] * bool(between) + [Piece(found[0], True)]
        end = found.end()
    return pieces + [Piece(text[end:])] * (end < len(text))


def telling_part(text: str, hits: set[str], *, max_chars: int = MAX_CHARS) -> str:
    """The first sentences of a text, or, where those have no hit, the first sentence with the most.

    A part from further on begins with "… ".
    """
    beginning = first_sentences(text, max_chars=max_chars)
    if not hits & words_of(text) or hits & words_of(beginning):
        return beginning
    best = max(sentences(text), key=lambda sentence: len(hits & words_of(sentence)))
    return f"… {_around(best, hits, max_chars)}"


def _around(sentence: str, hits: set[str], max_chars: int) -> str:
    """The sentence, or where it is too long as much of it as fits, from a little before its first hit."""
    if len(sentence) <= max_chars:
        return sentence
    first = next(found.start() for found in _WORD.finditer(sentence) if found[0] in hits)
    start = sentence.rfind(" ", 0, max(0, first - max_chars // 3)) + 1
    return first_sentences(sentence[start:], max_chars=max_chars, max_sentences=1)


def all_words(texts: Iterable[str]) -> Sequence[str]:
    """Every word of all these texts once, in a fixed order."""
    return sorted({word for text in texts for word in words_of(text)})
