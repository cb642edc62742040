"""Reads what is due of one source, one target after the other: one connection to each source at a time."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from papers.models import SourceRun
from papers.reading import duties
from papers.reading.fetching import fetch


def read_due(
    source: str, *, now: datetime, seconds: float, wait: Callable[[float], None] = time.sleep
) -> list[SourceRun]:
    """Read the due targets of a source; begins no other one after so many seconds. Returns the runs.

    Where somebody else is reading the source, it leaves the rest to them.
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
    return done
