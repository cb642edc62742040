"""arXiv's categories: aliases resolved, subject codes of other schemes left out."""

import re
from collections.abc import Iterable

# One category under two names; the right-hand one is the name that arXiv's listings use.
_ALIASES = {
    "cs.NA": "math.NA",
    "cs.SY": "eess.SY",
    "math.IT": "cs.IT",
    "math.MP": "math-ph",
    "q-fin.EC": "econ.GN",
    "stat.TH": "math.ST",
}
_CATEGORY = re.compile(r"[a-z]+(-[a-z]+)?(\.[A-Za-z][A-Za-z-]{1,15})?")


def canonical(term: str) -> str | None:
    """The category's usual name, or None for what is none (ACM "I.2.7", MSC "68T50")."""
    term = term.strip()
    if len(term) > 40 or not _CATEGORY.fullmatch(term):
        return None
    return _ALIASES.get(term, term)


def canonical_list(terms: Iterable[str]) -> tuple[str, ...] | None:
    """The distinct categories in the order given; None where there is none."""
    found = (canonical(term) for term in terms)
    return tuple(dict.fromkeys(term for term in found if term)) or None
