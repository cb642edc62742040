"""What a paper's card says in a mail, in the active language, and the card rendered as text and HTML."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.digest import Match
from newsletter.fragments import Fragment, fragment
from newsletter.mail.words import clipped
from papers.reasons import explain
from papers.templatetags.newsprint import byline, compact, short_day

EVIDENCE_SHOWN = 3
MAX_BYLINE = 120  # characters; real ones have fewer

Both = tuple[Fragment, Fragment]  # text, HTML


def rendered(name: str, context: dict[str, Any]) -> Both:
    """Render both templates of one name."""
    text, html = rendered_texts(name, context)
    return fragment(text), fragment(html)


def rendered_texts(name: str, context: dict[str, Any]) -> tuple[str, str]:
    folder = "email/digest"
    return render_to_string(f"{folder}/{name}.txt", context), render_to_string(
        f"{folder}/{name}.html", context
    )


def one_line(name: str, context: dict[str, Any]) -> str:
    """Render a template of text that is a header: one line, spaces folded."""
    return " ".join(render_to_string(f"email/digest/{name}.txt", context).split())


def facts(card: Mapping[str, Any], *, beside: date) -> str:
    """ "Sample Lab · 18 Nov · ▲ 61 · 4 comments · ★ 1.2k"; what is unknown is left out.

    So are comments and stars where there are none. Lines break between two facts only, or within a name.
    """
    comments = card["num_comments"]
    parts = [
        clipped(byline(card), MAX_BYLINE),
        _unbroken(short_day(card["published_on"], beside)),
        f"▲\N{NO-BREAK SPACE}{compact(card['upvotes'])}" if card["upvotes"] is not None else "",
        _unbroken(_comments(comments)) if comments else "",
        f"★\N{NO-BREAK SPACE}{compact(card['github_stars'])}" if card["github_stars"] else "",
    ]
    return "\N{NO-BREAK SPACE}· ".join(part for part in parts if part)


def _unbroken(fact: str) -> str:
    return fact.replace(" ", "\N{NO-BREAK SPACE}")


def why(match: Match | None, terms: list[dict[str, Any]], *, otherwise: str = "") -> str:
    """Say in one line why a reader gets this paper: the topic, what matched, and the attention it got.

    `otherwise` is said where there is nothing of these.
    """
    # The facts above it show the counts. Without a topic the votes are all there is, so they are said again.
    attention = explain(terms, beside_counts=True, in_brief=match is not None)
    if not match:
        if attention:
            return _("Why: %(attention)s.") % {"attention": attention}
        return otherwise or _("Why: among the day’s top papers.")
    said = {
        "topic": match.name,
        "terms": ", ".join(_("“%(term)s”") % {"term": term} for term in match.evidence[:EVIDENCE_SHOWN]),
        "attention": attention,
    }
    if said["terms"] and attention:
        return _("Why: you follow %(topic)s (%(terms)s); %(attention)s.") % said
    if said["terms"]:
        return _("Why: you follow %(topic)s (%(terms)s).") % said
    if attention:
        return _("Why: you follow %(topic)s; %(attention)s.") % said
    return _("Why: you follow %(topic)s.") % said


def _comments(number: int) -> str:
    return ngettext("%(number)s comment", "%(number)s comments", number) % {"number": compact(number)}
