"""This installation's own observations as vote histories, so that its ranking can be judged on them."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from papers.histories import History
from papers.models import Paper
from papers.trending import Seen

SETTLED = timedelta(hours=72)  # counted this long after its list day began, a paper's outcome is known
_CHUNK = 500


def own_histories() -> Iterator[History]:
    """Yield the history of every paper with a list day of its own and dated votes, by list day."""
    papers = (
        Paper.objects.filter(
            from_archive=False, observations__upvotes__isnull=False, observations__observed_at__isnull=False
        )
        .exclude(listed_on=None)
        .distinct()
        .order_by("listed_on", "pk")
        .prefetch_related("observations")
    )
    for paper in papers.iterator(chunk_size=_CHUNK):
        if paper.listed_on is None:
            continue
        began = datetime.combine(paper.listed_on, time(0), UTC)
        dated = sorted(
            (row.observed_at, row.upvotes, row.num_comments, row.github_stars)
            for row in paper.observations.all()
            if row.observed_at is not None and row.upvotes is not None
        )
        settled = any(observed_at >= began + SETTLED for observed_at, *_ in dated)
        yield History(
            str(paper.pk),
            paper.listed_on,
            tuple(Seen(*row) for row in dated),
            max(upvotes for _, upvotes, *_ in dated) if settled else None,
        )
