"""Reads one source once: asks it, saves what comes, and leaves a SourceRun with a verdict."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db.models import QuerySet

from papers.ingest import IngestReport, count, save_records
from papers.models import SourceRun
from papers.reading import pacing, runs
from papers.reading.plans import PLANS
from papers.reading.targets import Errand, Target
from papers.reading.verdicts import FAILED, PARTIAL, Outcome, judge
from papers.sources.http import Client, FetchError
from papers.sources.record import PaperRecord, Records, SourceError

logger = logging.getLogger(__name__)

BATCH = 50  # a page of Hugging Face
TIMEOUT = (10.0, 30.0)  # seconds to connect, and between two bytes
DEADLINE = 60.0  # seconds for one request with its body
MAX_BYTES = 16_000_000  # a list of 50 papers has about 300 KB
ATTEMPTS = 3
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=1)  # after failures in a row
_STOPS = (KeyboardInterrupt, SystemExit, SoftTimeLimitExceeded)


@dataclass
class _Reading:
    """A run under way. Its clock goes on from when its errand began."""

    errand: Errand
    run: SourceRun
    report: IngestReport
    wait: Callable[[float], None]
    is_early: bool = False
    days: Counter[date] = field(default_factory=Counter)  # list days that the papers told
    started: float = field(default_factory=time.monotonic)

    @property
    def target(self) -> Target:
        return self.errand.target

    @property
    def begun(self) -> datetime:
        return self.errand.begun

    def now(self) -> datetime:
        return self.begun + timedelta(seconds=time.monotonic() - self.started)

    def noted(self, records: Records) -> Records:
        """The same records; the days that they tell are counted."""
        for record in records:
            if isinstance(record, PaperRecord) and record.listed_on:
                self.days[record.listed_on] += 1
            yield record


def fetch(
    target: Target,
    *,
    now: datetime,
    progress: Callable[[int], None] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> SourceRun | None:
    """Read a target and return its finished run; None where somebody else is reading that source.

    Never raises what a source does wrong: the run's verdict tells it. When the process is told to stop, the
    run is finished first, and what came before stays saved.
    """
    run = runs.claim(target.source, target.name, now=now)
    if run is None:
        return None
    reading = _Reading(Errand(target, now), run, IngestReport(target.source, target.name), wait)
    try:
        _read(reading, progress)
    except FetchError as error:
        if error.retry_after:
            pacing.rest(target.source, error.retry_after, now=reading.now())
        reading.is_early = _is_early(reading, error)
        _finish(reading, str(error))
    except SourceError as error:
        _finish(reading, str(error))
    except _STOPS:
        _finish(reading, "it was stopped")
        raise
    except Exception as error:
        _finish(reading, f"it ended in an error of ours ({type(error).__name__}), which stands in the log")
        raise
    else:
        _finish(reading)
    return run


def _read(reading: _Reading, progress: Callable[[int], None] | None) -> None:
    def saved(read: int) -> None:
        runs.renew(reading.run, now=reading.now())
        if progress:
            progress(read)

    def before_request() -> None:
        runs.renew(reading.run, now=reading.now())
        plan.take_turn(reading.wait)

    plan = PLANS[reading.target.source]
    with Client(
        user_agent=f"PaperRound/0.1 (+{settings.SITE_URL})",
        timeout=TIMEOUT,
        deadline=DEADLINE,
        max_bytes=MAX_BYTES,
        attempts=ATTEMPTS,
        wait=reading.wait,
        before_request=before_request,
        now=reading.now,
    ) as client:
        save_records(
            reading.noted(plan.records(reading.errand, client)),
            reading.report,
            first_read_on=reading.target.day or reading.begun.date(),
            now=reading.begun,
            batch_size=BATCH,
            progress=saved,
        )


def _is_early(reading: _Reading, error: FetchError) -> bool:
    """Whether Hugging Face takes the day for one to come, as it does when its clock is behind ours."""
    day = reading.target.day if reading.target.is_list else None
    return error.status == 400 and day is not None and day >= reading.begun.astimezone(UTC).date()


def _finish(reading: _Reading, error: str = "") -> None:
    run, report, now = reading.run, reading.report, reading.now()
    report.read += reading.errand.ignored
    report.unchanged += reading.errand.ignored
    run.day = reading.target.day or reading.errand.feed_date
    verdict = judge(_outcome(reading, error))
    run.retry_at = _retry_at(run, now) if verdict.again else None
    if reading.is_early and run.retry_at:
        run.retry_at = now + FIRST_PAUSE  # midnight is near
    count(run, report)
    runs.finish(run, verdict.word, verdict.sentence, rejects=report.rejects, now=now)
    log = logger.warning if verdict.word in (FAILED, PARTIAL) else logger.info
    log("%s %s: %s, %s", run.source, run.target, verdict.word, verdict.sentence)


def _outcome(reading: _Reading, error: str) -> Outcome:
    report, target = reading.report, reading.target
    saved = report.new + report.updated + report.unchanged + report.rejected
    return Outcome(
        source=target.source,
        now=reading.begun,
        read=saved if error else report.read,  # what was read when it was stopped may not be saved
        rejected=report.rejected,
        error=error,
        ignored=reading.errand.ignored,
        first_reject=report.rejects[0].reason if report.rejects else "",
        list_day=target.day if target.is_list else None,
        feed_date=reading.errand.feed_date,
        is_feed=target.is_feed,
        is_singles=target.is_singles,
        is_early=reading.is_early,
        list_of=_list_of(reading),
        most_before=_most_before(reading),
    )


def _list_of(reading: _Reading) -> date | None:
    """The other day to which more than half of these papers were submitted: then it is that day's list."""
    day, days = reading.target.day, reading.days
    if day is None or not reading.target.is_list:
        return None
    most, number = max(days.items(), key=lambda told: told[1], default=(day, 0))
    return most if most != day and number * 2 > days.total() else None


def _most_before(reading: _Reading) -> int:
    """The most records of this target's readings of the last two weeks that came whole."""
    whole = _earlier(reading.run).filter(
        verdict=SourceRun.Verdict.OK, started_at__gt=reading.begun - timedelta(days=14)
    )
    return max(whole.values_list("read_count", flat=True), default=0)


def _retry_at(run: SourceRun, now: datetime) -> datetime:
    """After one failure in five minutes, after two in ten, and so on up to an hour."""
    failures = 0
    for retry_at in _earlier(run).values_list("retry_at", flat=True)[:10]:
        if retry_at is None:
            break
        failures += 1
    pause: timedelta = min(FIRST_PAUSE * 2**failures, LONGEST_PAUSE)
    return now + pause


def _earlier(run: SourceRun) -> QuerySet[SourceRun]:
    """Other runs of the same target, the latest first."""
    same = SourceRun.objects.filter(source=run.source, target=run.target, started_at__lte=run.started_at)
    return same.exclude(pk=run.pk).order_by("-started_at", "-pk")
