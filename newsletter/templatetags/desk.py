"""What the desk's first page says of today's edition."""

from dataclasses import dataclass

from django import template
from django.template import Context
from django.utils import timezone

from newsletter.models import Edition
from newsletter.releasing import kept_by
from newsletter.tally import mails_by_state, mails_in_words
from papers.reading import readiness, verdicts
from papers.sources.names import name_of

register = template.Library()


@dataclass(frozen=True, slots=True)
class Today:
    kicker: str
    edition: Edition | None
    papers: int
    mails: str
    kept_by: str = ""


@dataclass(frozen=True, slots=True)
class SourceLine:
    text: str
    detail: str
    is_broken: bool


@register.simple_tag(takes_context=True)
def source_lines(context: Context) -> list[SourceLine]:
    """How each source stands just now, a line each; none for staff without the right to see source runs."""
    if not context["request"].user.has_perm("papers.view_sourcerun"):
        return []
    return [
        SourceLine(
            f"{name_of(state.source)} {state.text}",
            state.detail,
            state.verdict in (verdicts.FAILED, verdicts.STALE),
        )
        for state in readiness.standing(now=timezone.now())
    ]


@register.simple_tag(takes_context=True)
def todays_edition(context: Context) -> Today | None:
    """Today's edition (UTC), else the latest before; None for staff without the right to see editions."""
    user = context["request"].user
    if not (user.has_perm("newsletter.view_edition") or user.has_perm("newsletter.change_edition")):
        return None
    today = timezone.now().date()
    edition = Edition.objects.filter(date__lte=today).order_by("-date").first()
    if edition is None:
        return Today("Today's edition", None, 0, "")
    kicker = "Today's edition" if edition.date == today else "The latest edition; there is none for today yet"
    mails = mails_in_words(mails_by_state([edition.pk])[edition.pk])
    return Today(kicker, edition, edition.entries.count(), mails, kept_by(edition))
