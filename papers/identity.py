"""Pure: what a paper is recognised by. The arXiv id decides; without one, the normalised title does."""

import hashlib
import re
import unicodedata

from papers.sources.record import PaperRecord

_LONGEST_KEY = 2_000  # bytes; an index row of PostgreSQL holds 2,704
# Commands that only change the typeface: \textbf{Mamba} and Mamba are one word.
_TYPEFACE = re.compile(
    r"\\(?:text(?:bf|it|tt|sc|rm|sf|sl|up)?|math(?:bf|bb|cal|frak|it|rm|sf|tt|scr)|emph|operatorname|boldsymbol|bm"
    r"|[a-z]{2}series|bf|it|rm|tt|sc|sf|em|left|right|ensuremath|mbox|hbox)(?![A-Za-z])"
)


def title_key(title: str) -> str:
    """The title as papers are compared by: letters and digits only, without case, accents or TeX dress.

    "L$^2$M" and "L^2M" have one key, as have "γ-MoD", "$\\gamma$-MoD" and "gamma-MoD". May be "": such a
    title names nothing and its record is rejected.
    """
    plain = _TYPEFACE.sub("", title)
    decomposed = unicodedata.normalize("NFKD", plain.casefold())
    # casefold first: some letters decompose into capitals of another alphabet only after it, so fold once
    # more.
    key = "".join(_spelled(letter) for letter in decomposed.casefold() if letter.isalnum())
    if len(key.encode()) > _LONGEST_KEY:
        key = f"{key[:400]}{_digest(key)}"
    return key


def _spelled(letter: str) -> str:
    """Greek letters by their names, since sources write them as TeX, as Unicode or as a bare word."""
    if not "\u0370" <= letter <= "\u03ff":
        return letter
    name = unicodedata.name(letter, "")
    found = re.fullmatch(r"GREEK SMALL LETTER (?:FINAL )?([A-Z]+)", name)
    return {"lamda": "lambda"}.get(found[1].lower(), found[1].lower()) if found else letter


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def title_hash(key: str) -> str:
    """Sixteen hexadecimal digits that name a paper without arXiv id in URLs."""
    return _digest(key)[:16]


def title_identity(key: str) -> str:
    """The identity of records without an id: "title:<hash>"."""
    return f"title:{_digest(key)[:40]}"


def identity(record: PaperRecord) -> str:
    """ "arxiv:2604.13074" or "title:<hash of the title key>"."""
    return f"arxiv:{record.arxiv_id}" if record.arxiv_id else title_identity(title_key(record.title))
