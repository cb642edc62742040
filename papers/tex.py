"""TeX in titles and abstracts as readable Unicode text: `L$^2$M` becomes L²M, `$\\infty$-norm` ∞-norm. Pure.

The result is plain text, never markup. What cannot be read stays as its author typed it.
"""

import re
import unicodedata

from pylatexenc import latexwalker  # type: ignore[import-untyped]
from pylatexenc.latexwalker import (  # type: ignore[import-untyped]
    LatexWalkerError,
    get_default_latex_context_db,
)
from pylatexenc.macrospec import std_macro  # type: ignore[import-untyped]

from papers.texmath import Renderer

MAX_LENGTH = 20_000  # characters read as TeX; the longest abstracts have 4,000
MAX_DEPTH = 40  # nested braces; the parser is recursive
MAX_COMMANDS = 1_500

_TEX = re.compile(r"[\\${}~]|``|''|---|\w--\w")
_FORMULA = re.compile(r"[\^_=<>+*]|\\[A-Za-z]")
_FLAG = re.compile(r"(?<!\S)--(?=[A-Za-z])")
_SPACE = re.compile(r"\s+")
# Controls that are not white space, lone surrogates, and what can turn the direction of the text around it
# (the zero-width joiners stay: scripts and emoji need them).
_UNSAFE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f\x80-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)

_CONTEXT = get_default_latex_context_db()
_CONTEXT.add_context_category(
    "papers",
    prepend=True,
    macros=[
        *(std_macro(name, False, 2) for name in ("href", "textcolor", "texorpdfstring")),
        *(
            std_macro(name, False, 1)
            for name in (
                *(
                    "url",
                    "unicode",
                    "operatorname",
                    "textsc",
                    "textsuperscript",
                    "textsubscript",
                    "mbox",
                    "uline",
                ),
                *(
                    "boldsymbol",
                    "bm",
                    "mathscr",
                    "mathds",
                    "mathsf",
                    "mathtt",
                    "underline",
                    "footnote",
                    "ensuremath",
                ),
            )
        ),
        *(
            std_macro(name, "*[[{")
            for name in ("cite", "citep", "citet", "citealp", "citeauthor", "citeyear")
        ),
    ],
)


def readable(text: str) -> str:
    """Write TeX as plain text on one line, without control and direction characters. Takes any string."""
    source = _SPACE.sub(" ", _UNSAFE.sub("", text)).strip()
    if not _TEX.search(source) or not _parsable(source):
        return source
    try:
        walker = latexwalker.LatexWalker(_escaped(source), latex_context=_CONTEXT, tolerant_parsing=True)
        nodes, _, _ = walker.get_latex_nodes()
        shown = Renderer().text(nodes)
    except (LatexWalkerError, RecursionError, ValueError, IndexError, AttributeError, TypeError):
        return (
            source  # a parser for documents meets a sentence: whatever it trips over, the source is text too
        )
    shown = _UNSAFE.sub("", unicodedata.normalize("NFC", shown))
    return _SPACE.sub(" ", shown).strip() or source


def _parsable(source: str) -> bool:
    """Keep the parser away from what only an attacker writes."""
    if len(source) > MAX_LENGTH or source.count("\\") > MAX_COMMANDS:
        return False
    depth = 0
    for char in source:
        if char == "{":
            depth += 1
            if depth > MAX_DEPTH:
                return False
        elif char == "}":
            depth = max(0, depth - 1)
    return True


def _escaped(source: str) -> str:
    """Protect what prose uses and TeX would eat: 40%, under $5, ~10 times, C#."""
    dollars = _math_dollars(source)
    pieces: list[str] = []
    for place, char in enumerate(source):
        escaped = _is_escaped(source, place)
        if (char == "$" and not escaped and place not in dollars) or (char in "%#&" and not escaped):
            pieces.append("\\" + char)
        elif char == "~" and not escaped and source[place + 1 : place + 2].isdigit():
            pieces.append(r"\textasciitilde{}" if source[place - 1 : place] in ("", " ", "(") else " ")
        else:
            pieces.append(char)
    return _FLAG.sub("{-}{-}", "".join(pieces))


def _is_escaped(source: str, place: int) -> bool:
    """Tell whether an odd number of backslashes stands before this place."""
    start = place
    while start > 0 and source[start - 1] == "\\":
        start -= 1
    return (place - start) % 2 == 1


def _is_prose(inside: str, after: str) -> bool:
    """Tell prose between two prices ("$5 for ink and $6") from a formula."""
    if inside.isspace() or (inside[-1].isspace() and after.isdigit()):
        return True
    return inside[0].isdigit() and " " in inside and not _FORMULA.search(inside)


def _math_dollars(source: str) -> set[int]:
    """Find the dollars that open and close a formula, and not the ones that name a price.

    A formula begins with something other than a space and ends so, and no digit follows it.
    """
    places = [at for at, char in enumerate(source) if char == "$" and not _is_escaped(source, at)]
    found: set[int] = set()
    at = 0
    while at + 1 < len(places):
        opening, closing = places[at], places[at + 1]
        if closing == opening + 1:  # $$...$$: take the pairs as they come
            found.update((opening, closing))
            at += 2
            continue
        inside = source[opening + 1 : closing]
        if _is_prose(inside, source[closing + 1 : closing + 2]):
            at += 1
            continue
        found.update((opening, closing))
        at += 2
    return found
