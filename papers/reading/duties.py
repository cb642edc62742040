"""Which readings of the sources are due."""

from datetime import datetime, timedelta

from django.conf import settings

from papers.models import SourceRun
from papers.reading import calendars, pacing, runs
from papers.reading.plans import PLANS
from papers.reading.targets import LEFT_OUT, Target
from papers.reading.timetable import FORGOTTEN_AFTER, fresh_from, todays_freeze, window
from papers.reading.verdicts import ANSWERED, OK, QUIET


def due(*, now: datetime) -> list[Target]:
    """What is to be read now: the oldest list first, and what was missed while nothing ran last."""
    plans = [PLANS[source] for source in settings.NEWSLETTER_SOURCES]
    targets = [target for plan in plans for target in plan.watched(now=now)]
    targets += [target for plan in plans for target in plan.besides(now=now)]
    lately = now - FORGOTTEN_AFTER
    latest = runs.latest(targets, now=now, since=lately)
    answered = runs.latest(targets, now=now, since=lately, verdicts=ANSWERED)
    resting = {
        source for source in settings.NEWSLETTER_SOURCES if pacing.rests_until(source, now=now) is not None
    }
    freeze = todays_freeze(now)
    return [
        target
        for target in targets
        if target.source not in resting
        and _is_due(target, latest.get(target), answered.get(target), now, freeze)
    ]


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
    if target.is_feed and answered is not None and _is_the_newest(answered, now):
        return False
    return latest.started_at <= now - timedelta(minutes=settings.NEWSLETTER_FETCH_MINUTES)


def _is_the_newest(run: SourceRun, now: datetime) -> bool:
    """Whether this feed is the last there can be. One that came in part is read again, for it may be whole
    then."""
    newest = calendars.latest_possible_feed(now)
    return run.verdict in (OK, QUIET) and run.day is not None and run.day >= newest
