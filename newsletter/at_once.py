"""The edition that is out now, for a reader who does not want to wait for the next: one row of the ledger.

The scheduled mail of that edition then does not follow, since a reader has one row for each edition. Where
everybody takes the paper as soon as it is out, an edition is closed within minutes: for who subscribes later
in the day it is opened once more, and closes again behind that mail.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.db import transaction
from django.db.models import Q

from newsletter.delivery import owed, pausing
from newsletter.delivery.closing import reopen
from newsletter.delivery.planning import keep_planners_out, plan
from newsletter.models import Delivery, Edition, EditionPaper, Subscriber, TopicMix

# Before today's is out, yesterday's is the paper of the day.
NEWEST = timedelta(days=1)


class Answer(Enum):
    """Whether the edition of the day can be sent to this reader at once."""

    READY = "ready"
    COMES = "comes"  # its mail waits, or is on the wire
    CAME = "came"  # it was sent before, or what became of it is settled
    NO_MATCH = "no match"  # nothing in it is under the reader's topics
    NO_EDITION = "no edition"  # none is out that may be sent


@dataclass(frozen=True, slots=True)
class AtOnce:
    answer: Answer
    edition: Edition | None = None


def look(reader: Subscriber, *, now: datetime) -> AtOnce:
    """Say what asking would bring; changes nothing. At most five queries."""
    edition = _of_the_day(now=now)
    if edition is None:
        return AtOnce(Answer.NO_EDITION)
    rows = Delivery.objects.filter(subscriber=reader, last_on__gte=edition.date, first_on__lte=edition.date)
    # A window of a later edition that did not go out, as when that was cancelled, keeps nothing back.
    states = set(rows.filter(Q(covers=True) | Q(last_on=edition.date)).values_list("state", flat=True))
    if states:
        waits = states - set(Delivery.SETTLED)
        return AtOnce(Answer.COMES if waits else Answer.CAME, edition)
    if not owed.readers_by_hand(edition, only=reader, now=now).exists():
        return AtOnce(Answer.NO_EDITION)
    return AtOnce(Answer.READY if _has_something(edition, reader.mix) else Answer.NO_MATCH, edition)


def send(reader: Subscriber, *, now: datetime) -> AtOnce:
    """Write the reader's row of this edition, if that can be; asking again writes no second one."""
    found = look(reader, now=now)
    if found.answer is not Answer.READY or found.edition is None:
        return found
    write(found.edition, reader, now=now)
    # Whoever left, or whose edition was cancelled, in this very moment got no row: so look again.
    return look(reader, now=now)


def write(edition: Edition, reader: Subscriber, *, now: datetime) -> None:
    """Write the reader's row and have the edition sent, both or neither."""
    with transaction.atomic():
        # Before the edition is touched: who closes one takes these locks in the same order.
        keep_planners_out()
        reopen(edition)
        if plan(edition, now=now, only=reader, late_too=True):
            pausing.asked_for(edition, reader)
        else:
            transaction.set_rollback(True)


def _of_the_day(*, now: datetime) -> Edition | None:
    sendable = Edition.objects.filter(
        state__in=Edition.PRINTED, paused_at=None, released_at__lte=now, date__gte=now.date() - NEWEST
    )
    return sendable.filter(date__lte=now.date()).order_by("-date").first()


def _has_something(edition: Edition, mix: TopicMix) -> bool:
    entries = EditionPaper.objects.filter(edition=edition, removed_in=None)
    slugs = list(mix.topics.values_list("slug", flat=True))
    if slugs and mix.when_empty == TopicMix.WhenEmpty.SKIP:
        matching = Q()
        for slug in slugs:
            matching |= Q(matches__contains=[{"topic": slug}])
        entries = entries.filter(matching)
    return entries.exists()
