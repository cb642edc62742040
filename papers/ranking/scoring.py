"""Applies the trending formula to papers: what was seen of them as of a moment, as a score with its terms."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from papers.models import Paper
from papers.ranking.arrival import last_absence
from papers.ranking.list_readings import list_readings
from papers.trending import Score, Seen, as_json, trending_score


def score_of(paper: Paper, *, as_of: datetime, list_read_at: Iterable[datetime] = ()) -> Score:
    """Score a paper by what was seen of it up to `as_of`. For many, prefetch `observations`.

    `list_read_at`: when the paper's list was read; without it, nobody knows that a paper came late.
    """
    seen = [
        Seen(row.observed_at, row.upvotes, row.num_comments, row.github_stars)
        for row in paper.observations.all()
        if row.observed_at is None or row.observed_at <= as_of
    ]
    first_seen = min((reading.observed_at for reading in seen if reading.observed_at), default=None)
    return trending_score(
        seen,
        listed_on=paper.listed_on,
        published_on=paper.published_on,
        from_archive=paper.from_archive,
        boost=paper.boost,
        now=as_of,
        absent_at=last_absence(first_seen, list_read_at) if first_seen else None,
    )


def rank_scores(papers: Sequence[Paper], *, as_of: datetime) -> list[Score]:
    """Score papers that are ranked together, each with what the readings of its list tell of its arrival.

    For many, prefetch `observations`.
    """
    lists = list_readings({paper.listed_on for paper in papers if paper.listed_on})
    return [
        score_of(paper, as_of=as_of, list_read_at=lists[paper.listed_on] if paper.listed_on else ())
        for paper in papers
    ]


def score_papers(paper_ids: Collection[int], *, now: datetime) -> int:
    """Store the score and its terms on these papers, for lists and pages; return how many changed.

    An edition scores anew as of its freeze: it never reads what is stored here. What is stored hangs on the
    paper's own readings alone, so that the order of imports cannot change it.
    """
    changed = []
    for paper in Paper.objects.filter(pk__in=paper_ids).prefetch_related("observations"):
        score = score_of(paper, as_of=now)
        terms = as_json(score)
        if (paper.trending_score, paper.trending_terms) != (score.value, terms):
            paper.trending_score, paper.trending_terms = score.value, terms
            changed.append(paper)
    return Paper.objects.bulk_update(changed, ["trending_score", "trending_terms"], batch_size=200)
