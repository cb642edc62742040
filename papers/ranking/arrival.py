"""When a paper came onto its list, as far as readings of the list can tell. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

# One reading takes several requests, whose answers are minutes apart.
ONE_READING = timedelta(minutes=30)


def last_absence(first_seen: datetime, list_readings: Iterable[datetime]) -> datetime | None:
    """Tell when its list was last read without the paper, before it was first seen; None if never."""
    before = [moment for moment in list_readings if moment <= first_seen - ONE_READING]
    return max(before, default=None)
