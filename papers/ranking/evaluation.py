"""Ranks past papers as they could have been ranked then, and compares with how they ended. Pure.

Two moments are judged. At noon of every list day: the papers of the last three list days, that day's own
among them. And at 00:30 of every day, when its edition freezes: the papers listed on one of the three days
before. Only what had been read before the moment is known, and only papers whose outcome is known count.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean

from papers.ranking.histories import History
from papers.ranking.measures import comparable_pairs, ndcg, ordered_share
from papers.trending import Seen, trending_score

PLACES = 10
LISTS = 3  # that are ranked together
NOON, FREEZE = time(12), time(0, 30)
GRAVITY = 1.8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper at the moment of ranking: what is known of it, latest last, and how it ended."""

    listed_on: date
    known: Sequence[Seen]
    outcome: int
    absent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over days, 0 to 1; None where no day could be judged."""

    ndcg: float | None
    ordered: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """One moment: `days` with candidates, `pair_days` of them with pairs from different list days."""

    moment: str
    days: int
    pair_days: int
    candidates: int
    pairs: int
    qualities: Mapping[str, Quality]


def _trending(candidate: Candidate, now: datetime) -> float:
    """Score as the product does; there is no editor."""
    return trending_score(
        candidate.known,
        listed_on=candidate.listed_on,
        published_on=None,
        from_archive=False,
        boost=0.0,
        now=now,
        absent_at=candidate.absent_at,
    ).value


def _upvotes(candidate: Candidate, now: datetime) -> float:
    return candidate.known[-1].upvotes or 0


def _votes_per_hour(candidate: Candidate, now: datetime) -> float:
    """Divide by the hours in which the votes came: up to the reading, not up to now."""
    counted_at = candidate.known[-1].observed_at or now
    return _upvotes(candidate, now) / max(_hours(candidate, counted_at), 1.0)


def _gravity(candidate: Candidate, now: datetime) -> float:
    """Pull papers down as they age, as link sites do: by the hours up to now."""
    return float(_upvotes(candidate, now) / (_hours(candidate, now) + 2) ** GRAVITY)


def _hours(candidate: Candidate, moment: datetime) -> float:
    return max(0.0, (moment - _at(candidate.listed_on, time(0))).total_seconds() / 3600)


RANKINGS: Mapping[str, Callable[[Candidate, datetime], float]] = {
    "ours": _trending,
    "upvotes": _upvotes,
    "votes_per_hour": _votes_per_hour,
    "gravity": _gravity,
}


def evaluate(
    histories: Sequence[History], progress: Callable[[str, int, int], None] | None = None
) -> list[Report]:
    """Judge every ranking at both moments; `progress` is told the moment, days done and days in all."""
    lists: dict[date, list[History]] = defaultdict(list)
    for history in histories:
        lists[history.listed_on].append(history)
    reports = []
    for name, pools in (("noon", list(_noons(sorted(lists)))), ("freeze", list(_freezes(sorted(lists))))):
        tally = _Tally()
        for done, (now, days) in enumerate(pools, start=1):
            tally.add(now, _candidates(now, (history for day in days for history in lists[day])))
            if progress:
                progress(name, done, len(pools))
        reports.append(tally.report(name))
    return reports


def _noons(days: Sequence[date]) -> Iterator[tuple[datetime, Sequence[date]]]:
    """(noon, the last three list days) of every list day."""
    for place, day in enumerate(days):
        yield _at(day, NOON), days[max(0, place + 1 - LISTS) : place + 1]


def _freezes(days: Sequence[date]) -> Iterator[tuple[datetime, Sequence[date]]]:
    """(freeze, the list days of its window) of every day with a list in the three days before."""
    known = set(days)
    for day in sorted({day + timedelta(days=later) for day in known for later in range(1, LISTS + 1)}):
        window = [day - timedelta(days=before) for before in range(LISTS, 0, -1)]
        yield _at(day, FREEZE), [before for before in window if before in known]


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, UTC)


def _candidates(now: datetime, histories: Iterator[History]) -> list[Candidate]:
    found = []
    for history in histories:
        known = [seen for seen in history.readings if seen.observed_at is not None and seen.observed_at < now]
        if known and history.outcome is not None:
            found.append(Candidate(history.listed_on, known, history.outcome, history.absent_at))
    return found


class _Tally:
    """Adds days up to a report."""

    def __init__(self) -> None:
        self.days = self.candidates = self.pairs = 0
        self._ndcgs: dict[str, list[float]] = {name: [] for name in RANKINGS}
        self._ordered: dict[str, list[float]] = {name: [] for name in RANKINGS}

    def add(self, now: datetime, candidates: Sequence[Candidate]) -> None:
        """Judge one day; one without candidates, or whose papers all ended without a vote, says nothing."""
        outcomes = [candidate.outcome for candidate in candidates]
        if not any(outcomes):
            return
        pairs = comparable_pairs(outcomes, [candidate.listed_on for candidate in candidates])
        self.days += 1
        self.candidates += len(candidates)
        self.pairs += len(pairs)
        for name, ranking in RANKINGS.items():
            scores = [ranking(candidate, now) for candidate in candidates]
            for values, value in (
                (self._ndcgs[name], ndcg(scores, outcomes, PLACES)),
                (self._ordered[name], ordered_share(scores, pairs)),
            ):
                if value is not None:
                    values.append(value)

    def report(self, moment: str) -> Report:
        return Report(
            moment=moment,
            days=self.days,
            pair_days=len(self._ordered["ours"]),
            candidates=self.candidates,
            pairs=self.pairs,
            qualities={
                name: Quality(_mean(self._ndcgs[name]), _mean(self._ordered[name])) for name in RANKINGS
            },
        )


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
