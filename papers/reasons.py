"""Why a paper ranks where it does, told to a reader in the language that is active.

`papers/trending.py` writes each term's text once, in English, and editions keep it. Its sentences are few, so
they are read here and said anew; a text that is none of them is given as it stands.
"""

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from papers.templatetags.newsprint import grouped, with_point
from papers.trending import COURSE, WEAK_COMMENTS, WEAK_STARS, WEAK_VOTES, Signal, Term

_VOTES = re.compile(
    r"(?P<votes>[\d,]+) upvotes?"
    r"(?: at (?P<hours>\d+) h| in (?P<days>\d+) days|(?P<first_hour> in the first hour))?"
    rf"(?:{COURSE}(?P<course>[\d,]+))?"
)
_COMMENTS = re.compile(r"([\d,]+) comments?")
_STARS = re.compile(r"([\d.]+)([kM]?) stars?")
_THOUSANDS = {"": 1, "k": 1_000, "M": 1_000_000}


def explain(
    terms: Sequence[Term | Signal],
    *,
    beside_counts: bool = False,
    settled: bool = False,
    in_brief: bool = False,
) -> str:
    """Tell a reader in half a sentence why a paper ranks where it does; takes terms, or their JSON.

    Unknown and weak signals are left out. `beside_counts`: the counts stand next to the sentence, so comments
    and stars, which would only repeat them, are left out too; `in_brief`: so are votes on course for more.
    `settled`: the course is left out as well, since the terms may have been stored before it was run.
    """
    texts = {_name(term): _text(term) for term in terms}
    if settled and "votes" in texts:
        texts["votes"] = texts["votes"].partition(COURSE)[0]
    told = {
        name: said(name, text, in_brief=in_brief)
        for name, text in texts.items()
        if not (_unknown(text) or _weak(name, text))
    }
    if "archive" in texts and beside_counts:
        first = [told.get("archive", "")]
    elif "archive" in texts:
        first = [", ".join(told[name] for name in ("archive", "votes", "comments") if told.get(name))]
    elif beside_counts:
        first = [told.get("votes", "")]
    else:
        first = [told.get("votes", ""), told.get("comments", "")]
    rest = [told.get("boost", "")] if beside_counts else [told.get("stars", ""), told.get("boost", "")]
    return "; ".join(text for text in [*first, *rest] if text)


def attention(terms: Sequence[Term | Signal], *, settled: bool = False) -> str:
    """What there is to tell of the attention a paper gets where its counts stand beside it; "" for nothing.

    That is how fast the votes come in, and that an editor chose it.
    """
    more = [term for term in terms if _says_more_than_counts(_name(term), _text(term))]
    return explain(more, beside_counts=True, settled=settled, in_brief=True)


def said(name: str, text: str, *, in_brief: bool = False) -> str:
    """What the term of this name says, in the active language; `in_brief`: without the votes it has now."""
    if name == "votes" and (found := _VOTES.fullmatch(text)):
        return _course(found) if in_brief and found["hours"] and found["course"] else _votes(found)
    if name == "comments" and (found := _COMMENTS.fullmatch(text)):
        number = _number(found[1])
        return ngettext("%(number)s comment", "%(number)s comments", number) % {"number": grouped(number)}
    if name == "stars" and (found := _STARS.fullmatch(text)):
        return _stars(found[1], found[2])
    if text == "from the archive":
        return _("from the archive")
    return _("an editor's choice") if text == "an editor's choice" else text


def _says_more_than_counts(name: str, text: str) -> bool:
    """ "61 upvotes at 17 h" does, "61 upvotes" does not."""
    return name == "boost" or (name == "votes" and not re.fullmatch(r"[\d,]+ upvotes?|no upvotes yet", text))


def _course(found: re.Match[str]) -> str:
    course = _number(found["course"])
    words = ngettext(
        "after %(hours)s h, on course for about %(course)s upvote",
        "after %(hours)s h, on course for about %(course)s upvotes",
        course,
    )
    return words % {"hours": found["hours"], "course": grouped(course)}


def _votes(found: re.Match[str]) -> str:
    votes = _number(found["votes"])
    if found["first_hour"]:
        words = ngettext("%(votes)s upvote in the first hour", "%(votes)s upvotes in the first hour", votes)
    elif found["days"]:
        words = ngettext("%(votes)s upvote in %(days)s days", "%(votes)s upvotes in %(days)s days", votes)
    elif found["hours"] and found["course"]:
        words = ngettext(
            "%(votes)s upvote at %(hours)s h, on course for about %(course)s",
            "%(votes)s upvotes at %(hours)s h, on course for about %(course)s",
            votes,
        )
    elif found["hours"]:
        words = ngettext("%(votes)s upvote at %(hours)s h", "%(votes)s upvotes at %(hours)s h", votes)
    else:
        words = ngettext("%(votes)s upvote", "%(votes)s upvotes", votes)
    course = grouped(_number(found["course"])) if found["course"] else ""
    return words % {"votes": grouped(votes), "hours": found["hours"], "days": found["days"], "course": course}


def _stars(figures: str, unit: str) -> str:
    words = ngettext("%(stars)s star", "%(stars)s stars", round(float(figures) * _THOUSANDS[unit]))
    return words % {"stars": with_point(figures) + unit}


def _number(figures: str) -> int:
    return int(figures.replace(",", ""))


def _name(term: Term | Signal) -> str:
    return term.name if isinstance(term, Term) else str(term.get("name", ""))


def _text(term: Term | Signal) -> str:
    return term.text if isinstance(term, Term) else str(term.get("text", ""))


def _unknown(text: str) -> bool:
    return text.endswith("unknown")


def _weak(name: str, text: str) -> bool:
    """Whether a count is too small to be a reason. Texts start with their number: "61 upvotes at 10 h"."""
    least = {"votes": WEAK_VOTES, "comments": WEAK_COMMENTS, "stars": WEAK_STARS}.get(name)
    number = text.split(" ", 1)[0].replace(",", "")
    if least is None or not text:
        return False
    return text.startswith("no ") or (number.isdecimal() and int(number) < least)
