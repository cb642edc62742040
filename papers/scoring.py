"""Applies the trending formula to papers: what was seen of them as of a moment, as a score with its terms."""

from collections.abc import Collection
from datetime import datetime

from papers.models import Paper
from papers.trending import Score, Seen, as_json, trending_score


def score_of(paper: Paper, *, as_of: datetime) -> Score:
    """Score a paper by what was seen of it up to `as_of`. For many, prefetch `observations`."""
    seen = [
        Seen(row.observed_at, row.upvotes, row.num_comments, row.github_stars)
        for row in paper.observations.all()
        if row.observed_at is None or row.observed_at <= as_of
    ]
    return trending_score(
        seen,
        listed_on=paper.listed_on,
        published_on=paper.published_on,
        from_archive=paper.from_archive,
        boost=paper.boost,
        now=as_of,
    )


def score_papers(paper_ids: Collection[int], *, now: datetime) -> int:
    """Store the score and its terms on these papers, for lists and pages; return how many changed.

    An edition scores anew as of its freeze: it never reads what is stored here.
    """
    changed = []
    for paper in Paper.objects.filter(pk__in=paper_ids).prefetch_related("observations"):
        score = score_of(paper, as_of=now)
        terms = as_json(score)
        if (paper.trending_score, paper.trending_terms) != (score.value, terms):
            paper.trending_score, paper.trending_terms = score.value, terms
            changed.append(paper)
    return Paper.objects.bulk_update(changed, ["trending_score", "trending_terms"], batch_size=200)
