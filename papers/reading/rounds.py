"""Reads what is due of one source, one target after the other: one connection to each source at a time."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType

from celery.exceptions import SoftTimeLimitExceeded

from papers.models import SourceRun
from papers.reading import duties
from papers.reading.fetching import fetch
from papers.reading.verdicts import FAILED

logger = logging.getLogger(__name__)


def read_due(
    source: str, *, now: datetime, seconds: float, wait: Callable[[float], None] = time.sleep
) -> list[SourceRun]:
    """Read the due targets of a source; begins no other one after so many seconds. Returns the runs.

    Where somebody else is reading the source, it leaves the rest to them; where a reading fails, to the next
    tick, since the source would most likely fail again and keep a process busy.
    """
    begun = time.monotonic()
    done: list[SourceRun] = []
    tried: set[str] = set()
    while (passed := time.monotonic() - begun) <= seconds:
        moment = now + timedelta(seconds=passed)
        waiting = [target for target in duties.due(now=moment) if target.source == source]
        target = next((one for one in waiting if one.name not in tried), None)
        if target is None:
            break
        tried.add(target.name)
        run = fetch(target, now=moment, wait=wait)
        if run is None:
            break
        done.append(run)
        if run.verdict == FAILED:
            break
    return done


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Stop what is under way after so many seconds, as a worker's soft limit does: the run is finished.

    For processes without a worker. Does nothing outside of the main thread, where no signal comes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except SoftTimeLimitExceeded:
        logger.warning("Reading was stopped after %g seconds; the next tick goes on", seconds)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SoftTimeLimitExceeded
