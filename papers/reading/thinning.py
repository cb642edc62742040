"""Thins old observations, so that hourly readings do not pile up for ever.

Of each paper, source and record: all readings of the last 7 days stay; of older ones the last of each quarter
of a day (00-06, 06-12, 12-18, 18-24 h UTC); of those older than 90 days the last of each day. Undated ones,
the latest one, and the latest that tells each count always stay. Running it twice changes nothing more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from django.db import transaction

from papers.models import Mark, Observation

ALL_FOR = timedelta(days=7)
QUARTERS_FOR = timedelta(days=90)
PAPERS_A_STEP = 500
CHORE = "observations are thinned"
EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a reading is judged by: its row, its moment, and which of the three counts it tells."""

    pk: int
    observed_at: datetime
    tells: tuple[bool, bool, bool]


def surplus(history: Iterable[Kept], *, now: datetime) -> list[int]:
    """Which rows of one record's dated readings may go."""
    ordered = sorted(history, key=lambda reading: (reading.observed_at, reading.pk))
    kept = {reading.pk for reading in ordered[-1:]}
    for count in range(3):
        kept |= {reading.pk for reading in [one for one in ordered if one.tells[count]][-1:]}
    for _, group in groupby(ordered, key=lambda reading: _slot(reading.observed_at, now)):
        kept.add(list(group)[-1].pk)
    return [reading.pk for reading in ordered if reading.pk not in kept]


def _slot(moment: datetime, now: datetime) -> object:
    """Of readings in one slot the last stays. Slots of days lie whole on one side of each limit."""
    utc = moment.astimezone(UTC)
    day = utc.date()
    today = now.astimezone(UTC).date()
    if day > today - ALL_FOR:
        return moment
    return day if day <= today - QUARTERS_FOR else (day, utc.hour // 6)


def go_on(*, now: datetime) -> int:
    """Do one step of the day's thinning, if it is not done; returns how many rows went.

    One process at a time: where another is at it, this does nothing. A step takes the next papers in the
    order of their ids, so a day's work may be stopped anywhere.
    """
    Mark.objects.get_or_create(name=CHORE, defaults={"at": now - EVERY})
    with transaction.atomic():
        mark = (
            Mark.objects.select_for_update(skip_locked=True).filter(name=CHORE, at__lte=now - EVERY).first()
        )
        if mark is None:
            return 0
        old = Observation.objects.filter(paper__gt=mark.position, observed_at__lte=now - ALL_FOR)
        papers = list(old.order_by("paper").values_list("paper", flat=True).distinct()[:PAPERS_A_STEP])
        gone = thin(papers, now=now)
        mark.position = papers[-1] if papers else 0
        if not papers:
            mark.at = now
        mark.save()
    return gone


def thin(paper_ids: list[int], *, now: datetime) -> int:
    """Thin the observations of these papers; returns how many rows went."""
    rows = Observation.objects.filter(paper__in=paper_ids, observed_at__isnull=False).order_by(
        "paper", "source", "identity"
    )
    values = rows.values_list(
        "paper", "source", "identity", "pk", "observed_at", "upvotes", "num_comments", "github_stars"
    )
    going: list[int] = []
    for _, group in groupby(values.iterator(), key=lambda row: row[:3]):
        history = [
            Kept(pk, moment, (votes is not None, comments is not None, stars is not None))
            for _, _, _, pk, moment, votes, comments, stars in group
            if moment is not None
        ]
        going += surplus(history, now=now)
    gone: int = Observation.objects.filter(pk__in=going).delete()[0] if going else 0
    return gone
