"""After a backup was restored: whatever may have been sent since it was taken is never sent by itself.

The backup remembers neither mails nor gates nor unsubscribes since then. So each mail that may have left is
in doubt, each edition that may have been made is missed, and nothing leaves until somebody says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, transaction

from newsletter import releasing
from newsletter.delivery.owed_since import Bucket, those_due
from newsletter.marks import LAST_TICK, LOST_UNTIL, RESTORED
from newsletter.models import Delivery, Edition, OutboxMail, Subscriber
from newsletter.windows import MOST
from papers.models import Mark
from papers.reading.timetable import freeze_moment

State = Edition.State
# Readers planned between this long before the last tick and that tick are in the backup; sooner is safer.
MARGIN = timedelta(minutes=10)
UNKNOWN = "a backup was restored: whether it was sent since then is not known"

# Readers who may have had their mail since the backup, and whose rows it does not have. Their windows begin
# after what is covered already, and end with the last edition that the backup knows.
_DOUBT = """
    INSERT INTO newsletter_delivery
        (public_id, edition_id, subscriber_id, mix_id, state, reason, attempts, message_id, planned_at,
         settled_at, outcome, first_on, last_on, due_at, expires_at, covers)
    SELECT gen_random_uuid(), %(edition)s, s.id, s.mix_id, 'in_doubt', %(reason)s, 0, '', %(now)s,
           %(now)s, '', w.first_on, %(last)s, %(now)s, %(now)s, true
      FROM newsletter_subscriber s
      JOIN unnest(%(zones)s::text[], %(hours)s::int[], %(days)s::int[]) AS due (zone, hour, days)
        ON s.timezone = due.zone AND s.hour IS NOT DISTINCT FROM due.hour AND s.weekdays = due.days
      LEFT JOIN LATERAL (SELECT max(d.last_on) AS last_on FROM newsletter_delivery d
                          WHERE d.subscriber_id = s.id AND d.covers) covered ON true
      CROSS JOIN LATERAL (SELECT min(e.day) AS first_on FROM unnest(%(dates)s::date[]) AS e (day)
                           WHERE covered.last_on IS NULL OR e.day > covered.last_on) w
     WHERE s.state = 'active' AND w.first_on IS NOT NULL
       AND (s.paused_until IS NULL OR s.paused_until <= %(tomorrow)s)
    ON CONFLICT (subscriber_id, last_on) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in quarantine."""

    backup: datetime
    mails: int  # planned in the backup, now in doubt
    may_have_left: int  # not in the backup, but due since
    outbox: int
    paused: Sequence[date]
    missed: Sequence[date]


def time_of_backup() -> datetime | None:
    """About when the backup was taken: the last tick that it knows. None where it knows none.

    Until somebody lets mails leave again, it stays what the first run found, whatever has ticked since.
    """
    marks = dict(Mark.objects.filter(name__in=[RESTORED, LAST_TICK]).values_list("name", "at"))
    return marks.get(RESTORED) or marks.get(LAST_TICK)


def quarantine(backup: datetime, *, now: datetime) -> Restored:
    """Put in doubt what may have been sent since `backup`, in one transaction.

    Run again, it does the same to what has come up since, and keeps the rest.
    """
    with transaction.atomic():
        # What stands in the way of a sender or a planner that somebody has started already: its row.
        editions = list(Edition.objects.select_for_update(no_key=True).order_by("date"))
        unsettled = [Delivery.State.PENDING, Delivery.State.CLAIMED, Delivery.State.HANDOFF]
        mails = Delivery.objects.filter(state__in=unsettled).update(
            state=Delivery.State.IN_DOUBT, reason=UNKNOWN, token=None, lease_until=None, settled_at=now
        )
        outbox = OutboxMail.objects.filter(state__in=[OutboxMail.State.PENDING, OutboxMail.State.HANDOFF])
        restored = Restored(
            backup=backup,
            mails=mails,
            may_have_left=_doubt_the_due(editions, backup, now=now),
            outbox=outbox.update(state=OutboxMail.State.IN_DOUBT, reason=UNKNOWN),
            paused=_pause(editions, backup, now=now),
            missed=_miss(backup, now=now),
        )
        if restored.missed:
            midnight = datetime.combine(restored.missed[-1], time(), UTC)
            Mark.objects.update_or_create(name=LOST_UNTIL, defaults={"at": midnight})
        Mark.objects.update_or_create(name=RESTORED, defaults={"at": backup})
    return restored


def _doubt_the_due(editions: Sequence[Edition], backup: datetime, *, now: datetime) -> int:
    """Write rows in doubt for readers who came due since the backup, up to the last edition it knows."""
    mailed = [edition for edition in editions if edition.state in Edition.PRINTED][-MOST:]
    buckets = Subscriber.objects.filter(state=Subscriber.State.ACTIVE)
    chosen: list[Bucket] = list(buckets.values_list("timezone", "hour", "weekdays").distinct())
    due = those_due(chosen, since=backup - MARGIN, until=now)
    if not mailed or not due:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _DOUBT,
            {
                "edition": mailed[-1].pk,
                "last": mailed[-1].date,
                "dates": [edition.date for edition in mailed],
                "now": now,
                "tomorrow": now.astimezone(UTC).date() + timedelta(days=1),
                "reason": UNKNOWN,
                "zones": [zone for zone, _, _ in due],
                "hours": [hour for _, hour, _ in due],
                "days": [days for _, _, days in due],
            },
        )
        return int(cursor.rowcount)


def _pause(editions: Sequence[Edition], backup: datetime, *, now: datetime) -> list[date]:
    """Stop whatever the backup was sending. What already was paused keeps its own reason beside this one."""
    sending = [edition for edition in editions if edition.state in Edition.SENDABLE]
    because = releasing.because_restored(backup)
    for edition in sending:
        if because not in edition.paused_because:
            reasons = [edition.paused_because, because] if edition.paused_because else [because]
            edition.paused_at, edition.paused_because = edition.paused_at or now, "; ".join(reasons)
            edition.save(update_fields=["paused_at", "paused_because"])
    return [edition.date for edition in sending]


def _miss(backup: datetime, *, now: datetime) -> list[date]:
    """Record the editions that the backup does not know as missed, today's too; the days, oldest first.

    Today's is left alone before its freeze: nobody can have made it yet.

    One that was frozen and waited for approval may have been approved since: it keeps its papers.
    """
    day, today = backup.astimezone(UTC).date(), now.astimezone(UTC).date()
    days = [day + timedelta(days=n) for n in range((today - day).days + 1)]
    days = [one for one in days if now >= freeze_moment(one)]
    Edition.objects.bulk_create([Edition(date=one) for one in days], ignore_conflicts=True)
    lost = Edition.objects.filter(date__in=days, state__in=[State.OPEN, State.HELD])
    lost.update(state=State.MISSED)
    missed = Edition.objects.filter(date__in=days, state=State.MISSED)
    return list(missed.order_by("date").values_list("date", flat=True))
