"""How much attention a paper is getting, as one number that can explain itself. Pure.

Votes are read at different ages, so the latest count is first projected to what it will come to
(`papers/ranking/projection.py`). The score is the logarithm of that, plus the editor's boost. Comments and
stars of the code say next to nothing about votes to come, so they only part near-equals, and order papers
that nobody counts votes for. What nobody observed adds nothing and is labelled so.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from papers.ranking.projection import EARLIER_UP_TO, Count, expected_votes

COMMENT_WEIGHT, STAR_WEIGHT = 0.01, 0.01  # more was measured to hurt; see docs/trending.md
WEAK_VOTES, WEAK_COMMENTS, WEAK_STARS = 3, 2, 10  # fewer are no reason to read a paper, so no reader is told
ARCHIVE_RECENCY = 0.0001  # less than one comment more counts, so that it only orders equals
ARCHIVE_RECENCY_YEARS = 100
LARGEST_COUNT = 10**9
TOLD_IN_DAYS_HOURS = 48.0
PROJECTED_FROM_VOTES = 5  # fewer votes promise nothing that a reader should be told
COURSE_FROM_HOURS = 2.0  # before, chance and the hour of the listing say more than the votes
COURSE_FOR = timedelta(days=5)  # from the list day; then nine tenths of the votes are in, counted or not
COURSE = ", on course for about "

Signal = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Seen:
    """The counts one source gave at one moment; None where it did not tell."""

    observed_at: datetime | None
    upvotes: int | None = None
    num_comments: int | None = None
    github_stars: int | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a score: its name, what it adds, and what a reader is told ("" = nothing to say).

    The text is English, as editions keep it; `papers/reasons.py` reads it to say it in other languages.
    """

    name: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Score:
    """The sum of its terms, finite and rounded to nine places."""

    value: float
    terms: tuple[Term, ...]


def trending_score(
    seen: Sequence[Seen],
    *,
    listed_on: date | None,
    published_on: date | None,
    from_archive: bool,
    boost: float,
    now: datetime,
    absent_at: datetime | None = None,
) -> Score:
    """Score what was seen of a paper up to `now`; readings dated later count as read now.

    `absent_at` is when its list was last read without the paper, before it was first seen there: it had no
    votes then.
    """
    readings = sorted(seen, key=lambda reading: _moment(reading, now))
    terms = [
        _votes(readings, None if from_archive else listed_on, absent_at, now),
        _comments(readings),
        _stars(readings),
    ]
    if from_archive:
        terms.insert(0, _archive(published_on))
    terms.append(_boost(boost))
    kept = tuple(term for term in terms if term.value or term.text)
    return Score(round(math.fsum(term.value for term in kept), 9), kept)


def is_settled(listed_on: date | None, *, now: datetime) -> bool:
    """Whether a paper of that list day has about all the votes it will get."""
    return listed_on is not None and _utc(now) - _began(listed_on) > COURSE_FOR


def as_json(score: Score) -> list[dict[str, object]]:
    """Give a score's terms in the shape that is stored with a paper."""
    return [{"name": term.name, "value": term.value, "text": term.text} for term in score.terms]


