"""The first sentences of an abstract, cut where a sentence ends. Pure."""

import re

MAX_CHARS = 340
MAX_SENTENCES = 3

# A sentence ends at . ! or ? (and a closing quote or bracket) before white space and something that can
# open one.
_END = re.compile(r"""[.!?]["'”’)\]]*(?=\s+["'“‘(\[]?[A-Z0-9])""")
_ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|cf|vs|et al|etc|Fig|Figs|Eq|Eqs|Sec|Tab|Ref|Dr|Prof|St|No|resp|approx|w\.r\.t|[A-Z])\.$"
)


def first_sentences(text: str, *, max_chars: int = MAX_CHARS, max_sentences: int = MAX_SENTENCES) -> str:
    """Return up to `max_sentences` whole sentences within `max_chars` characters.

    A first sentence that is longer by itself is cut at a word and ends in "…".
    """
    text = " ".join(text.split())
    cut = 0
    count = 0
    for match in _END.finditer(text[: max_chars + 400]):
        if _ABBREVIATION.search(text, max(0, match.end() - 12), match.end()):
            continue
        if match.end() > max_chars:
            break
        cut = match.end()
        count += 1
        if count == max_sentences:
            return text[:cut]
    if cut and len(text) > max_chars:
        return text[:cut]
    return cut_at_word(text, max_chars)


def cut_at_word(text: str, max_chars: int) -> str:
    """Return the text, or where it is longer, its whole words within `max_chars` characters and "…"."""
    if len(text) <= max_chars:
        return text
    return text[:max_chars].rsplit(" ", 1)[0].rstrip(" ,;:.([") + "…"


def sentences(text: str) -> list[str]:
    """The sentences of a text, spaces folded; at least one."""
    text = " ".join(text.split())
    found, start = [], 0
    for match in _END.finditer(text):
        if not _ABBREVIATION.search(text, max(0, match.end() - 12), match.end()):
            found.append(text[start : match.end()])
            start = match.end() + 1
    return [*found, text[start:]] if start < len(text) or not found else found
