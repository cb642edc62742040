"""Searching a large library, and similar papers: this project beside plain Django's full text and icontains.

What is measured is the time that the database's answers take, as one process sees it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection
from django.db.models import F, Q, QuerySet

from benchmarks.comparison import same
from papers.models import Paper, PaperWords
from papers.search import finding as search
from papers.search.asking import read
from papers.search.page import answer, read_form
from papers.search.similar import with_reasons
from papers.search.translating import translate

PAGE = 20
SIMILAR_TO = 15  # papers, picked at random


@dataclass(frozen=True, slots=True)
class Row:
    """One question, and the milliseconds of each round that each way took."""

    what: str
    ours: Sequence[float]
    peers: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def __str__(self) -> str:
        line = f"  {self.what:46} {median(self.ours):7.1f} ms (to {max(self.ours):.1f})"
        for name, times in self.peers.items():
            line += f"   {name} {median(times):7.1f} ms, × {median(times) / median(self.ours):.0f}"
        return line


@dataclass
class _Clock:
    milliseconds: float = 0.0

    def __call__(self, execute: Callable[..., Any], *args: Any) -> Any:
        began = perf_counter()
        try:
            return execute(*args)
        finally:
            self.milliseconds += 1000 * (perf_counter() - began)


def compare(words: Sequence[str], *, rounds: int) -> str:
    """Search for words of a corpus, the most frequent first; raises Different where answers are not equal."""
    common, often, rare = words[0], words[200], words[20_000]
    questions = {
        "model": "a word of half the papers",
        common: "the most frequent word",
        f"{common} model": "two frequent words",
        f"model -{often}": "one without another",
        often: "a word of some thousand papers",
        rare: "a rare word",
    }
    check(rare)
    lines = [f"Searching {Paper.objects.count():,} papers: database time of the first page, {rounds} rounds"]
    for typed, what in questions.items():
        peers = {
            "plain full text": [_timed(plain, typed) for _ in range(rounds)],
            "icontains": [_timed(icontains, typed) for _ in range(rounds)],
        }
        found = search.find(translate(read(typed)), search.Filters(), page=1, size=PAGE)
        number = f"{found.count:,}" if found.is_exact else f"about {found.rounded:,}"
        times = [_timed(ours, typed) for _ in range(rounds)]
        lines.append(str(Row(f"{what} ({number})", times, peers)))
    phrase = f'"{common} {words[1]}"'
    lines.append(
        str(Row("a phrase of the two most frequent words", [_timed(ours, phrase) for _ in range(rounds)]))
    )
    lines.append(
        str(Row("a beginning of three letters", [_timed(ours, f"{common[:3]}*") for _ in range(rounds)]))
    )
    return "\n".join([*lines, _similar(rounds)])


def check(rare: str) -> None:
    """Both full-text ways must find the same papers of a word that is rare enough to be ranked in full."""
    wanted = translate(read(rare))
    first = search.find(wanted, search.Filters(), page=1, size=search.NEWEST)
    expected = set(_plain_hits(rare).values_list("pk", flat=True))
    same(f"papers with {rare}", sorted(expected), sorted(first.ids))
    same(f"number of papers with {rare}", len(expected), first.count)


def ours(typed: str) -> Sequence[int]:
    """All statements of a page, by the function that the view calls."""
    return answer(read_form({"q": typed}, [], []), page=1).found.ids


def plain(typed: str) -> Sequence[int]:
    """What Django's documentation shows, with the vector in an indexed column, and the number of papers."""
    hits = _plain_hits(typed)
    ranked = hits.annotate(rank=SearchRank(F("everything"), _query(typed))).order_by("-rank", "-day", "-pk")
    ids = list(ranked.values_list("pk", flat=True)[:PAGE])
    hits.count()
    list(Paper.objects.filter(pk__in=ids))
    return ids


def icontains(typed: str) -> Sequence[int]:
    """What a site without full text does. Finds parts of words too."""
    wanted = Q()
    for word in typed.split():
        part = Q(title__icontains=word.lstrip("-")) | Q(abstract__icontains=word.lstrip("-"))
        wanted &= ~part if word.startswith("-") else part
    hits = Paper.objects.filter(wanted, hidden=False)
    hits.count()
    return [paper.pk for paper in hits.order_by("-listed_on", "-pk")[:PAGE]]


def _query(typed: str) -> SearchQuery:
    return SearchQuery(typed, config="english", search_type="websearch")


def _plain_hits(typed: str) -> QuerySet[PaperWords]:
    return PaperWords.objects.filter(is_listed=True, everything=_query(typed))


def _similar(rounds: int) -> str:
    ids = list(Paper.objects.order_by("pk").values_list("pk", flat=True))
    papers = [Paper.objects.get(pk=pk) for pk in Random(4).sample(ids, min(SIMILAR_TO, len(ids)))]
    times = [_timed(with_reasons, paper) for paper in papers for _ in range(rounds)]
    peer = [_timed(plain_similar, paper) for paper in papers]
    row = Row(f"similar papers, of {len(papers)} papers", times, {"ranked by the title's words": peer})
    return f"Similar papers: database time\n{row}"


def plain_similar(paper: Paper) -> Sequence[int]:
    """Papers with any of the title's words, ranked in full."""
    query = SearchQuery(paper.title.split()[0], config="english", search_type="plain")
    for word in paper.title.split()[1:]:
        query = query | SearchQuery(word, config="english", search_type="plain")
    hits = PaperWords.objects.filter(is_listed=True, everything=query).exclude(pk=paper.pk)
    return list(
        hits.annotate(rank=SearchRank(F("everything"), query))
        .order_by("-rank")
        .values_list("pk", flat=True)[:5]
    )


def _timed(work: Callable[[Any], object], about: object) -> float:
    with _clock() as clock:
        work(about)
    return clock.milliseconds


@contextmanager
def _clock() -> Iterator[_Clock]:
    clock = _Clock()
    with connection.execute_wrapper(clock):
        yield clock
