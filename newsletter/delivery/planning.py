"""Writes a row for everybody to whom an edition is due and who has none.

One planner at a time works on a slot, under a lock of the database, so that the windows of one reader never
overlap. Any number may try, and who finds another at work leaves it to that one; only a person's command
waits. Nobody else is kept: an edition that is cancelled meanwhile has rows that no gate lets pass. What was
planned for a slot is written with its mark in one transaction: a
planner that is killed leaves both or neither.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from newsletter import schedule
from newsletter.delivery import owed
from newsletter.delivery.buckets import Bucket, buckets
from newsletter.delivery.calendar import Run, run_of
from newsletter.failpoints import failpoint
from newsletter.models import Edition, Slot, Subscriber

_LOCK = 0x706C616E  # "plan", among the advisory locks of this database
_MARK = """
    INSERT INTO newsletter_slot (edition_id, timezone, hour, due_at, planned_at, planned)
    VALUES (%(edition)s, %(timezone)s, %(hour)s, %(due_at)s, %(now)s, %(planned)s)
    ON CONFLICT (edition_id, timezone, hour, due_at)
    DO UPDATE SET planned = newsletter_slot.planned + EXCLUDED.planned
"""


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
    return _plan_slots(run_of(edition), buckets(), now=now) or 0


def plan_due(*, now: datetime) -> int:
    """Write the rows that are due by now, the oldest edition first, and return how many are new."""
    sendable = list(Edition.objects.filter(state__in=Edition.SENDABLE).order_by("date"))
    if not sendable:
        return 0
    everybody = buckets()
    planned = 0
    for edition in sendable:
        _start_sending(edition)
        new = _plan_slots(run_of(edition), everybody, now=now)
        if new is None:
            break
        planned += new
    return planned


def past_slots(
    run: Run, readers: Sequence[Bucket], *, now: datetime
) -> Iterator[tuple[Bucket, schedule.Slot]]:
    """Every slot of these readers at which the edition came due by now."""
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
            yield bucket, slot


def insert_slot(run: Run, bucket: Bucket, slot: schedule.Slot, *, now: datetime, again: bool = False) -> int:
    """Plan one slot in the caller's transaction, which keeps other planners out: its rows and its mark.

    `again`: though it has the mark.
    """
    if not _is_open(run.edition):
        return 0
    mark: dict[str, Any] = {
        "edition": run.edition.pk,
        "timezone": bucket.timezone,
        "hour": bucket.hour,
        "due_at": slot.at,
    }
    # By the dates of a few editions, which their index needs.
    lately = [issue.day for issue in run.before]
    same_slot = Slot.objects.filter(
        edition__date__in=lately, timezone=bucket.timezone, hour=bucket.hour, due_at=slot.at
    )
    if not again and same_slot.filter(edition=run.edition).exists():
        return 0
    planned = owed.insert_at_slot(
        run.edition,
        slot,
        run.in_reach(slot),
        timezone=bucket.timezone,
        hour=bucket.hour,
        now=now,
        shared=same_slot.exclude(edition=run.edition).exists(),
    )
    if planned or not again:
        with connection.cursor() as cursor:
            cursor.execute(_MARK, {**mark, "now": now, "planned": planned})
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


def _plan_slots(run: Run, readers: Sequence[Bucket], *, now: datetime) -> int | None:
    """Plan the slots that have no mark, each in a transaction of its own; None: another one is at work."""
    marked = set(Slot.objects.filter(edition=run.edition).values_list("timezone", "hour", "due_at"))
    planned = 0
    for bucket, slot in past_slots(run, readers, now=now):
        if (bucket.timezone, bucket.hour, slot.at) in marked:
            continue
        with transaction.atomic():
            if not keep_planners_out(wait=False):
                return planned or None
            planned += insert_slot(run, bucket, slot, now=now)
            failpoint("before-plan-commit")
        failpoint("after-plan-commit")
    return planned


def _start_sending(edition: Edition) -> None:
    same = Edition.objects.filter(pk=edition.pk)
    same.filter(state=Edition.State.FROZEN).update(state=Edition.State.SENDING)
