"""What a paper's card says in a mail, and the card rendered as text and HTML."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.template.loader import render_to_string

from newsletter.digest import Match
from newsletter.fragments import Fragment, fragment
from newsletter.mail.words import clipped
from papers.templatetags.newsprint import compact, short_day
from papers.trending import explain

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
    """ "Sample Lab · 18 Nov · ▲ 61 · 4 comments · ★ 1.2k"; what is unknown is left out."""
    comments = card["num_comments"]
    parts = [
        clipped(card["byline"], MAX_BYLINE),
        short_day(card["published_on"], beside),
        f"▲ {compact(card['upvotes'])}" if card["upvotes"] is not None else "",
        f"{compact(comments)} comment{'' if comments == 1 else 's'}" if comments else "",
        f"★ {compact(card['github_stars'])}" if card["github_stars"] is not None else "",
    ]
    return " · ".join(part for part in parts if part)


def why(match: Match | None, terms: list[dict[str, Any]], *, top_of: str = "the day’s top papers") -> str:
    """Say in one line why a reader gets this paper: the topic, what matched, and the attention it got."""
    reasons = []
    if match:
        quoted = ", ".join(f"“{term}”" for term in match.evidence[:EVIDENCE_SHOWN])
        reasons.append(f"you follow {match.name}{f' ({quoted})' if quoted else ''}")
    attention = explain(terms, beside_counts=True)  # the facts above it show comments and stars
    if attention:
        reasons.append(attention)
    return f"Why: {'; '.join(reasons)}." if reasons else f"Why: among {top_of}."
