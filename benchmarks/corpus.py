"""An invented library of papers for searching: words as uneven as in real text, the same on every run."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import accumulate, islice
from random import Random

from django.db import connection

from papers.models import Paper, PaperTopic, Topic

VOCABULARY = 40_000
COMMON = 12  # the rank of "model": about six papers in ten have it
ABSTRACT, TITLE = (90, 170), (5, 12)  # words, from and to
LAST_DAY = date(2026, 11, 20)
TOPICS = 28
CHUNK = 2_000
_SYLLABLES = """ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo zu bra cle dri fro gla"""


def fill(number: int, *, seed: int = 3, progress: Callable[[int], None] | None = None) -> list[str]:
    """Save `number` papers, a hundred a day up to LAST_DAY, each filed under two topics.

    Returns the words, the most frequent first. `progress` is told how many papers there are.
    """
    random = Random(seed)
    words, weights = vocabulary(random)
    topics = Topic.objects.bulk_create(
        Topic(slug=f"shelf-{place}", name=f"Shelf {place}") for place in range(TOPICS)
    )
    papers = (_paper(place, number, words, weights, random) for place in range(number))
    done = 0
    while chunk := list(islice(papers, CHUNK)):
        rows = Paper.objects.bulk_create(chunk)
        PaperTopic.objects.bulk_create(
            PaperTopic(paper=row, topic=topic, score=0.8)
            for row in rows
            for topic in random.sample(topics, 2)
        )
        done += len(rows)
        if progress:
            progress(done)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return words


def vocabulary(random: Random) -> tuple[list[str], list[float]]:
    """Words and their cumulative weights: the word of rank k is said 1/(k + 10) as often as the first."""
    words = [str(place) for place in range(VOCABULARY)]
    syllables = _SYLLABLES.split()
    taken = set()
    for place in range(VOCABULARY):
        while (word := "".join(random.choices(syllables, k=random.choice((2, 3, 3, 4))))) in taken:
            pass
        taken.add(word)
        words[place] = word
    words[COMMON] = "model"
    return words, list(accumulate(1 / (place + 10) for place in range(VOCABULARY)))


def _paper(place: int, number: int, words: list[str], weights: list[float], random: Random) -> Paper:
    def text(lengths: tuple[int, int]) -> list[str]:
        return random.choices(words, cum_weights=weights, k=random.randint(*lengths))

    title = " ".join(text(TITLE))
    day = LAST_DAY - timedelta(days=(number - place) // 100)
    return Paper(
        title=title,
        title_key=f"searched {place}",
        title_hash=f"{place:016x}",
        arxiv_id=f"{2000 + place // 100_000}.{place % 100_000:05d}",
        abstract=" ".join(text(ABSTRACT)),
        keywords=text((2, 5)) if place % 3 == 0 else None,
        authors=["Ada Example", "Ben Sample"],
        published_on=day,
        listed_on=day,
        upvotes=random.randint(0, 90),
    )
