"""Private links: mailed when asked for, good for an hour from the moment they left."""

from datetime import datetime, timedelta

from django.db import transaction

from newsletter.inbox_cap import may_be_mailed
from newsletter.models import OutboxMail, Subscriber
from newsletter.reader_row import locked
from newsletter.tokens import one_off_mail

GOOD_FOR = timedelta(hours=1)


def request_link(subscriber_id: int, *, now: datetime) -> None:
    """Mail a private link to a reader, also to one who left; nothing to anybody else."""
    with transaction.atomic():
        reader = locked(pk=subscriber_id)
        if reader.state not in (Subscriber.State.ACTIVE, Subscriber.State.UNSUBSCRIBED):
            return
        unsent = reader.outbox.filter(kind=OutboxMail.Kind.PRIVATE, state=OutboxMail.State.PENDING)
        if may_be_mailed(reader.email_key, now=now) and not unsent.exists():
            OutboxMail.objects.create(subscriber=reader, kind=OutboxMail.Kind.PRIVATE)


def look_up(token: str) -> OutboxMail | None:
    """The mail with this private link, fresh or not, with its reader; None: nobody's."""
    return one_off_mail(OutboxMail.Kind.PRIVATE, token)


def is_fresh(mail: OutboxMail, *, now: datetime) -> bool:
    """Whether the link still opens anything: it left within the hour, and nothing has made it void."""
    left = mail.handed_over_at
    return left is not None and now - left <= GOOD_FOR and mail.used_at is None
