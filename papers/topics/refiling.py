"""Files all papers anew after topics changed: a wish in a table, worked off chunk by chunk by anybody.

The wish (a `FilingRun`) is written with the change that asks for it. Each chunk is one transaction together
with how far it came, so whoever is killed loses one chunk at most and the next goes on where it stopped. One
worker at a time re-files; the newest wish takes over from older ones and begins at the first paper.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from django.db import transaction
from django.utils import timezone

from papers.bell import ring
from papers.locks import refile_alone, save_alone
from papers.models import FilingRun, Paper
from papers.topics.filing import file_papers

logger = logging.getLogger(__name__)

CHUNK = 1000  # papers filed in one transaction; an import waits for at most one
TASK = "papers.tasks.refile"
STALLED_AFTER = timedelta(minutes=2)  # longer than a task runs and waits in the queue


def ask(reason: str, *, now: datetime) -> FilingRun:
    """Wish for all papers to be filed anew, with the change that asks for it; then wake a worker."""
    run = FilingRun.objects.create(reason=reason[:200], asked_at=now, total=Paper.objects.count())
    transaction.on_commit(partial(ring, TASK))
    return run


def waiting() -> FilingRun | None:
    """The wish that is being worked off, or None."""
    return FilingRun.objects.filter(finished_at=None).order_by("-pk").first()


def last_done() -> FilingRun | None:
    """The filing that ended last, all papers done."""
    return FilingRun.objects.filter(outcome=FilingRun.Outcome.DONE).order_by("-finished_at").first()


def stalled(run: FilingRun, *, now: datetime) -> bool:
    """Whether nobody has worked on it for a while."""
    return now - (run.moved_at or run.asked_at) >= STALLED_AFTER


def wake(*, now: datetime, expires: float) -> bool:
    """Wake a worker where nothing has moved for a while, and say whether; for the tick.

    A task that is at work queues itself again; more of them would only crowd out others. `expires` is in
    seconds: what no worker took by then, the next tick asks for again.
    """
    run = waiting()
    if run is None or not stalled(run, now=now):
        return False
    ring(TASK, expires=expires)
    return True


def work(*, seconds: float, progress: Callable[[FilingRun], None] | None = None) -> bool:
    """File chunks for about `seconds`; whether there is more for the caller to do.

    `progress` is told the run after each chunk. Where another worker is at it, nothing is left to the caller.
    """
    deadline = monotonic() + seconds
    while True:
        run = _chunk()
        if run is None:
            return False
        if progress:
            progress(run)
        if monotonic() >= deadline:
            return waiting() is not None


def _chunk() -> FilingRun | None:
    """File the next chunk of the newest wish; None where nothing waits or another worker re-files."""
    with transaction.atomic():
        if not refile_alone():
            return None
        # No import may save meanwhile what it matched against topics as they were before.
        save_alone()
        run = waiting()
        if run is None:
            return None
        now = timezone.now()
        if run.moved_at is None:
            older = FilingRun.objects.filter(finished_at=None).exclude(pk=run.pk)
            older.update(finished_at=now, outcome=FilingRun.Outcome.SUPERSEDED)
        papers = Paper.objects.filter(pk__gt=run.done_through).order_by("pk")
        ids = list(papers.values_list("pk", flat=True)[:CHUNK])
        if ids:
            run.changed += file_papers(ids)
            run.done += len(ids)
            run.done_through = ids[-1]
        if len(ids) < CHUNK:
            run.finished_at, run.outcome = now, FilingRun.Outcome.DONE
            logger.info("Filed %s papers anew (%s): %s filings changed", run.done, run.reason, run.changed)
        run.moved_at = now
        run.save()
    return run
