"""Runs of sources around Friday 20 November 2026, written by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from papers.models import SourceRun

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (f"2026-11-{day}" for day in (17, 18, 19, 20))


def at(hour: int, minute: int = 0, day: int = 20) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def run(target: str, started: datetime, verdict: str = "ok", **fields: Any) -> SourceRun:
    source = fields.pop("source", "arxiv" if target[0].isalpha() else "huggingface")
    if verdict:
        fields = {"finished_at": started + timedelta(seconds=9), **fields}
    return SourceRun.objects.create(
        source=source, target=target, started_at=started, verdict=verdict, message="as told", **fields
    )
