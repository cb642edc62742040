"""Tries a topic as typed on the papers of the last 30 days, and saves nothing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Max, QuerySet

from papers.matching import Match
from papers.models import Paper, PaperTopic, Topic
from papers.topics.filing import categories_of, matcher_of
from papers.topics.phrases import PhraseIndex, parse_phrase

DAYS = 30
MOST_PAPERS = 10_000  # the latest ones; bounds the time an editor waits
SUREST, LEAST_SURE, DIFFERENCES = 20, 10, 20

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_COLUMNS = (
    *("id", "title", "abstract", "keywords", "categories", "primary_category"),
    "listed_on",
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A paper that matches, or did; `score` is above 0 up to 1, evidence the strongest terms first."""

    paper_id: int
    title: str
    score: float
    evidence: tuple[str, ...]
    is_new: bool = False  # the topic as saved does not have it

    @property
    def percent(self) -> int:
        return round(self.score * 100)


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    papers: int
    matched: int


@dataclass(slots=True)
class Trial:
    """What a topic would have matched in the window from `since` to `until`, list days, both included."""

    since: date
    until: date
    waiting: int = 0  # papers in the window; more than were tried where they are too many
    tried: int = 0
    matched: int = 0
    days: list[Day] = field(default_factory=list)  # those with papers, the latest first
    surest: list[Hit] = field(default_factory=list)
    least_sure: list[Hit] = field(default_factory=list)  # of the others, the weakest first
    compared: bool = False  # with the topic as it is filed now
    decided: int = 0  # papers about which an editor decided: no difference either way
    new: int = 0
    new_hits: list[Hit] = field(default_factory=list)
    lost: int = 0
    lost_hits: list[Hit] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)  # phrases, as typed, that no tried paper holds

    @property
    def a_day(self) -> float:
        """Matched papers on a day that has a list."""
        return self.matched / len(self.days) if self.days else 0.0

    @property
    def weekdays(self) -> list[tuple[str, float | None]]:
        """(Mon, matched papers on a Monday with a list), ...; None where no such day had one."""
        found: dict[int, list[int]] = {}
        for day in self.days:
            found.setdefault(day.date.weekday(), []).append(day.matched)
        return [
            (name, sum(found[number]) / len(found[number]) if number in found else None)
            for number, name in enumerate(_WEEKDAYS)
        ]


def try_topic(typed: Topic, *, saved: Topic | None, today: date) -> Trial:
    """Match the papers of the 30 days up to the latest list day, and compare with what `saved` has filed.

    `typed` is never saved and may have no row. Takes four queries, however many papers there are.
    """
    newest = Paper.objects.filter(listed_on__lte=today).aggregate(newest=Max("listed_on"))["newest"] or today
    trial = Trial(since=newest - timedelta(days=DAYS - 1), until=newest, compared=saved is not None)
    papers = Paper.objects.filter(
        listed_on__gte=trial.since, listed_on__lte=newest, hidden=False, withdrawn=False
    )
    trial.waiting = papers.count()
    listed: Counter[date] = Counter()
    matched: Counter[date] = Counter()
    hits: list[Hit] = []
    texts: dict[int, str] = {}  # id → title of the papers tried
    filed = _filed(saved, trial)
    for row, match in _matches(typed, papers, trial):
        listed[row["listed_on"]] += 1
        texts[row["id"]] = row["title"]
        if match is not None:
            matched[row["listed_on"]] += 1
            is_new = saved is not None and row["id"] not in filed
            hits.append(Hit(row["id"], row["title"], match.score, tuple(match.evidence), is_new))
    trial.tried, trial.matched = len(texts), len(hits)
    trial.days = [Day(day, listed[day], matched[day]) for day in sorted(listed, reverse=True)]
    _judge(trial, hits, {pk: row for pk, row in filed.items() if pk in texts}, texts)
    return trial


def _matches(
    typed: Topic, papers: QuerySet[Paper], trial: Trial
) -> Iterator[tuple[dict[str, Any], Match | None]]:
    """Each of the latest papers with the match or None; notes the phrases that none of them held."""
    matcher = matcher_of([typed])
    index = PhraseIndex(parse_phrase(line).text for line in typed.phrases)
    unused = set(range(len(typed.phrases)))
    rows = papers.order_by("-listed_on", "-pk").values(*_COLUMNS)[:MOST_PAPERS]
    for row in rows.iterator(chunk_size=1000):
        keywords = row["keywords"] or []
        if unused:
            for text in (row["title"], row["abstract"] or "", *keywords):
                unused.difference_update(index.count(text))
        found = matcher.match(row["title"], row["abstract"], keywords, categories_of(row))
        yield row, found[0] if found else None
    trial.unused = [line for number, line in enumerate(typed.phrases) if number in unused]


def _filed(saved: Topic | None, trial: Trial) -> dict[int, PaperTopic]:
    """What is filed under the topic now, by paper: matched, added and removed."""
    if saved is None:
        return {}
    window = PaperTopic.objects.filter(
        topic=saved, paper__listed_on__gte=trial.since, paper__listed_on__lte=trial.until
    )
    return {filing.paper_id: filing for filing in window}


def _judge(trial: Trial, hits: list[Hit], filed: dict[int, PaperTopic], titles: dict[int, str]) -> None:
    """Put the hits in order, and say what changes against what is filed."""
    ranked = sorted(hits, key=lambda hit: (-hit.score, -hit.paper_id))
    trial.surest = ranked[:SUREST]
    trial.least_sure = ranked[SUREST:][: -LEAST_SURE - 1 : -1]
    new = [hit for hit in ranked if hit.is_new]
    now = {hit.paper_id for hit in hits}
    lost = [
        Hit(pk, titles[pk], row.score, tuple(row.evidence))
        for pk, row in sorted(filed.items(), key=lambda item: (-item[1].score, -item[0]))
        if row.decision == PaperTopic.Decision.MATCHED and pk not in now
    ]
    trial.decided = sum(row.decision != PaperTopic.Decision.MATCHED for row in filed.values())
    trial.new, trial.new_hits = len(new), new[:DIFFERENCES]
    trial.lost, trial.lost_hits = len(lost), lost[:DIFFERENCES]
