"""Saves readings as observations and keeps the papers' latest counts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from papers.models import Observation, SourceRecord
from papers.sources.record import Reading

COUNTS = ("upvotes", "num_comments", "github_stars")
_Key = tuple[Any, ...]


def save_readings(readings: Sequence[tuple[SourceRecord, Reading]]) -> list[bool]:
    """Save each reading as an observation of its row's paper; for each, whether it told anything new.

    A reading with a time is one observation per row and moment, of which the higher counts are kept; one
    without is one observation per row and content.
    """
    if not readings:
        return []
    known = _known(readings)
    created: dict[_Key, Observation] = {}
    changed: dict[_Key, Observation] = {}
    answers = []
    for row, reading in readings:
        key = _key(row.paper_id, row.source, row.identity, reading)
        observation = known.get(key)
        if observation is None:
            known[key] = created[key] = Observation(
                paper_id=row.paper_id,
                source=row.source,
                identity=row.identity,
                observed_at=reading.observed_at,
                **{name: getattr(reading, name) for name in COUNTS},
            )
            answers.append(True)
            continue
        answers.append(_raise(observation, reading))
        if answers[-1] and key not in created:
            changed[key] = observation
    Observation.objects.bulk_create(created.values())
    Observation.objects.bulk_update(changed.values(), COUNTS)
    return answers


def _key(paper_id: int, source: str, identity: str, seen: Reading | Observation) -> _Key:
    counts = () if seen.observed_at else tuple(getattr(seen, name) for name in COUNTS)
    return (paper_id, source, identity, seen.observed_at, *counts)


def _known(readings: Sequence[tuple[SourceRecord, Reading]]) -> dict[_Key, Observation]:
    papers = {row.paper_id for row, _ in readings}
    moments = {reading.observed_at for _, reading in readings if reading.observed_at}
    found: list[Observation] = []
    if moments:
        found += Observation.objects.filter(paper__in=papers, observed_at__in=moments)
    if any(reading.observed_at is None for _, reading in readings):
        found += Observation.objects.filter(paper__in=papers, observed_at=None)
    return {_key(seen.paper_id, seen.source, seen.identity, seen): seen for seen in found}


def _raise(observation: Observation, reading: Reading) -> bool:
    """Lift the observation's counts to those of another reading of the same moment; whether that changed
    any."""
    changed = False
    for name in COUNTS:
        old, new = getattr(observation, name), getattr(reading, name)
        if new is not None and (old is None or new > old):
            setattr(observation, name, new)
            changed = True
    return changed


def latest_counts(paper_ids: Iterable[int], *, as_of: datetime | None = None) -> dict[int, dict[str, Any]]:
    """For each paper its latest known counts and when they were seen: dated ones beat undated ones.

    Each count on its own, since sources tell different ones; `observed_at` is the latest moment of all. With
    `as_of`, what was seen later is not known.
    """
    best: dict[int, dict[str, tuple[bool, str, int]]] = defaultdict(dict)
    moments: dict[int, datetime] = {}
    papers = list(paper_ids)
    seen = Observation.objects.filter(paper__in=papers)
    if as_of is not None:
        seen = seen.filter(Q(observed_at=None) | Q(observed_at__lte=as_of))
    for paper_id, observed_at, *counts in seen.values_list("paper_id", "observed_at", *COUNTS):
        if observed_at and (paper_id not in moments or observed_at > moments[paper_id]):
            moments[paper_id] = observed_at
        when = observed_at.isoformat() if observed_at else ""
        for name, count in zip(COUNTS, counts, strict=True):
            if count is not None:
                candidate = (bool(observed_at), when, count)
                best[paper_id][name] = max(best[paper_id].get(name, candidate), candidate)
    return {
        paper: {name: best[paper][name][2] if name in best[paper] else None for name in COUNTS}
        | {"observed_at": moments.get(paper)}
        for paper in papers
    }
