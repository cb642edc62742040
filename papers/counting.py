"""How many papers stand under a topic, for its page and for the list of all topics."""

from typing import Any, cast

from django.core.cache import caches
from django.db.models import Count, Max, Q

from papers.listing import REMOVED, active_topics
from papers.models import Paper, PaperTopic, Topic

KEPT = 60  # seconds
_ANY = Q()
# All less the hidden: a join with all papers, to leave those out, takes ten times as long.
_OF_HIDDEN = Q(paper__in=Paper.objects.filter(hidden=True))


def topics_with_counts() -> list[Any]:
    """Every topic a reader can follow, each with `paper_count`, the papers filed under it.

    Three or four queries. A new filing and a paper that is hidden are counted at once; a paper that is taken
    from a topic may still be counted for a minute.
    """
    rows: list[Any] = active_topics()
    filed, hidden = _filed(), _by_topic(_OF_HIDDEN)
    for row in rows:
        row.paper_count = filed.get(row.pk, 0) - hidden.get(row.pk, 0)
    return rows


def count_under(topic: Topic) -> int:
    """How many listed papers are filed under this topic. Two queries."""
    filings = PaperTopic.objects.filter(topic=topic).exclude(decision=REMOVED)
    return filings.count() - filings.filter(_OF_HIDDEN).count()


def _filed() -> dict[int, int]:
    """All filings, by topic. To count them, the whole table is read: tens of milliseconds of a large one."""
    latest = PaperTopic.objects.aggregate(latest=Max("pk"))["latest"]
    kept = caches["template_fragments"].get_or_set(f"filed-through-{latest}", lambda: _by_topic(_ANY), KEPT)
    return cast("dict[int, int]", kept)


def _by_topic(which: Q) -> dict[int, int]:
    filings = PaperTopic.objects.filter(which).exclude(decision=REMOVED)
    return dict(filings.order_by().values_list("topic").annotate(Count("pk")))
