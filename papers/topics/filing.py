"""Files papers under topics by matching. Never touches what an editor decided."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import transaction

from papers.matching import Match, Matcher, TopicRule
from papers.models import Paper, PaperTopic, Topic
from papers.topics.learned import current_weights
from papers.topics.phrases import PhraseError, parse_phrase

CHUNK = 1000  # papers held in memory at once, and filed in one transaction

_COLUMNS = ("id", "title", "abstract", "keywords", "categories", "primary_category")
_MATCHED = PaperTopic.Decision.MATCHED


def file_papers(paper_ids: Sequence[int] | None) -> int:
    """Match papers (None = all) anew and save what changed; returns how many filings were written or removed.

    Filings that no longer match are removed. An editor's filings (added or removed) are left as they are.
    """
    topics = list(Topic.objects.filter(is_active=True))  # read once, so that matcher and ids agree
    matcher, ids = matcher_of(topics), {topic.slug: topic.pk for topic in topics}
    return sum(_file(chunk, matcher, ids) for chunk in _chunks(paper_ids))


def matcher_of(topics: Iterable[Topic]) -> Matcher:
    """Make a matcher of any topics, also of copies that are not saved, and of the learned weights in use."""
    return Matcher([rule_of(topic) for topic in topics], current_weights())


def rule_of(topic: Topic) -> TopicRule:
    """A topic as matching sees it; a phrase that cannot be read is passed over."""
    readable = [line for line in topic.phrases if _readable(line)]
    return TopicRule(topic.slug, topic.name, readable, topic.categories)


def _readable(line: str) -> bool:
    try:
        parse_phrase(line)
    except PhraseError:
        return False
    return True


def _chunks(paper_ids: Sequence[int] | None) -> Iterator[list[dict[str, Any]]]:
    """Read the papers' text in chunks; ids that do not exist are passed over."""
    if paper_ids is None:
        rows = Paper.objects.order_by("pk").values(*_COLUMNS).iterator(chunk_size=CHUNK)
        while chunk := list(islice(rows, CHUNK)):
            yield chunk
        return
    ids = sorted(set(paper_ids))
    for start in range(0, len(ids), CHUNK):
        yield list(Paper.objects.filter(pk__in=ids[start : start + CHUNK]).values(*_COLUMNS))


def categories_of(row: dict[str, Any]) -> list[str]:
    """The paper's categories with the primary one first."""
    categories: list[str] = row["categories"] or []
    primary: str | None = row["primary_category"]
    return [primary, *(one for one in categories if one != primary)] if primary else categories


def _file(chunk: list[dict[str, Any]], matcher: Matcher, topics: dict[str, int]) -> int:
    """Bring one chunk's filings in step, in at most five statements."""
    wanted: dict[tuple[int, int], Match] = {}
    for row in chunk:
        for match in matcher.match(row["title"], row["abstract"], row["keywords"], categories_of(row)):
            wanted[row["id"], topics[match.topic]] = match
    with transaction.atomic():
        # Locked, so that an editor's decision made meanwhile is waited for and then seen.
        filings = PaperTopic.objects.select_for_update().filter(paper__in=[row["id"] for row in chunk])
        kept = {(filing.paper_id, filing.topic_id): filing for filing in filings.order_by("pk")}
        stale = [
            filing.pk for key, filing in kept.items() if filing.decision == _MATCHED and key not in wanted
        ]
        new, changed = [], []
        for (paper_id, topic_id), match in wanted.items():
            filing = kept.get((paper_id, topic_id))
            evidence = list(match.evidence)
            if filing is None:
                new.append(
                    PaperTopic(paper_id=paper_id, topic_id=topic_id, score=match.score, evidence=evidence)
                )
            elif filing.decision == _MATCHED and (filing.score, filing.evidence) != (match.score, evidence):
                filing.score, filing.evidence = match.score, evidence
                changed.append(filing)
        if stale:
            PaperTopic.objects.filter(pk__in=stale).delete()
        PaperTopic.objects.bulk_update(changed, ["score", "evidence"], batch_size=CHUNK)
        # Another process may have filed the same paper since: its row is as good as ours.
        PaperTopic.objects.bulk_create(new, ignore_conflicts=True, batch_size=CHUNK)
    return len(new) + len(changed) + len(stale)
