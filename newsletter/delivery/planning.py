"""Writes a row for everybody to whom an edition is due and who has none.

One planner at a time works on a moment, under a lock of the database, so that the windows of one reader never
overlap. Any number may try, and who finds another at work leaves it to that one; only a person's command
waits. Nobody else is kept: an edition that is cancelled meanwhile has rows that no gate lets pass. What was
planned for a slot is written with its mark in one transaction: a
planner that is killed leaves both or neither.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from newsletter import schedule
from newsletter.delivery import owed
from newsletter.delivery.buckets import Bucket, buckets
from newsletter.delivery.calendar import Run, run_of
from newsletter.failpoints import failpoint
from newsletter.models import Edition, Slot, Subscriber
from newsletter.windows import Issue

_LOCK = 0x706C616E  # "plan", among the advisory locks of this database
_MARK = """
    INSERT INTO newsletter_slot (edition_id, timezone, hour, due_at, planned_at, planned)
    SELECT %(edition)s, timezone, hour, %(due_at)s, %(now)s, planned
      FROM unnest(%(zones)s::text[], %(hours)s::int[], %(planned)s::int[]) AS marks (timezone, hour, planned)
    ON CONFLICT (edition_id, timezone, hour, due_at)
    DO UPDATE SET planned = newsletter_slot.planned + EXCLUDED.planned
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """The slots at which an edition came due at once; `in_reach` is what its mails may cover."""

    at: datetime
    in_reach: tuple[Issue, ...]
    slots: tuple[tuple[Bucket, schedule.Slot], ...]


def plan(edition: Edition, *, now: datetime, only: Subscriber | None = None, late_too: bool = False) -> int:
    """Write the rows of this edition that are due by now, and return how many are new.

    `late_too`, which takes a person's decision, writes one for every active reader whom no mail covers it,
    whatever their hour and days, and `only` for this one of them. A closed edition plans nobody. Readers of
    the demo are mailed to files only.
    """
    _start_sending(edition)
    if late_too:
        with transaction.atomic():
            keep_planners_out()
            planned = insert_by_hand(edition, only=only, now=now)
            failpoint("before-plan-commit")
        failpoint("after-plan-commit")
        return planned
    return _plan_moments(run_of(edition), buckets(), now=now) or 0


def plan_due(*, now: datetime) -> int:
    """Write the rows that are due by now, the oldest edition first, and return how many are new."""
    sendable = list(Edition.objects.filter(state__in=Edition.SENDABLE).order_by("date"))
    if not sendable:
        return 0
    everybody = buckets()
    planned = 0
    for edition in sendable:
        _start_sending(edition)
        new = _plan_moments(run_of(edition), everybody, now=now)
        if new is None:
            break
        planned += new
    return planned


def past_moments(run: Run, readers: Sequence[Bucket], *, now: datetime) -> Iterator[Moment]:
    """Every moment at which the edition came due to these readers by now, the first one first."""
    together = defaultdict(list)
    for bucket in readers:
        found = schedule.due_slots(
            zone=bucket.zone,
            hour=bucket.hour,
            freeze=run.issue.freeze,
            released=run.issue.released_at,
            following=run.following,
            now=now,
        )
        for slot in found:
            # What needs a statement of its own stands apart.
            key = (slot.at, slot.late, bucket.hour is None, tuple(run.in_reach(slot)))
            together[key].append((bucket, slot))
    for key in sorted(together, key=lambda key: key[:3]):
        yield Moment(at=key[0], in_reach=key[3], slots=tuple(together[key]))


def insert_moment(run: Run, moment: Moment, *, now: datetime, again: bool = False) -> int:
    """Plan a moment in the caller's transaction, which keeps other planners out: its rows and marks.

    `again`: though they have their marks.
    """
    if not _is_open(run.edition):
        return 0
    # By the dates of a few editions, which their index needs.
    lately = [issue.day for issue in run.before]
    same_moment = Slot.objects.filter(edition__date__in=lately, due_at=moment.at)
    marks = {True: set[Bucket](), False: set[Bucket]()}
    for edition, timezone, hour in same_moment.values_list("edition", "timezone", "hour"):
        marks[edition == run.edition.pk].add(Bucket(timezone, hour))
    open_slots = [pair for pair in moment.slots if again or pair[0] not in marks[True]]
    planned = 0
    for shared in (False, True):
        slots = [pair for pair in open_slots if (pair[0] in marks[False]) is shared]
        if slots:
            counts = owed.insert_at_once(run.edition, slots, moment.in_reach, now=now, shared=shared)
            planned += counts.total()
            done = {bucket: counts[bucket] for bucket, _ in slots if counts[bucket] or not again}
            _mark(run.edition, moment.at, done, now=now)
    return planned


def insert_by_hand(edition: Edition, *, only: Subscriber | None, now: datetime) -> int:
    """Plan by a person's decision, in the caller's transaction."""
    return owed.insert_by_hand(edition, only=only, now=now) if _is_open(edition) else 0


def keep_planners_out(*, wait: bool = True) -> bool:
    """Keep other planners out until this transaction ends. False, without `wait`: one is at work."""
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            return True
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _is_open(edition: Edition) -> bool:
    return Edition.objects.filter(pk=edition.pk, state=Edition.State.SENDING).exists()


def _mark(edition: Edition, at: datetime, counts: Mapping[Bucket, int], *, now: datetime) -> None:
    values: dict[str, Any] = {
        "edition": edition.pk,
        "zones": [bucket.timezone for bucket in counts],
        "hours": [bucket.hour for bucket in counts],
        "planned": list(counts.values()),
        "due_at": at,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MARK, values)


def _plan_moments(run: Run, readers: Sequence[Bucket], *, now: datetime) -> int | None:
    """Plan the slots without a mark, each moment in a transaction; None: another one is at work."""
    marked = set(Slot.objects.filter(edition=run.edition).values_list("timezone", "hour", "due_at"))
    planned = 0
    for moment in past_moments(run, readers, now=now):
        if all((bucket.timezone, bucket.hour, moment.at) in marked for bucket, _ in moment.slots):
            continue
        with transaction.atomic():
            if not keep_planners_out(wait=False):
                return planned or None
            planned += insert_moment(run, moment, now=now)
            failpoint("before-plan-commit")
        failpoint("after-plan-commit")
    return planned


def _start_sending(edition: Edition) -> None:
    same = Edition.objects.filter(pk=edition.pk)
    same.filter(state=Edition.State.FROZEN).update(state=Edition.State.SENDING)
