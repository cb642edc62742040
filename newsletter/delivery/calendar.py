"""The editions that were released, as planning needs them: which may be sent, what comes before and after."""

from dataclasses import dataclass
from datetime import datetime

from newsletter.models import Edition
from newsletter.schedule import Slot
from newsletter.windows import WIDEST, Issue, reach
from papers.reading.timetable import freeze_moment


@dataclass(frozen=True, slots=True)
class Run:
    """An edition that is being sent, with its neighbours among the released ones.

    `following`: the freeze of the next one, from which on that is due instead; None: there is none yet.
    """

    edition: Edition
    issue: Issue
    before: tuple[Issue, ...]  # the latest, as many as one mail can cover, and `issue` itself
    following: datetime | None

    def in_reach(self, slot: Slot) -> list[Issue]:
        return reach(self.issue, self.before, slot)


def run_of(edition: Edition) -> Run:
    """Two queries."""
    released = Edition.objects.filter(state__in=Edition.PRINTED, frozen_at__isnull=False)
    past = released.filter(date__lte=edition.date).order_by("-date")[:WIDEST]
    later = released.filter(date__gt=edition.date).order_by("date").values_list("date", flat=True).first()
    return Run(
        edition,
        issue_of(edition),
        tuple(issue_of(one) for one in past),
        freeze_moment(later) if later else None,
    )


def issue_of(edition: Edition) -> Issue:
    frozen_at = edition.frozen_at or freeze_moment(edition.date)
    return Issue(edition.date, freeze_moment(edition.date), frozen_at, edition.released_at or frozen_at)