def _utc(moment: datetime) -> datetime:
    """Read a time without a zone as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _moment(reading: Seen, now: datetime) -> tuple[bool, datetime, int]:
    """Order readings by time, undated ones first; of several at one moment the largest count is the last."""
    counts = (reading.upvotes, reading.num_comments, reading.github_stars)
    size = sum(_count(count) or 0 for count in counts)
    if reading.observed_at is None:
        return False, _utc(now), size
    return True, min(_utc(reading.observed_at), _utc(now)), size


def _count(value: int | None) -> int | None:
    """Keep a count within reason: no source counts below 0 or above a thousand million."""
    return None if value is None else max(0, min(int(value), LARGEST_COUNT))


def _last(counts: Iterable[int | None]) -> int | None:
    """The last count that is known."""
    known = [count for count in counts if count is not None]
    return _count(known[-1]) if known else None


def _votes(
    readings: Sequence[Seen], listed_on: date | None, absent_at: datetime | None, now: datetime
) -> Term:
    """Score the latest vote count, projected by its age where list day and time of reading are known."""
    latest = next((reading for reading in reversed(readings) if reading.upvotes is not None), None)
    if latest is None:
        return Term("votes", 0.0, "upvotes unknown")
    votes = _count(latest.upvotes) or 0
    said = f"{votes:,} upvote{'' if votes == 1 else 's'}" if votes else "no upvotes yet"
    if latest.observed_at is None or listed_on is None:
        return Term("votes", _log(votes), said)
    began = _began(listed_on)
    counts = [
        Count(_count(reading.upvotes) or 0, _hours(began, reading.observed_at, now))
        for reading in readings
        if reading.upvotes is not None and reading.observed_at is not None
    ]
    if absent_at is not None:
        counts.insert(0, Count(0, _hours(began, absent_at, now)))
    earlier = [count for count in counts if count.hours <= counts[-1].hours * EARLIER_UP_TO]
    expected = expected_votes(counts[-1], earlier[-1] if earlier else None)
    age, course = _age(counts[-1]), _course(counts[-1], expected)
    return Term("votes", _log(expected), said + age + ("" if is_settled(listed_on, now=now) else course))


def _began(listed_on: date) -> datetime:
    return datetime(listed_on.year, listed_on.month, listed_on.day, tzinfo=UTC)


def _hours(began: datetime, moment: datetime, now: datetime) -> float:
    return max(0.0, (min(_utc(moment), _utc(now)) - began).total_seconds() / 3600)


def _age(latest: Count) -> str:
    """Tell when the votes were counted."""
    if latest.hours >= TOLD_IN_DAYS_HOURS:
        return f" in {latest.hours / 24:.0f} days"
    return f" at {latest.hours:.0f} h" if latest.hours >= 1 else " in the first hour"


def _course(latest: Count, expected: float) -> str:
    """Tell how many votes to expect while many are still to come."""
    if not COURSE_FROM_HOURS <= latest.hours < TOLD_IN_DAYS_HOURS or latest.votes < PROJECTED_FROM_VOTES:
        return ""
    return f"{COURSE}{_about(expected):,}"


def _about(number: float) -> int:
    """Round to two figures: 132.6 → 130."""
    if number < 10:
        return round(number)
    step: int = 10 ** (math.floor(math.log10(number)) - 1)
    return round(number / step) * step


def _comments(readings: Sequence[Seen]) -> Term:
    comments = _last(reading.num_comments for reading in readings)
    if comments is None:
        return Term("comments", 0.0, "comments unknown")
    text = f"{comments:,} comment{'' if comments == 1 else 's'}" if comments else ""
    return Term("comments", round(COMMENT_WEIGHT * _log(comments), 6), text)


def _stars(readings: Sequence[Seen]) -> Term:
    stars = _last(reading.github_stars for reading in readings)
    if stars is None:
        return Term("stars", 0.0, "code stars unknown")
    text = f"{_short(stars)} star{'' if stars == 1 else 's'}" if stars else ""
    return Term("stars", round(STAR_WEIGHT * _log(stars), 6), text)


def _short(number: int) -> str:
    """950, 1.2k, 1M."""
    if number < 1000:
        return str(number)
    if number < 999_950:  # from here on it would be rounded to 1000k
        return f"{number / 1000:.1f}k".replace(".0k", "k")
    return f"{number / 1_000_000:.1f}M".replace(".0M", "M")


def _archive(published_on: date | None) -> Term:
    """Place an archive paper by its age among those with as many comments."""
    if published_on is None:
        return Term("archive", 0.0, "from the archive")
    span = ARCHIVE_RECENCY_YEARS * 365.25
    recency = (published_on - date(1990, 1, 1)).days / span
    return Term("archive", round(ARCHIVE_RECENCY * min(max(recency, 0.0), 1.0), 10), "from the archive")


def _boost(boost: float) -> Term:
    value = max(-1.0, min(float(boost), 1.0)) if math.isfinite(boost) else 0.0
    return Term("boost", value, "an editor's choice" if value > 0 else "")


def _log(number: float) -> float:
    return round(math.log10(1 + number), 6)
