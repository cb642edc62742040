"""Rows for tests: plain functions with keyword arguments, each giving one saved, complete row."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from newsletter.mixes import mix_for
from newsletter.models import Delivery, Edition, EditionPaper, Subscriber
from papers.card import card_of
from papers.models import Paper, PaperTopic, Topic

_numbers = count(1)


def make_topic(*, slug: str = "", name: str = "", **fields: Any) -> Topic:
    """A topic with a name and slug that no other has; an existing one of this slug is used again."""
    number = next(_numbers)
    slug = slug or f"topic-{number}"
    name = name or (slug.replace("-", " ").capitalize() if slug else f"Topic {number}")
    topic, _ = Topic.objects.get_or_create(slug=slug, defaults={"name": name, **fields})
    return topic


def make_paper(*, title: str = "", arxiv_id: str | None = "", **fields: Any) -> Paper:
    """A listed paper with abstract and authors; `arxiv_id=None` makes one without an id."""
    number = next(_numbers)
    title = title or f"A paper about subject number {number}"
    defaults: dict[str, Any] = {
        "title": title,
        "title_key": title.casefold(),
        "title_hash": f"{number:016x}",
        "arxiv_id": f"2610.{number:05d}" if arxiv_id == "" else arxiv_id,
        "abstract": "We measure something. It turns out to be large. Others may build on it.",
        "authors": ["Ada Example", "Ben Sample"],
        "author_count": 2,
        "published_on": date(2026, 11, 18),
        "listed_on": date(2026, 11, 19),
        "upvotes": 10,
        "num_comments": 1,
    }
    return Paper.objects.create(**{**defaults, **fields})


def file_under(
    paper: Paper, topic: Topic, *, score: float = 0.8, evidence: Sequence[str] = (), **fields: Any
) -> PaperTopic:
    return PaperTopic.objects.create(
        paper=paper, topic=topic, score=score, evidence=list(evidence or [topic.name.lower()]), **fields
    )


def make_subscriber(
    *,
    email: str = "",
    topics: Mapping[Topic, str] | None = None,
    state: str = Subscriber.State.ACTIVE,
    now: datetime | None = None,
    **fields: Any,
) -> Subscriber:
    """A reader, confirmed at `now` and owed each edition frozen since the day before."""
    email = email or f"reader{next(_numbers)}@example.org"
    moment = now or timezone.now()
    if state == Subscriber.State.ACTIVE:
        fields = {"confirmed_at": moment, "active_from": moment - timedelta(days=1), **fields}
    return Subscriber.objects.create(
        email=email, email_key=email.casefold(), state=state, mix=mix_for(topics or {}), **fields
    )


def make_edition(
    *,
    date: date,
    papers: Sequence[tuple[Paper, Sequence[Topic]]] = (),
    state: str = Edition.State.FROZEN,
    **fields: Any,
) -> Edition:
    """A frozen edition of these papers in this order, each with the topics it is filed under, best first."""
    fields = {"frozen_at": timezone.now(), **fields}
    fields = {"released_at": fields["frozen_at"], **fields}
    edition = Edition.objects.create(date=date, state=state, **fields)
    for rank, (paper, topics) in enumerate(papers, start=1):
        EditionPaper.objects.create(
            edition=edition,
            paper=paper,
            rank=rank,
            score=1 / rank,
            terms=[] if paper.upvotes is None else [_term(paper.upvotes)],
            matches=[
                {"topic": topic.slug, "name": topic.name, "score": 0.8, "evidence": [topic.name.lower()]}
                for topic in topics
            ],
            card=card_of(paper),
        )
    return edition


def make_delivery(
    edition: Edition, reader: Subscriber, *, state: str = Delivery.State.PENDING, **fields: Any
) -> Delivery:
    """A row of the ledger: this edition alone, due when it was planned."""
    moment = fields.get("planned_at") or timezone.now()
    defaults: dict[str, Any] = {
        "mix": reader.mix,
        "first_on": edition.date,
        "last_on": edition.date,
        "planned_at": moment,
        "due_at": moment,
        "expires_at": moment + timedelta(hours=6),
    }
    return Delivery.objects.create(edition=edition, subscriber=reader, state=state, **{**defaults, **fields})


def _term(upvotes: int) -> dict[str, Any]:
    return {"name": "votes", "value": upvotes / 100, "text": f"{upvotes} upvotes"}
