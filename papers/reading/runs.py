"""Source runs: who reads what just now, what became of it last, and which readings were never finished."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from papers.models import SourceRun
from papers.reading.targets import Needed, Target
from papers.reading.verdicts import ANSWERED, FAILED, STALE
from papers.sources.record import Reject

LEASE = timedelta(minutes=5)  # renewed with every batch; a worker that hangs longer has lost its claim
UNCLAIMED_LIMIT = timedelta(hours=12)  # an import by hand that takes longer than this has broken off
CLOCKS_DIFFER = timedelta(
    minutes=1
)  # those of several machines; what is claimed for longer was claimed ahead
REJECTS_STORED = 200
BROKE_OFF = "it broke off: the process that read it ended without a word"
_LOCK = 0x52756E73  # "Runs"


def claim(source: str, target: str, *, now: datetime) -> SourceRun | None:
    """Open a run; None while another run of this source is under way: one connection to each, wherever from.

    The lock makes two claims one after the other, so that the second sees the row of the first.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, source])
        under_way = SourceRun.objects.filter(source=source, finished_at=None, claimed_until__gt=now)
        if any(is_claimed(run, now=now) for run in under_way.defer("rejects")):
            return None
        return SourceRun.objects.create(
            source=source, target=target[:500], started_at=now, claimed_until=now + LEASE
        )


def is_claimed(run: SourceRun, *, now: datetime) -> bool:
    """Whether somebody holds this run. A claim that goes on for longer than a lease was made while the clock
    was ahead: kept, it would lock the source until then."""
    until = run.claimed_until
    return run.finished_at is None and until is not None and now < until <= now + LEASE + CLOCKS_DIFFER


def renew(run: SourceRun, *, now: datetime) -> None:
    """Hold the claim for another while."""
    SourceRun.objects.filter(pk=run.pk, finished_at=None).update(claimed_until=now + LEASE)


def finish(run: SourceRun, verdict: str, message: str, *, rejects: Iterable[Reject], now: datetime) -> None:
    """Save the run with its counts, its verdict and the first of its rejects."""
    run.finished_at, run.claimed_until = now, None
    run.rejects = [asdict(reject) for _, reject in zip(range(REJECTS_STORED), rejects, strict=False)]
    run.verdict, run.message = verdict, message
    run.save()


def latest(
    targets: Sequence[Target], *, now: datetime, since: datetime, verdicts: Sequence[str] = ()
) -> dict[Target, SourceRun]:
    """The latest run of each target since then, or the latest that ended so. One query.

    Runs that seem to begin after `now` were made while the clock was ahead, and count for nothing.
    """
    names = {target.name for target in targets}
    found = SourceRun.objects.filter(source__in={target.source for target in targets}, target__in=names)
    found = found.filter(started_at__gte=since, started_at__lte=now)
    if verdicts:
        found = found.filter(verdict__in=verdicts)
    newest = found.order_by("source", "target", "-started_at", "-pk").distinct("source", "target")
    return {Target(run.source, run.target): run for run in newest.defer("rejects")}


def that_count(needed: Needed, *, now: datetime) -> dict[Target, SourceRun]:
    """The last readings that count for an edition: answers, where there is one, for a failure takes nothing
    away that came before.

    A feed counts if it is the one that must be there, or was judged stale; early at night it may be the old
    one still.
    """
    answered = {
        target: run
        for target, run in latest(needed.targets, now=now, since=needed.since, verdicts=ANSWERED).items()
        if needed.newest is None or run.verdict == STALE or (run.day is not None and run.day >= needed.newest)
    }
    return latest(needed.targets, now=now, since=needed.since, verdicts=[FAILED]) | answered


def is_missing(run: SourceRun | None) -> bool:
    """Whether a reading is wanted still: it was not made, it failed, or it broke off and will be repeated."""
    return run is None or run.verdict == FAILED or run.retry_at is not None


def sweep(*, now: datetime) -> int:
    """Close the runs whose process was killed; returns how many there were."""
    lost = Q(claimed_until__lte=now) | Q(claimed_until__gt=now + LEASE + CLOCKS_DIFFER)
    lost |= Q(claimed_until=None, started_at__lte=now - UNCLAIMED_LIMIT)
    return SourceRun.objects.filter(lost, finished_at=None).update(
        finished_at=now,
        claimed_until=None,
        retry_at=now,
        verdict=SourceRun.Verdict.FAILED,
        message=BROKE_OFF,
    )
