"""How many asked-for mails one inbox gets in a day, by whatever door: what protects people from a flood."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet

from newsletter.models import OutboxMail, Subscriber
from newsletter.suppression import suppressed

MAILS_PER_DAY = 3
# To a reader's inbox, of whoever types its address: the third is left for what only the reader can ask for.
# Else anybody could keep them from the link by which they take along or erase what is stored.
ASKED_BY_ANYBODY = 2
DAY = timedelta(days=1)


def may_be_mailed(email_key: str, *, now: datetime, by_anybody: bool = False) -> bool:
    """Whether one more asked-for mail may be written to this address; False too where it is suppressed.
    `by_anybody`: whoever asks for it only typed the address.

    Call it inside a transaction, after the reader's row is locked: others who ask it of the same address wait
    until that ends, so that two doors together let no fourth mail through.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"inbox:{email_key}"])
    if suppressed([email_key]):
        return False
    readers = Subscriber.objects.filter(email_key=email_key, active_from__isnull=False)
    most = ASKED_BY_ANYBODY if by_anybody and readers.exists() else MAILS_PER_DAY
    return mails_lately(email_key, now=now).count() < most


def mails_lately(email_key: str, *, now: datetime) -> QuerySet[OutboxMail]:
    """The asked-for mails of the last 24 hours to this address, and those that wait to be sent."""
    to_it = Q(to_key=email_key) | Q(to_key="", subscriber__email_key=email_key)
    # One that the mail server kept waiting counts from the moment when it left.
    recent = Q(created_at__gt=now - DAY) | Q(handed_over_at__gt=now - DAY)
    waits = Q(state=OutboxMail.State.PENDING)
    never_left = Q(state=OutboxMail.State.REJECTED, handed_over_at=None)
    return OutboxMail.objects.filter(to_it, recent | waits).exclude(never_left)
