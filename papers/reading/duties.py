"""Which readings of the sources are due, and whether an edition has what it should be made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db.models import Max, QuerySet

from papers.models import Paper, SourceRun
from papers.reading import calendars, pacing, runs, singles
from papers.reading.targets import LEFT_OUT, LOOKUP, Target
from papers.reading.verdicts import FAILED, OK, PARTIAL, QUIET, STALE

LISTS = 3  # an edition takes the papers of so many days, which are read again until it is frozen
CAUGHT_UP = timedelta(days=14)  # a list that was not read after its day is asked for until it is so old
LAST_READING = timedelta(minutes=15)  # so long before the freeze they are read for the last time
FORGOTTEN_AFTER = timedelta(days=30)  # older runs say nothing of what is due
TOLD_FOR = timedelta(days=366)  # a source that was not read for longer counts as never read
GRACE = timedelta(minutes=90)  # how long an edition waits for sources that fail
AWAY = GRACE - timedelta(minutes=15)  # who was off for so long missed most of that time: it begins anew
BEFORE_MIDNIGHT = timedelta(
    minutes=5
)  # but only so long, since an edition that is not made by then is missed
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
    """What is to be read now: the oldest list first, and what was missed while nothing ran last."""
    freeze = freeze_moment(now.astimezone(UTC).date())
    targets = [target for source in settings.NEWSLETTER_SOURCES for target in watched(source, now)]
    targets += [*_missed_feeds(now), *_singles(now, freeze), *_missed_lists(now)]
    lately = now - FORGOTTEN_AFTER
    latest = _latest(targets, now=now, since=lately)
    answered = _latest(targets, now=now, since=lately, verdicts=_ANSWERED)
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


def _missed_feeds(now: datetime) -> list[Target]:
    """Feeds of the last days that were never read and are no longer there: the API tells what was in them."""
    if "arxiv" not in settings.NEWSLETTER_SOURCES:
        return []
    today, current = now.astimezone(UTC).date(), calendars.latest_feed(now)
    days = [today - timedelta(days=ago) for ago in range(LISTS, 0, -1)]
    days = [day for day in days if calendars.has_feed(day) and day < current]
    read = SourceRun.objects.filter(source="arxiv", day__in=days, verdict__in=_FRESH)
    read = read.filter(started_at__gte=now - FORGOTTEN_AFTER, started_at__lte=now)
    whole = read.exclude(verdict=PARTIAL, retry_at__isnull=False).values_list("target", "day")
    done = {(name.partition(" ")[0], day) for name, day in whole}
    return [
        Target("arxiv", f"{category} {day}")
        for day in days
        for category in settings.NEWSLETTER_ARXIV_CATEGORIES
        if (category, day) not in done
    ]


def _missed_lists(now: datetime) -> list[Target]:
    """Earlier lists that nobody read after their day was over, because nothing ran for longer than LISTS."""
    if "huggingface" not in settings.NEWSLETTER_SOURCES:
        return []
    today = now.astimezone(UTC).date()
    days = [today - timedelta(days=ago) for ago in range(CAUGHT_UP.days, LISTS, -1)]
    days = [day for day in days if calendars.has_list(day)]
    answered = SourceRun.objects.filter(
        source="huggingface",
        target__in=[day.isoformat() for day in days],
        verdict__in=_ANSWERED,
        started_at__gte=now - CAUGHT_UP,
        started_at__lte=now,
    )
    last = dict(answered.order_by().values_list("target").annotate(Max("started_at")))
    return [
        Target("huggingface", day.isoformat())
        for day in days
        if day.isoformat() not in last or last[day.isoformat()].astimezone(UTC).date() <= day
    ]


def _singles(now: datetime, freeze: datetime) -> list[Target]:
    """Single papers are asked for when there are any; those of the edition only after its lists were read."""
    found = []
    if "arxiv" in settings.NEWSLETTER_SOURCES and singles.without_categories(now=now).exists():
        found.append(Target("arxiv", LOOKUP))
    if "huggingface" in settings.NEWSLETTER_SOURCES and _wants_left_out(now, freeze):
        found.append(Target("huggingface", LEFT_OUT))
    return found


def _wants_left_out(now: datetime, freeze: datetime) -> bool:
    """Once for each edition, however late the machine was switched on."""
    since = fresh_from(freeze)
    target = Target("huggingface", LEFT_OUT)
    if now < since or _latest([target], now=now, since=since, verdicts=_FRESH):
        return False
    targets, fresh = _fresh("huggingface", freeze, now)
    lists = [fresh.get(_key(target)) for target in targets]
    # Of a stale list nothing is known that would be better in an hour.
    if any(_is_missing(run) and not (run and run.verdict == STALE) for run in lists):
        return False
    return off_their_lists(now=now).exists()


def _is_due(
    target: Target, latest: SourceRun | None, answered: SourceRun | None, now: datetime, freeze: datetime
) -> bool:
    if latest is None:
        return True
    if latest.finished_at is None:
        return not runs.is_claimed(latest, now=now)
    is_last = fresh_from(freeze) <= now and latest.started_at < fresh_from(freeze)
    if is_last and (target.day in window(freeze.date()) or target.name == LEFT_OUT):
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
    targets, fresh = _fresh(source, freeze, now)
    missing = any(_is_missing(fresh.get(_key(target))) for target in targets)
    return missing, _state(source, targets, fresh, now)


def _fresh(source: str, freeze: datetime, now: datetime) -> tuple[list[Target], dict[Key, SourceRun]]:
    """What the edition needs of a source, and its last readings that count for it: answers, where there is
    one, for a failure takes nothing away that came before.

    A feed counts if it is the one that must be there, or was judged stale; early at night it may be the old
    one still.
    """
    if source == "arxiv":
        targets = watched(source, freeze)
        newest = calendars.latest_feed(freeze)
        since = calendars.feed_moment(newest)
    else:
        targets = [Target(source, day.isoformat()) for day in window(freeze.date())]
        newest, since = None, fresh_from(freeze)
    answered = {
        key: run
        for key, run in _latest(targets, now=now, since=since, verdicts=_ANSWERED).items()
        if newest is None or run.verdict == STALE or (run.day is not None and run.day >= newest)
    }
    return targets, _latest(targets, now=now, since=since, verdicts=[FAILED]) | answered


def _is_missing(run: SourceRun | None) -> bool:
    """Whether a reading is wanted still: it was not made, it failed, or it broke off and will be repeated."""
    return run is None or run.verdict == FAILED or run.retry_at is not None


def standing(*, now: datetime) -> list[SourceState]:
    """How each source stands just now: by the last reading of everything of it that is watched."""
    states = []
    for source in settings.NEWSLETTER_SOURCES:
        targets = watched(source, now)
        last = _latest(targets, now=now, since=now - FORGOTTEN_AFTER, verdicts=_WORST_FIRST)
        states.append(_state(source, [target for target in targets if _key(target) in last], last, now))
    return states


def _state(source: str, targets: Sequence[Target], last: dict[Key, SourceRun], now: datetime) -> SourceState:
    """The worst of a source's targets, in words; one that is not in `last` counts as failed."""
    runs = [last.get(_key(target)) for target in targets]
    words = [run.verdict if run else FAILED for run in runs] or [FAILED]
    word = next(one for one in _WORST_FIRST if one in words)
    such = sorted((run for run in runs if run and run.verdict == word), key=lambda run: run.started_at)
    detail = such[-1].message if such else ""
    if word == OK and len(such) > 1:
        detail = f"{sum(run.read_count for run in such):,} records in {len(such)} readings"
    if word in (OK, QUIET, PARTIAL):
        started = max(run.started_at for run in runs if run).astimezone(UTC)
        return SourceState(
            source, word, f"{'read in part' if word == PARTIAL else 'read'} at {started:%H:%M} UTC", detail
        )
    faulty = [target for target, one in zip(targets, words, strict=False) if one == word]
    if word == STALE:
        return SourceState(source, word, _since("stale", faulty, targets, _FRESH, now) or "stale", detail)
    return SourceState(
        source, word, _since("not read", faulty, targets, _ANSWERED, now) or NEVER_READ, detail
    )


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
    good = _latest(faulty, now=now, since=since, verdicts=verdicts).values()
    moments = [run.started_at.astimezone(UTC) for run in good]
    if not moments:
        every = _latest(all_targets, now=now, since=since, verdicts=verdicts).values()
        moments = [max(run.started_at.astimezone(UTC) for run in every)] if every else []
    return (
        f"{words} since {calendars.in_words(min(moments).date())}, {min(moments):%H:%M} UTC"
        if moments
        else ""
    )


def _has_feed_of(run: SourceRun, day: date) -> bool:
    """One that came in part is read again, for it may be whole then."""
    return run.verdict in (OK, QUIET) and run.day is not None and run.day >= day


def _latest(
    targets: Sequence[Target], *, now: datetime, since: datetime, verdicts: Sequence[str] = ()
) -> dict[Key, SourceRun]:
    """The latest run of each target since then, or the latest that ended so. One query.

    Runs that seem to begin after `now` were made while the clock was ahead, and count for nothing.
    """
    names = {target.name for target in targets}
    found = SourceRun.objects.filter(source__in={target.source for target in targets}, target__in=names)
    found = found.filter(started_at__gte=since, started_at__lte=now)
    if verdicts:
        found = found.filter(verdict__in=verdicts)
    newest = found.order_by("source", "target", "-started_at", "-pk").distinct("source", "target")
    return {(run.source, run.target): run for run in newest.defer("rejects")}


def _key(target: Target) -> Key:
    return target.source, target.name
