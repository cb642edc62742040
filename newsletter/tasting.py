"""More or less of a topic because of one paper: what the two links beside each paper in a mail do.

A topic moves by one step in the reader's mix, and what moved is kept, so that it can be seen and undone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Q

from newsletter.mixes import mix_for
from newsletter.models import EditionPaper, MixTopic, Subscriber, WeightChange
from newsletter.reader_row import locked
from papers.models import Paper, PaperTopic, Topic

OFF, LESS, NORMAL, MORE = WeightChange.OFF, *MixTopic.Weight.values
SHOWN_FOR = timedelta(days=30)
SHOWN = 5
# What is older is of no use to the reader, so it is not stored either.
KEPT_FOR = timedelta(days=90)


class Direction(StrEnum):
    MORE = "more"
    LESS = "less"


NEXT = {
    Direction.MORE: {OFF: NORMAL, LESS: NORMAL, NORMAL: MORE, MORE: MORE},
    Direction.LESS: {MORE: NORMAL, NORMAL: LESS, LESS: OFF, OFF: OFF},
}


@dataclass(frozen=True, slots=True)
class Step:
    """How a topic would move for a reader: weights are off, less, normal or more."""

    topic: Topic
    before: str
    after: str
    narrows: bool  # the reader has no topics and gets the overall top: afterwards this topic alone
    widens: bool  # the reader's only topic would go: afterwards the overall top

    @property
    def is_at_end(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True, slots=True)
class Lately:
    """A change and whether the topic is still where it put it."""

    change: WeightChange
    may_be_undone: bool


def paper_named(key: str) -> Paper | None:
    """The paper that a link in a mail names by arXiv id or hash of its title; None if hidden or unknown.

    A paper that had no arXiv id when it was mailed may have one by now.
    """
    if "\0" in key:
        return None
    by_key = Paper.objects.filter(Q(arxiv_id=key) | Q(title_hash=key), hidden=False)
    return by_key.order_by("id").first()


def steps(reader: Subscriber, paper: Paper, direction: Direction) -> list[Step]:
    """How each topic of the paper would move, the one it stood under in the reader's mail first.

    Only of topics that the reader follows can there be less.
    """
    weights = _weights(reader)
    found = [_step(topic, weights, direction) for topic in _topics_of(paper)]
    followed = [step for step in found if step.before != OFF]
    others = [step for step in found if step.before == OFF]
    return followed + others if direction is Direction.MORE else followed


def move(
    subscriber_id: int, paper: Paper, topic: Topic, direction: Direction, *, before: str, now: datetime
) -> WeightChange | None:
    """Move the topic by one step and return what was changed; None, and no change, where the topic is no
    longer where the reader saw it (`before`), is at the end, is none of the paper's, or the reader has left.

    The same once more returns the first change: a second press of a button is no second wish.
    """
    with transaction.atomic():
        reader = locked(pk=subscriber_id)
        if reader.state != Subscriber.State.ACTIVE or topic not in _topics_of(paper):
            return None
        weights = _weights(reader)
        step = _step(topic, weights, direction)
        if step.before != before:
            return _pressed_before(reader, paper, step, before, direction)
        if step.is_at_end:
            return None
        _put(reader, weights, topic, step.after)
        reader.weight_changes.filter(changed_at__lt=now - KEPT_FOR).delete()
        return WeightChange.objects.create(
            subscriber=reader, topic=topic, paper=paper, before=before, after=step.after, changed_at=now
        )


def undo(subscriber_id: int, change_id: int, *, now: datetime) -> WeightChange | None:
    """Put a topic back to where it was before this change of this reader; None, and no change, where it was
    moved again since, was undone before, or the reader has left."""
    with transaction.atomic():
        reader = locked(pk=subscriber_id)
        changes = reader.weight_changes.select_related("topic", "paper")
        change = changes.filter(pk=change_id, undone_at=None).first()
        weights = _weights(reader)
        if (
            change is None
            or reader.state != Subscriber.State.ACTIVE
            or weights.get(change.topic, OFF) != change.after
        ):
            return None
        _put(reader, weights, change.topic, change.before)
        change.undone_at = now
        change.save(update_fields=["undone_at"])
    return change


def lately(reader: Subscriber, *, now: datetime) -> list[Lately]:
    """What the reader's links changed in the last weeks and was not undone, newest first; some at most."""
    since = reader.weight_changes.filter(changed_at__gt=now - SHOWN_FOR, undone_at=None)
    changes = list(since.select_related("topic", "paper")[:SHOWN])
    weights = _weights(reader) if changes else {}
    newest: dict[int, int] = {}
    for change in changes:
        newest.setdefault(change.topic_id, change.pk)
    return [
        Lately(
            change,
            newest[change.topic_id] == change.pk and weights.get(change.topic, OFF) == change.after,
        )
        for change in changes
    ]


def _weights(reader: Subscriber) -> dict[Topic, str]:
    return {choice.topic: choice.weight for choice in reader.mix.choices.select_related("topic")}


def _topics_of(paper: Paper) -> list[Topic]:
    """The topics that it was printed under, best first; of a paper not printed, those it is filed under."""
    entry = EditionPaper.objects.filter(paper=paper).only("matches").first()
    slugs = [match["topic"] for match in entry.matches] if entry else []
    if not slugs:
        filings = paper.filings.exclude(decision=PaperTopic.Decision.REMOVED).order_by("-score", "topic_id")
        slugs = list(filings.values_list("topic__slug", flat=True))
    known = {topic.slug: topic for topic in Topic.objects.filter(slug__in=slugs, is_active=True)}
    return [known[slug] for slug in slugs if slug in known]


def _step(topic: Topic, weights: dict[Topic, str], direction: Direction) -> Step:
    before = weights.get(topic, OFF)
    after = NEXT[direction][before]
    return Step(
        topic,
        before,
        after,
        narrows=not weights and after != OFF,
        widens=weights.keys() == {topic} and after == OFF,
    )


def _put(reader: Subscriber, weights: dict[Topic, str], topic: Topic, weight: str) -> None:
    kept = {one: value for one, value in weights.items() if one != topic}
    wanted = kept if weight == OFF else {**kept, topic: weight}
    old = reader.mix
    reader.mix = mix_for(wanted, length=old.length, language=old.language, when_empty=old.when_empty)
    reader.save(update_fields=["mix"])


def _pressed_before(
    reader: Subscriber, paper: Paper, step: Step, before: str, direction: Direction
) -> WeightChange | None:
    """The change that an earlier press of this very button made, where it still holds."""
    made = reader.weight_changes.filter(paper=paper, topic=step.topic, before=before, undone_at=None)
    return made.filter(after=step.before).first() if NEXT[direction].get(before) == step.before else None
