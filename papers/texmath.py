"""Parsed TeX as Unicode text, node by node; for papers.tex. Pure."""

import unicodedata
from collections.abc import Iterator, Sequence

from pylatexenc.latex2text import get_default_latex_context_db  # type: ignore[import-untyped]
from pylatexenc.latexwalker import (  # type: ignore[import-untyped]
    LatexCharsNode,
    LatexCommentNode,
    LatexEnvironmentNode,
    LatexGroupNode,
    LatexMacroNode,
    LatexMathNode,
    LatexNode,
    LatexSpecialsNode,
)

_SYMBOLS = get_default_latex_context_db()
_OWN_SYMBOLS = {
    "%": "%",
    "&": "&",
    "#": "#",
    "$": "$",
    "_": "_",
    "texttrademark": "™",
    "textregistered": "®",
    "textasciitilde": "~",
    "textbackslash": "\\",
    "circ": "°",
    "times": "×",
    "ell": "ℓ",
    "prime": "′",
    "pm": "±",
    "quad": " ",
    "qquad": " ",
    "cdot": "·",
    "star": "⋆",
    ",": " ",
    ";": " ",
    ":": " ",
    "!": "",
    " ": " ",
    "\\": " ",
    "/": "",
    "-": "",
    "{": "{",
    "}": "}",
    "dots": "…",
    "ldots": "…",
    "cdots": "⋯",
    "mid": "|",
    "lvert": "|",
    "rvert": "|",
    "item": " • ",
    "left": "",
    "right": "",
    "big": "",
    "Big": "",
    "bigl": "",
    "bigr": "",
    "displaystyle": "",
    "xspace": "",
    "par": " ",
    "newline": " ",
    "noindent": "",
    "em": "",
    "bf": "",
    "it": "",
    "rm": "",
    "tt": "",
    "sc": "",
}
_DROPPED = {
    "cite",
    "citep",
    "citet",
    "citealp",
    "citeauthor",
    "citeyear",
    "label",
    "ref",
    "footnote",
    "vspace",
    "hspace",
}
_LAST_ARGUMENT = {"href", "textcolor", "texorpdfstring"}
_SUPER = {"textsuperscript", "sp"}
_SUB = {"textsubscript", "sb"}
_RAISED = dict(
    zip(
        "0123456789+-−=()nijkabcdefghlmoprstuvwxyzTNMKLRDABGHPVW",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱʲᵏᵃᵇᶜᵈᵉᶠᵍʰˡᵐᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀᴺᴹᴷᴸᴿᴰᴬᴮᴳᴴᴾⱽᵂ",
        strict=True,
    )
)
_RAISED |= {"′": "′", "°": "°", "*": "*", "∗": "*", "™": "™", "®": "®", "†": "†"}
_LOWERED = dict(zip("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_ACCENTS = {
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    '"': "\u0308",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
} | {
    "c": "\u0327",
    "v": "\u030c",
    "u": "\u0306",
    "H": "\u030b",
    "k": "\u0328",
    "r": "\u030a",
    "d": "\u0323",
    "b": "\u0331",
    "hat": "\u0302",
    "widehat": "\u0302",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "bar": "\u0304",
    "overline": "\u0304",
    "vec": "\u20d7",
    "dot": "\u0307",
    "ddot": "\u0308",
}
_DOUBLE_STRUCK = {"mathbb", "mathds"}


class Renderer:
    """Writes nodes as text; one per text, holds nothing."""

    def text(self, nodes: Sequence[LatexNode | None]) -> str:
        """Write nodes outside of a formula."""
        return "".join(self._node(node, math=False) for node in nodes if node is not None)

    def math(self, nodes: Sequence[LatexNode | None]) -> str:
        """Write nodes inside a formula, with sub- and superscripts."""
        pieces: list[str] = []
        atoms = self._atoms(nodes)
        for atom in atoms:
            if atom in ("^", "_"):
                pieces.append(_script(next(atoms, ""), raised=atom == "^"))
            else:
                pieces.append(atom)
        return " ".join("".join(pieces).split(" ")).strip()

    def _atoms(self, nodes: Sequence[LatexNode | None]) -> Iterator[str]:
        """Take a formula apart into what a ^ or _ can hold: one character, one command, one group."""
        for node in nodes:
            if isinstance(node, LatexCharsNode):
                yield from (char for char in node.chars)
            elif isinstance(node, LatexMacroNode):
                yield _spaced(self._macro(node, math=True))
            elif node is not None:
                yield self._node(node, math=True)

    def _node(self, node: LatexNode, *, math: bool) -> str:
        inner = self.math if math else self.text
        if isinstance(node, LatexCharsNode):
            return _quotes(node.chars) if not math else str(node.chars)
        if isinstance(node, LatexMathNode):
            return self.math(node.nodelist)
        if isinstance(node, LatexGroupNode):
            return inner(node.nodelist)
        if isinstance(node, LatexEnvironmentNode):
            return inner(node.nodelist)
        if isinstance(node, LatexMacroNode):
            return self._macro(node, math=math)
        if isinstance(node, LatexSpecialsNode):
            return str(_SPECIALS.get(node.specials_chars, node.specials_chars))
        return "" if isinstance(node, LatexCommentNode) else str(node.latex_verbatim())

    def _macro(self, node: LatexMacroNode, *, math: bool) -> str:
        name: str = node.macroname
        arguments = (
            [one for one in (node.nodeargd.argnlist or ()) if one is not None] if node.nodeargd else []
        )
        inner = self.math if math else self.text
        words = [inner([argument]) for argument in arguments]
        if name in _DROPPED:
            return ""
        if name == "unicode" and words:
            return _code_point(words[0])
        if name in ("frac", "dfrac", "tfrac", "nicefrac") and len(words) == 2:
            return f"{_bracketed(words[0])}/{_bracketed(words[1])}"
        if name == "sqrt" and words:
            return f"√{_bracketed(words[-1])}"
        if name in _ACCENTS and words:
            return _accented(words[-1], _ACCENTS[name])
        if name in _SUPER | _SUB and words:
            return _script(words[0], raised=name in _SUPER)
        if name in _DOUBLE_STRUCK and words:
            return "".join(_double_struck(char) for char in words[0])
        if name in _LAST_ARGUMENT and words:
            return words[-1]
        symbol = _symbol(name)
        if symbol is not None and not words:
            return symbol + (node.macro_post_space if not math else "")
        if words:
            return "".join(words)
        return name if math else str(node.latex_verbatim())


_SPECIALS = {"~": " ", "``": "“", "''": "”", "---": "—", "--": "–", "&": "&", "\n\n": " "}


def _symbol(name: str) -> str | None:
    """Give the one or few characters a command without arguments stands for."""
    if name in _OWN_SYMBOLS:
        return _OWN_SYMBOLS[name]
    spec = _SYMBOLS.get_macro_spec(name)
    written = getattr(spec, "simplify_repl", None)
    return (
        written
        if isinstance(written, str) and written and (len(written) == 1 or "%" not in written)
        else None
    )


def _spaced(symbol: str) -> str:
    """Set relations and arrows off with spaces, and names of functions from what follows."""
    if len(symbol) == 1 and unicodedata.category(symbol) == "Sm" and symbol not in "×·±°∂∇∞√∑∏∫|~¬∀∃+":
        return f" {symbol} "
    return f"{symbol} " if symbol in ("log", "exp", "min", "max", "sin", "cos", "arg") else symbol


def _script(words: str, *, raised: bool) -> str:
    """Write a sub- or superscript in the characters Unicode has for it, else with its sign."""
    words = words.strip()
    table = _RAISED if raised else _LOWERED
    if words and all(char in table for char in words):
        return "".join(table[char] for char in words)
    if not words:
        return ""
    sign = "^" if raised else "_"
    return sign + (words if words.isalnum() or len(words) == 1 else f"({words})")


def _bracketed(words: str) -> str:
    words = words.strip()
    return words if words.isalnum() or len(words) <= 1 else f"({words})"


def _accented(words: str, accent: str) -> str:
    """Put an accent on the first letter; a dotless i or j takes it instead of its dot."""
    words = {"ı": "i", "ȷ": "j"}.get(words, words)
    return unicodedata.normalize("NFC", words[:1] + accent) + words[1:] if words.strip() else words


def _double_struck(char: str) -> str:
    """Give a letter the form that number sets have; what has no such form stays."""
    for name in (f"DOUBLE-STRUCK CAPITAL {char}", f"MATHEMATICAL DOUBLE-STRUCK CAPITAL {char}"):
        try:
            return unicodedata.lookup(name) if char.isascii() and char.isupper() else char
        except KeyError:
            continue
    return "𝟙" if char == "1" else char


def _code_point(words: str) -> str:
    """Read the argument of unicode: x2013, or a decimal number."""
    try:
        return chr(int(words[1:], 16) if words[:1] in "xX" else int(words))
    except (ValueError, OverflowError):
        return words


def _quotes(chars: str) -> str:
    return chars.replace("``", "“").replace("''", "”")
