"""Which readings of the sources are due, and whether an edition has what it should be made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db.models import QuerySet

from papers import calendars, pacing, singles
from papers.models import Paper, SourceRun
from papers.targets import LEFT_OUT, LOOKUP, Target
from papers.verdicts import FAILED, OK, PARTIAL, QUIET, STALE

LISTS = 3  # an edition takes the papers of so many days, which are read again until it is frozen
LAST_READING = timedelta(minutes=15)  # so long before the freeze they are read for the last time
FORGOTTEN_AFTER = timedelta(days=30)  # older runs say nothing of what is due
GRACE = timedelta(minutes=90)  # how long an edition waits for sources that fail
_WORST_FIRST = (FAILED, STALE, PARTIAL, OK, QUIET)
_ANSWERED = (OK, QUIET, PARTIAL, STALE)
_FRESH = (OK, QUIET, PARTIAL)
NEVER_READ = "never read"

Key = tuple[str, str]


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


def fresh_from(freeze: datetime) -> datetime:
    """From when on a reading counts as the last one before the freeze: never before midnight UTC."""
    midnight = datetime.combine(freeze.date(), time(), UTC)
    return max(midnight, freeze - LAST_READING)


def window(day: date) -> list[date]:
    """The list days whose papers the edition of `day` takes, the oldest first, without weekends."""
    days = [day - timedelta(days=ago) for ago in range(LISTS, 0, -1)]
    return [one for one in days if calendars.has_list(one)]


def freeze_moment(day: date) -> datetime:
    """The instant at which the edition of `day` freezes; its sources are read shortly before."""
    hour, minute = (int(part) for part in str(settings.NEWSLETTER_FREEZE_AT).split(":")[:2])
    return datetime.combine(day, time(hour, minute), UTC)


def due(*, now: datetime) -> list[Target]:
    """What is to be read now, the oldest list first."""
    freeze = freeze_moment(now.astimezone(UTC).date())
    targets = [target for source in settings.NEWSLETTER_SOURCES for target in watched(source, now)]
    targets += _singles(now, freeze)
    lately = now - FORGOTTEN_AFTER
    latest = _latest(targets, since=lately)
    answered = _latest(targets, verdicts=_ANSWERED, since=lately)
    resting = {
        source for source in settings.NEWSLETTER_SOURCES if pacing.rests_until(source, now=now) is not None
    }
    return [
        target
        for target in targets
        if target.source not in resting
        and _is_due(target, latest.get(_key(target)), answered.get(_key(target)), now, freeze)
    ]


def watched(source: str, now: datetime) -> list[Target]:
    """What the timetable reads of a source, the oldest first."""
    if source == "arxiv":
        return [Target("arxiv", category) for category in settings.NEWSLETTER_ARXIV_CATEGORIES]
    today = now.astimezone(UTC).date()
    days = [*window(today), *([today] if calendars.has_list(today) else [])]
    return [Target("huggingface", day.isoformat()) for day in days]


def off_their_lists(*, now: datetime) -> QuerySet[Paper]:
    """Candidates of the coming edition that the last reading of their lists did not show any more."""
    freeze = freeze_moment(now.astimezone(UTC).date())
    return singles.off_their_lists(window(freeze.date()), read_since=fresh_from(freeze))


def _singles(now: datetime, freeze: datetime) -> list[Target]:
    """Single papers are asked for when there are any; those of the edition only after its lists were read."""
    found = []
    if "arxiv" in settings.NEWSLETTER_SOURCES and singles.without_categories(now=now).exists():
        found.append(Target("arxiv", LOOKUP))
    is_time = fresh_from(freeze) <= now < freeze + GRACE
    if "huggingface" in settings.NEWSLETTER_SOURCES and is_time and not _readiness("huggingface", freeze)[0]:
        done = _latest([Target("huggingface", LEFT_OUT)]).get(("huggingface", LEFT_OUT))
        is_done = done is not None and done.started_at >= fresh_from(freeze)
        if not is_done and off_their_lists(now=now).exists():
            found.append(Target("huggingface", LEFT_OUT))
    return found


def _is_due(
    target: Target, latest: SourceRun | None, answered: SourceRun | None, now: datetime, freeze: datetime
) -> bool:
    if latest is None:
        return True
    if latest.finished_at is None:
        return latest.claimed_until is None or latest.claimed_until <= now
    is_last = fresh_from(freeze) <= now and latest.started_at < fresh_from(freeze)
    if is_last and target.day in window(freeze.date()):
        return True  # also where it has failed lately: this is the reading that counts
    if latest.retry_at is not None:
        return latest.retry_at <= now
    if (
        target.is_feed
        and answered is not None
        and _has_feed_of(answered, calendars.latest_possible_feed(now))
    ):
        return False
    return latest.started_at <= now - timedelta(minutes=settings.NEWSLETTER_FETCH_MINUTES)


def ready(*, freeze: datetime, since: datetime, now: datetime) -> Readiness:
    """Whether the edition that freezes at `freeze` can be made.

    Each list of its days must have been read since `fresh_from`, and each feed since it was made. What
    failed is tried again until GRACE has passed since `since`, when the edition was first wanted.
    """
    readings = [_readiness(source, freeze) for source in settings.NEWSLETTER_SOURCES]
    missing = any(one_is_missing for one_is_missing, _ in readings)
    return Readiness(awaited=missing and now < since + GRACE, states=[state for _, state in readings])


def _readiness(source: str, freeze: datetime) -> tuple[bool, SourceState]:
    """Whether a reading of this source is missing, and how it stands."""
    if source == "arxiv":
        targets = watched(source, freeze)
        since = calendars.feed_moment(calendars.latest_feed(freeze))
    else:
        targets = [Target(source, day.isoformat()) for day in window(freeze.date())]
        since = fresh_from(freeze)
    finished = _latest(targets, verdicts=_WORST_FIRST)
    fresh = {key: run for key, run in finished.items() if run.started_at >= since}
    missing = any(_is_missing(fresh.get(_key(target))) for target in targets)
    return missing, _state(source, targets, fresh)


def _is_missing(run: SourceRun | None) -> bool:
    """Whether a reading is wanted still: it was not made, it failed, or it broke off and will be repeated."""
    return run is None or run.verdict == FAILED or run.retry_at is not None


def standing(*, now: datetime) -> list[SourceState]:
    """How each source stands just now: by the last reading of everything of it that is watched."""
    states = []
    for source in settings.NEWSLETTER_SOURCES:
        targets = watched(source, now)
        last = _latest(targets, verdicts=_WORST_FIRST)
        states.append(_state(source, [target for target in targets if _key(target) in last], last))
    return states


def _state(source: str, targets: Sequence[Target], last: dict[Key, SourceRun]) -> SourceState:
    """The worst of a source's targets, in words; one that is not in `last` counts as failed."""
    runs = [last.get(_key(target)) for target in targets]
    words = [run.verdict if run else FAILED for run in runs] or [FAILED]
    word = next(one for one in _WORST_FIRST if one in words)
    detail = next((run.message for run in runs if run and run.verdict == word), "")
    if word in (OK, QUIET, PARTIAL):
        started = max(run.started_at for run in runs if run).astimezone(UTC)
        return SourceState(
            source, word, f"{'read in part' if word == PARTIAL else 'read'} at {started:%H:%M} UTC", detail
        )
    faulty = [target for target, one in zip(targets, words, strict=False) if one == word]
    if word == STALE:
        return SourceState(source, word, _since("stale", faulty, targets, _FRESH) or "stale", detail)
    return SourceState(source, word, _since("not read", faulty, targets, _ANSWERED) or NEVER_READ, detail)


