"""Which readings of the sources are due, and which of them an edition needs."""

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
GRACE = timedelta(minutes=90)  # how long an edition waits for sources that fail
AWAY = GRACE - timedelta(minutes=15)  # who was off for so long missed most of that time: it begins anew
ANSWERED = (OK, QUIET, PARTIAL, STALE)
FRESH = (OK, QUIET, PARTIAL)


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
    latest = runs.latest(targets, now=now, since=lately)
    answered = runs.latest(targets, now=now, since=lately, verdicts=ANSWERED)
    resting = {
        source for source in settings.NEWSLETTER_SOURCES if pacing.rests_until(source, now=now) is not None
    }
    return [
        target
        for target in targets
        if target.source not in resting
        and _is_due(target, latest.get(target), answered.get(target), now, freeze)
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
    read = SourceRun.objects.filter(source="arxiv", day__in=days, verdict__in=FRESH)
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
        verdict__in=ANSWERED,
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
    if now < since or runs.latest([target], now=now, since=since, verdicts=FRESH):
        return False
    targets, fresh = fresh_readings("huggingface", freeze, now)
    lists = [fresh.get(target) for target in targets]
    # Of a stale list nothing is known that would be better in an hour.
    if any(is_missing(run) and not (run and run.verdict == STALE) for run in lists):
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


def fresh_readings(
    source: str, freeze: datetime, now: datetime
) -> tuple[list[Target], dict[Target, SourceRun]]:
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
        target: run
        for target, run in runs.latest(targets, now=now, since=since, verdicts=ANSWERED).items()
        if newest is None or run.verdict == STALE or (run.day is not None and run.day >= newest)
    }
    return targets, runs.latest(targets, now=now, since=since, verdicts=[FAILED]) | answered


def is_missing(run: SourceRun | None) -> bool:
    """Whether a reading is wanted still: it was not made, it failed, or it broke off and will be repeated."""
    return run is None or run.verdict == FAILED or run.retry_at is not None


def _has_feed_of(run: SourceRun, day: date) -> bool:
    """One that came in part is read again, for it may be whole then."""
    return run.verdict in (OK, QUIET) and run.day is not None and run.day >= day
