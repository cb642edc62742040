"""Which editions and papers the public may see, and which lies next to which."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import Count, F, Func, JSONField, QuerySet, TextField, Window
from django.db.models.functions import MD5, Cast, RowNumber, TruncWeek

from newsletter.front import Story, story_of
from newsletter.models import Edition, EditionPaper
from newsletter.spans import Span
from newsletter.windows import WIDEST
from papers.models import Paper
from papers.observing import COUNTS
from papers.trending import is_settled

State = Edition.State
# A day without an edition has a page that says so: it is shown, never silently left out.
SHOWN = (*Edition.PRINTED, State.EMPTY, State.CANCELLED, State.MISSED)
_NOW = (*COUNTS, "trending_score", "trending_terms", "listed_on", "withdrawn")  # changes when it is out
_Span = TypeVar("_Span", bound=Span)


@dataclass(frozen=True, slots=True)
class Contents:
    """How many papers an edition shows, and a mark that differs where one of them or their order does."""

    papers: int
    mark: str | None


def shown(*, today: date) -> QuerySet[Edition]:
    """Editions with a public page, latest first; what is still open, held or of tomorrow has none."""
    return Edition.objects.filter(state__in=SHOWN, date__lte=today).order_by("-date")


def window(first: date, last: date) -> list[Edition]:
    """The printed editions dated from `first` to `last`, oldest first; at most as many as a mail has."""
    return _latest(Edition.objects.filter(date__range=(first, last)), WIDEST)


def up_to(edition: Edition, count: int) -> list[Edition]:
    """The window of `count` editions that ends with this one, printed or not; oldest first."""
    return [*_latest(Edition.objects.filter(date__lt=edition.date), count - 1), edition]


def _latest(editions: QuerySet[Edition], count: int) -> list[Edition]:
    return list(editions.filter(state__in=Edition.PRINTED).order_by("-date")[:count])[::-1]


def last_with_papers(*, before: date) -> date | None:
    """The latest day before this one whose edition has a paper to show."""
    entries = entries_shown().filter(edition__date__lt=before)
    return entries.order_by("-edition__date").values_list("edition__date", flat=True).first()


def entries_shown() -> QuerySet[EditionPaper]:
    """What was printed, without papers that were hidden or taken out since."""
    return EditionPaper.objects.filter(
        edition__state__in=Edition.PRINTED, paper__hidden=False, removed_in=None
    )


def contents_of(day: date) -> Contents:
    """What is in the edition of a day, without reading it: the database makes the mark."""
    found = entries_shown().filter(edition__date=day)
    return Contents(
        **found.aggregate(
            papers=Count("pk"), mark=_mark("card", "matches", "terms", "paper__withdrawn", order="rank")
        )
    )


def contents_by_day(span: Span, *, today: date) -> dict[date, Contents]:
    """Of each day of the span that has an edition to show, oldest first: what is in it, as it stands now.

    An entry does not change once it is printed, so its number stands for it, and beside it what its paper is
    now.
    """
    found = entries_shown().filter(edition__date__range=(span.first, span.last)).order_by()
    mark = _mark("pk", *(f"paper__{name}" for name in _NOW), order="pk")
    by_day = found.values_list("edition__date").annotate(papers=Count("pk"), mark=mark)
    contents = {day: Contents(papers, mark) for day, papers, mark in by_day}
    return {day: contents.get(day, Contents(0, None)) for day in _days(span, today)}


def _mark(*names: str, order: str) -> MD5:
    """Differs where one of these fields does in one of the rows. All in one list, which is quick to say."""
    row = Func(*names, function="jsonb_build_array", output_field=JSONField())
    return MD5(StringAgg(Cast(row, TextField()), "", order_by=order))


def edition_stories(day: date) -> list[Story]:
    """The stories of a printed edition in their order, with the counts that it was printed with."""
    entries = entries_shown().filter(edition__date=day).order_by("rank")
    return [
        story_of(entry.card, entry.matches, entry.terms, day=day, withdrawn=entry.withdrawn)
        for entry in entries.annotate(withdrawn=F("paper__withdrawn"))
    ]


def best_stories(
    span: Span, *, now: datetime, most: int | None = None, most_of_a_week: int | None = None
) -> list[Story]:
    """The stories of a week or month, the best of all its editions first, and no more than `most`.

    A look back tells what became of a paper, so the counts, the order and the reason are those of now.
    """
    best_first = (F("paper__trending_score").desc(), F("score").desc(), F("edition__date").desc(), F("rank"))
    today = now.astimezone(UTC).date()
    entries = entries_shown().filter(edition__date__range=(span.first, min(span.last, today)))
    if most_of_a_week is not None:
        place = Window(RowNumber(), partition_by=TruncWeek("edition__date"), order_by=best_first)
        entries = entries.annotate(place=place).filter(place__lte=most_of_a_week)
    entries = (
        entries.select_related("paper", "edition")
        .only("card", "matches", "terms", "edition__date", *(f"paper__{name}" for name in _NOW))
        .order_by(*best_first)
    )
    return [_as_of(now, entry) for entry in entries[:most]]


def _as_of(now: datetime, entry: EditionPaper) -> Story:
    paper = entry.paper
    counts = {name: getattr(paper, name) for name in COUNTS if getattr(paper, name) is not None}
    return story_of(
        entry.card | counts,
        entry.matches,
        paper.trending_terms or entry.terms,
        day=entry.edition.date,
        settled=is_settled(paper.listed_on, now=now),
        withdrawn=paper.withdrawn,
    )


def papers_by_day(span: Span, *, today: date) -> dict[date, int]:
    """Of each day of the span that has an edition to show, oldest first: how many papers."""
    counted = entries_shown().filter(edition__date__range=(span.first, span.last)).order_by()
    papers = dict(counted.values_list("edition__date").annotate(Count("pk")))
    return {day: papers.get(day, 0) for day in _days(span, today)}


def _days(span: Span, today: date) -> QuerySet[Edition, date]:
    days = shown(today=today).filter(date__range=(span.first, span.last)).order_by("date")
    return days.values_list("date", flat=True)


def spans_beside(span: _Span, *, today: date) -> tuple[_Span | None, _Span | None]:
    """The nearest earlier and the nearest later week (month, day) with an edition to show."""
    dates = shown(today=today).values_list("date", flat=True)
    earlier = dates.filter(date__lt=span.first).first()
    later = dates.filter(date__gt=span.last).order_by("date").first()
    return span.of(earlier) if earlier else None, span.of(later) if later else None


def printed_with(paper: Paper) -> Edition | None:
    """The one edition that printed this paper, if any did, and has it still."""
    has_it = Edition.objects.filter(entries__paper=paper, entries__removed_in=None)
    return has_it.filter(state__in=Edition.PRINTED).first()
