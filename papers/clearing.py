"""Clears the rows that say how sources were read and papers filed, long ago. Each call is one bounded batch.

The latest run of each source, and the latest filing that was done, always stay.
"""

from datetime import datetime, timedelta

from django.db import connection

# What the admin can show: a year, and a month to compare with the one before. For the newsletter's rows too.
KEPT = timedelta(days=400)

_SOURCE_RUNS = """
    DELETE FROM papers_sourcerun WHERE id IN (
        SELECT id FROM papers_sourcerun
         WHERE started_at < %(before)s AND finished_at IS NOT NULL
           AND id NOT IN (SELECT max(id) FROM papers_sourcerun GROUP BY source)
         ORDER BY id LIMIT %(limit)s)
"""
_FILING_RUNS = """
    DELETE FROM papers_filingrun WHERE id IN (
        SELECT id FROM papers_filingrun
         WHERE asked_at < %(before)s AND finished_at IS NOT NULL
           AND id NOT IN (SELECT max(id) FROM papers_filingrun GROUP BY outcome)
         ORDER BY id LIMIT %(limit)s)
"""


def clear_source_runs(limit: int, *, now: datetime) -> int:
    """Clear at most so many old readings of sources; return how many went."""
    return _delete(_SOURCE_RUNS, limit, now)


def clear_filing_runs(limit: int, *, now: datetime) -> int:
    """Clear at most so many old wishes to file anew that have ended; return how many went."""
    return _delete(_FILING_RUNS, limit, now)


def _delete(statement: str, limit: int, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"before": now - KEPT, "limit": limit})
        return int(cursor.rowcount)