def _since(
    words: str, faulty: Sequence[Target], all_targets: Sequence[Target], verdicts: Sequence[str]
) -> str:
    """ "stale since Thursday 19 November, 23:40 UTC", by the last readings that ended well: the oldest of the
    faulty ones', or else the source's latest; "" where there is none."""
    moments = [run.started_at.astimezone(UTC) for run in _latest(faulty, verdicts=verdicts).values()]
    if not moments:
        every = _latest(all_targets, verdicts=verdicts).values()
        moments = [max(run.started_at.astimezone(UTC) for run in every)] if every else []
    return (
        f"{words} since {calendars.in_words(min(moments).date())}, {min(moments):%H:%M} UTC"
        if moments
        else ""
    )


def _has_feed_of(run: SourceRun, day: date) -> bool:
    return run.verdict != STALE and run.day is not None and run.day >= day


def _latest(
    targets: Sequence[Target], verdicts: Sequence[str] = (), since: datetime | None = None
) -> dict[Key, SourceRun]:
    """The latest run of each target, or the latest that ended so. One query."""
    names = {target.name for target in targets}
    runs = SourceRun.objects.filter(source__in={target.source for target in targets}, target__in=names)
    if since:
        runs = runs.filter(started_at__gt=since)
    if verdicts:
        runs = runs.filter(verdict__in=verdicts)
    newest = runs.order_by("source", "target", "-started_at", "-pk").distinct("source", "target")
    return {(run.source, run.target): run for run in newest.defer("rejects")}


def _key(target: Target) -> Key:
    return target.source, target.name
