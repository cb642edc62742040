"""This installation's own observations as vote histories, so that its ranking can be judged on them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from papers.models import Paper
from papers.ranking.arrival import last_absence
from papers.ranking.histories import History
from papers.ranking.list_readings import list_readings
from papers.trending import Seen

SETTLED = timedelta(hours=72)  # counted this long after its list day began, a paper's outcome is known


def own_histories() -> Iterator[History]:
    """Yield the history of every paper with a list day of its own and dated votes, by list day."""
    days = (
        Paper.objects.filter(from_archive=False)
        .exclude(listed_on=None)
        .order_by("listed_on")
        .values_list("listed_on", flat=True)
        .distinct()
    )
    for day in days:
        if day is not None:
            yield from _of_day(day)


def _of_day(day: date) -> Iterator[History]:
    read_at = list_readings([day])[day]
    settled_from = datetime.combine(day, time(0), UTC) + SETTLED
    listed = Paper.objects.filter(from_archive=False, listed_on=day).order_by("pk")
    for paper in listed.prefetch_related("observations"):
        dated = [
            (row.observed_at, row.upvotes, row.num_comments, row.github_stars)
            for row in paper.observations.all()
            if row.observed_at is not None and row.upvotes is not None
        ]
        dated.sort(key=lambda reading: reading[:2])
        if dated:
            settled = dated[-1][0] >= settled_from
            yield History(
                str(paper.pk),
                day,
                tuple(Seen(*row) for row in dated),
                max(upvotes for _, upvotes, *_ in dated) if settled else None,
                last_absence(dated[0][0], read_at),
            )
