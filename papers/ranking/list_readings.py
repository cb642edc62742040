"""When the daily lists were read, as the papers' observations tell."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime

from papers.models import Observation

# Whose answers are whole lists; a feed of single papers says nothing of those it leaves out.
LISTS = "huggingface"


def list_readings(days: Collection[date]) -> Mapping[date, list[datetime]]:
    """Give the moments at which the lists of these days were read; other days have none. One query."""
    found: dict[date, list[datetime]] = defaultdict(list)
    moments = (
        Observation.objects.filter(
            source=LISTS,
            observed_at__isnull=False,
            paper__listed_on__in=days,
            paper__from_archive=False,
        )
        .values_list("paper__listed_on", "observed_at")
        .distinct()
    )
    for day, observed_at in moments:
        if day is not None and observed_at is not None:
            found[day].append(observed_at)
    return found
