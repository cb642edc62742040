"""Brings the columns of papers up to date with their source records and observations."""

from collections import defaultdict
from collections.abc import Iterable

from django.utils import timezone

from papers.folding import Row, fold
from papers.models import Paper, SourceRecord
from papers.observing import latest_counts


def refold(paper_ids: Iterable[int]) -> set[int]:
    """Recompute these papers and save those that changed; returns their ids. Editors' columns are not
    touched."""
    papers = Paper.objects.in_bulk(list(paper_ids))
    rows: dict[int, list[Row]] = defaultdict(list)
    for record in SourceRecord.objects.filter(paper__in=papers):
        rows[record.paper_id].append(as_row(record))
    counts = latest_counts(papers)
    changed: list[Paper] = []
    columns: list[str] = []
    for pk, paper in papers.items():
        if pk not in rows:  # made by hand in the admin: nothing to fold
            continue
        wanted = fold(rows[pk]) | counts[pk]
        columns = columns or list(wanted)
        if any(getattr(paper, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(paper, name, value)
            paper.updated_at = timezone.now()
            changed.append(paper)
    if changed:
        # One INSERT ... ON CONFLICT (id) DO UPDATE: bulk_update would write a CASE for every cell.
        Paper.objects.bulk_create(
            changed, update_conflicts=True, unique_fields=["id"], update_fields=[*columns, "updated_at"]
        )
    return {paper.pk for paper in changed}


def as_row(record: SourceRecord) -> Row:
    """The part of a saved record that the fold reads."""
    return Row(
        source=record.source,
        arxiv_id=record.arxiv_id,
        payload=record.payload,
        list_days=record.list_days,
        first_read_on=record.first_read_on,
        decided_by_editor=record.decided_by_editor,
    )
