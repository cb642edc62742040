"""Printing alone: what a new mix costs, and a reader's mail as bytes, for one edition and for a week."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median

from benchmarks.comparison import timed
from newsletter.mail import Press, Print
from newsletter.models import Edition, EditionPaper, Subscriber, TopicMix
from papers.models import Paper

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
PUBLIC_ID = "0b9cbb0e-5c1c-4a54-9a4c-6f4f8d5f4a11"
WEEK = 7


def measure(edition: Edition, mixes: Sequence[TopicMix], *, rounds: int) -> str:
    """Return microseconds of this process's CPU time, on mixes that are loaded already."""
    lines = [f"Printing {len(mixes):,} mixes: microseconds of CPU for a mix, its first mail, each other mail"]
    week = [*week_before(edition), edition]
    for name, window in (("one edition", [edition]), ("seven editions", week)):
        new, first, other = costs(window, mixes, rounds=rounds)
        lines.append(f"  {name:<14}  {new:6.0f} {first:6.0f} {other:6.0f}")
    return "\n".join(lines)


def costs(window: Sequence[Edition], mixes: Sequence[TopicMix], *, rounds: int) -> tuple[float, float, float]:
    """Medians over rounds; each has a press of its own, so the mixes' time includes rendering their cards."""
    found = [_round(window, mixes) for _ in range(rounds)]
    new, first, other = (median(column) for column in zip(*found, strict=True))
    return new, first, other


def _round(window: Sequence[Edition], mixes: Sequence[TopicMix]) -> tuple[float, float, float]:
    reader = Subscriber(email="reader@example.org")
    press = Press(window)
    prints: list[Print] = []
    new = timed(lambda: prints.extend(filter(None, map(press.print, mixes))))
    assert len(prints) == len(mixes), "every mix of these matches something"
    first, other = (timed(lambda: write(prints, reader)) for _ in range(2))
    each = 1_000_000 / len(mixes)
    return new.busy * each, first.busy * each, other.busy * each


def write(prints: Sequence[Print], reader: Subscriber) -> int:
    """Make a mail of each print and return the bytes of all."""
    return sum(len(printed.wire(reader, public_id=PUBLIC_ID, now=NOW)) for printed in prints)


def week_before(edition: Edition, *, seed: int = 3) -> list[Edition]:
    """Six more editions, oldest first, with copies of this one's papers and other scores."""
    random = Random(seed)
    rows = list(edition.entries.select_related("paper"))
    editions = []
    for ago in range(WEEK - 1, 0, -1):
        made = Edition.objects.create(
            date=edition.date - timedelta(days=ago), state=Edition.State.CLOSED, frozen_at=NOW
        )
        papers = Paper.objects.bulk_create(
            Paper(
                title=row.paper.title,
                title_key=f"{row.paper.title_key} {ago}",
                title_hash=f"{ago:x}{row.rank:015x}",
            )
            for row in rows
        )
        EditionPaper.objects.bulk_create(
            EditionPaper(
                edition=made,
                paper=paper,
                rank=row.rank,
                score=row.score * random.uniform(0.5, 1.5),
                terms=row.terms,
                matches=row.matches,
                card=row.card,
            )
            for paper, row in zip(papers, rows, strict=True)
        )
        editions.append(made)
    return editions
