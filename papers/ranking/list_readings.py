"""When the daily lists were read whole, as the papers' observations and the runs that made them tell."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime

from django.db.models import Q

from papers.models import Observation, SourceRun
from papers.reading.targets import LEFT_OUT, Target

# Whose answers are whole lists; a feed of single papers says nothing of those it leaves out.
LISTS = "huggingface"
_END = datetime.max.replace(tzinfo=UTC)  # of a run that has not ended

Span = tuple[datetime, datetime]


def list_readings(days: Collection[date]) -> Mapping[date, list[datetime]]:
    """Give the moments at which the lists of these days were read whole; other days have none. Two queries.

    Only a run of that very day which ended well has read its list whole: papers that one which broke off did
    not come to, and those that a run for single papers did not ask for, may have stood on the list.
    Moments at which we read nothing ourselves are those of imported recordings, which are whole answers.
    """
    moments = _moments(days)
    found: dict[date, list[datetime]] = defaultdict(list)
    if not moments:
        return found
    times = [moment for _, moment in moments]
    runs = _runs(min(times), max(times))
    every = [span for spans in runs.values() for span in spans]
    for day, moment in moments:
        if _is_within(moment, runs.get((day, True), ())) or not _is_within(moment, every):
            found[day].append(moment)
    return found


def _moments(days: Collection[date]) -> list[tuple[date, datetime]]:
    rows = (
        Observation.objects.filter(
            source=LISTS,
            observed_at__isnull=False,
            paper__listed_on__in=days,
            paper__from_archive=False,
        )
        .values_list("paper__listed_on", "observed_at")
        .distinct()
    )
    return [(day, moment) for day, moment in rows if day is not None and moment is not None]


def _runs(first: datetime, last: datetime) -> Mapping[tuple[date | None, bool], list[Span]]:
    """When we read the source ourselves in that time, by list day (None: single papers) and whether it went
    well.

    Imports are not among these: their targets are names of files.
    """
    rows = SourceRun.objects.filter(
        Q(finished_at=None) | Q(finished_at__gte=first),
        Q(target=LEFT_OUT) | Q(target__regex=r"^\d{4}-\d{2}-\d{2}$"),
        source=LISTS,
        started_at__lte=last,
    ).values_list("target", "verdict", "started_at", "finished_at")
    spans: dict[tuple[date | None, bool], list[Span]] = defaultdict(list)
    for target, verdict, began, ended in rows:
        day = _day(target)
        if day or target == LEFT_OUT:
            spans[day, verdict == SourceRun.Verdict.OK].append((began, ended or _END))
    return spans


def _day(target: str) -> date | None:
    try:
        return Target(LISTS, target).day
    except ValueError:  # the name of a file that looks like a day
        return None


def _is_within(moment: datetime, spans: Sequence[Span]) -> bool:
    return any(began <= moment <= ended for began, ended in spans)
