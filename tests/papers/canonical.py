"""The database as one comparable value, without what may differ between two imports of the same records."""

import json
from typing import Any

from papers.models import Observation, Paper, SourceRecord

_CHANCE = {"id", "created_at", "updated_at", "trending_score", "trending_terms"}


def database() -> dict[str, list[str]]:
    """Papers, source records and observations as sorted JSON lines; a paper is named by its records."""
    records = list(SourceRecord.objects.all())
    names: dict[int, list[str]] = {}
    for record in records:
        names.setdefault(record.paper_id, []).append(f"{record.source} {record.identity}")
    return {
        "papers": _lines(
            {**_columns(paper, _CHANCE), "records": sorted(names.get(paper.pk, []))}
            for paper in Paper.objects.all()
        ),
        "records": _lines(_columns(record, {"id", "paper"}) for record in records),
        "observations": _lines(
            {**_columns(seen, {"id", "paper"}), "records": sorted(names.get(seen.paper_id, []))}
            for seen in Observation.objects.all()
        ),
    }


def _columns(row: Any, without: set[str]) -> dict[str, Any]:
    return {f.name: getattr(row, f.attname) for f in row._meta.concrete_fields if f.name not in without}


def _lines(rows: Any) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in rows)
