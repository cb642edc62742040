"""How the sources stand, in words: before an edition is made, and at any moment for the desk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.conf import settings

from papers.models import SourceRun
from papers.reading import calendars, runs
from papers.reading.plans import PLANS
from papers.reading.targets import Target
from papers.reading.timetable import FORGOTTEN_AFTER, GRACE
from papers.reading.verdicts import ANSWERED, FAILED, FRESH, OK, PARTIAL, QUIET, STALE

TOLD_FOR = timedelta(days=366)  # a source that was not read for longer counts as never read
# Sources are waited for only so long: an edition that is not made by midnight is missed.
BEFORE_MIDNIGHT = timedelta(minutes=5)
NEVER_READ = "never read"
_WORST_FIRST = (FAILED, STALE, PARTIAL, OK, QUIET)


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source stands. `text` goes on after the source's name; `detail` is for the desk only."""

    source: str
    verdict: str
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """`awaited`: a reading may still bring more. `states`: how each source stands if nobody waits."""

    awaited: bool
    states: Sequence[SourceState]

    @property
    def broken(self) -> list[SourceState]:
        return [state for state in self.states if state.verdict in (FAILED, STALE)]


def ready(*, freeze: datetime, since: datetime, now: datetime) -> Readiness:
    """Whether the edition that freezes at `freeze` can be made.

    Each list of its days must have been read since `fresh_from`, and the newest feed of each category. What
    failed is tried again until GRACE has passed since `since`, when the edition was first wanted, or until
    the day is almost over.
    """
    readings = [_readiness(source, freeze, now) for source in settings.NEWSLETTER_SOURCES]
    missing = any(one_is_missing for one_is_missing, _ in readings)
    midnight = datetime.combine(freeze.date() + timedelta(days=1), time(), UTC)
    until = min(since + GRACE, midnight - BEFORE_MIDNIGHT)
    return Readiness(awaited=missing and now < until, states=[state for _, state in readings])


def _readiness(source: str, freeze: datetime, now: datetime) -> tuple[bool, SourceState]:
    """Whether a reading of this source is missing, and how it stands."""
    needed = PLANS[source].needed(freeze=freeze)
    counting = runs.that_count(needed, now=now)
    missing = any(runs.is_missing(counting.get(target)) for target in needed.targets)
    return missing, _state(source, needed.targets, counting, now)


def standing(*, now: datetime) -> list[SourceState]:
    """How each source stands just now: by the last reading of everything of it that is watched."""
    states = []
    for source in settings.NEWSLETTER_SOURCES:
        targets = PLANS[source].watched(now=now)
        last = runs.latest(targets, now=now, since=now - FORGOTTEN_AFTER, verdicts=_WORST_FIRST)
        states.append(_state(source, [target for target in targets if target in last], last, now))
    return states


def _state(
    source: str, targets: Sequence[Target], last: dict[Target, SourceRun], now: datetime
) -> SourceState:
    """The worst of a source's targets, in words; one that is not in `last` counts as failed."""
    found = [last.get(target) for target in targets]
    words = [run.verdict if run else FAILED for run in found] or [FAILED]
    word = next(one for one in _WORST_FIRST if one in words)
    such = sorted((run for run in found if run and run.verdict == word), key=lambda run: run.started_at)
    detail = such[-1].message if such else ""
    if word == OK and len(such) > 1:
        detail = f"{sum(run.read_count for run in such):,} records in {len(such)} readings"
    if word in (OK, QUIET, PARTIAL):
        started = max(run.started_at for run in found if run).astimezone(UTC)
        return SourceState(
            source, word, f"{'read in part' if word == PARTIAL else 'read'} at {started:%H:%M} UTC", detail
        )
    faulty = [target for target, one in zip(targets, words, strict=False) if one == word]
    if word == STALE:
        return SourceState(source, word, _since("stale", faulty, targets, FRESH, now) or "stale", detail)
    return SourceState(source, word, _since("not read", faulty, targets, ANSWERED, now) or NEVER_READ, detail)


def _since(
    words: str,
    faulty: Sequence[Target],
    all_targets: Sequence[Target],
    verdicts: Sequence[str],
    now: datetime,
) -> str:
    """ "stale since Thursday 19 November, 23:40 UTC", by the last readings that ended well: the oldest of the
    faulty ones', or else the source's latest; "" where there is none."""
    since = now - TOLD_FOR
    good = runs.latest(faulty, now=now, since=since, verdicts=verdicts).values()
    moments = [run.started_at.astimezone(UTC) for run in good]
    if not moments:
        every = runs.latest(all_targets, now=now, since=since, verdicts=verdicts).values()
        moments = [max(run.started_at.astimezone(UTC) for run in every)] if every else []
    return (
        f"{words} since {calendars.in_words(min(moments).date())}, {min(moments):%H:%M} UTC"
        if moments
        else ""
    )
