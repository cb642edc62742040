"""Which editions the public may see, and which lies next to which."""

from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from newsletter.models import Edition, EditionPaper
from newsletter.windows import WIDEST
from papers.models import Paper

State = Edition.State
# A day without an edition has a page that says so: it is shown, never silently left out.
SHOWN = (*Edition.PRINTED, State.EMPTY, State.CANCELLED, State.MISSED)


@dataclass(frozen=True, slots=True)
class Neighbours:
    earlier: date | None
    later: date | None


def shown(*, today: date) -> QuerySet[Edition]:
    """Editions with a public page, latest first; what is still open, held or of tomorrow has none."""
    return Edition.objects.filter(state__in=SHOWN, date__lte=today).order_by("-date")


def neighbours(day: date, *, today: date) -> Neighbours:
    dates = shown(today=today).values_list("date", flat=True)
    return Neighbours(
        earlier=dates.filter(date__lt=day).first(),
        later=dates.filter(date__gt=day).order_by("date").first(),
    )


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
    entries = EditionPaper.objects.filter(
        edition__date__lt=before, edition__state__in=Edition.PRINTED, paper__hidden=False, removed_in=None
    )
    return entries.order_by("-edition__date").values_list("edition__date", flat=True).first()


def printed_with(paper: Paper) -> Edition | None:
    """The one edition that printed this paper, if any did, and has it still."""
    has_it = Edition.objects.filter(entries__paper=paper, entries__removed_in=None)
    return has_it.filter(state__in=Edition.PRINTED).first()
