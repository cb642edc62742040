"""How many asked-for mails one inbox gets in a day, by whatever door: what protects people from a flood."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet

from newsletter.models import OutboxMail
from newsletter.suppression import suppressed

MAILS_PER_DAY = 3
DAY = timedelta(days=1)


def may_be_mailed(email_key: str, *, now: datetime) -> bool:
    """Whether one more asked-for mail may be written to this address; False too where it is suppressed.

    Call it inside a transaction, after the reader's row is locked: others who ask it of the same address wait
    until that ends, so that two doors together let no fourth mail through.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"inbox:{email_key}"])
    return not suppressed([email_key]) and mails_lately(email_key, now=now).count() < MAILS_PER_DAY


def mails_lately(email_key: str, *, now: datetime) -> QuerySet[OutboxMail]:
    """The asked-for mails of the last 24 hours to this address, and those that wait to be sent."""
    to_it = Q(to_key=email_key) | Q(to_key="", subscriber__email_key=email_key)
    # One that the mail server kept waiting counts from the moment when it left.
    recent = Q(created_at__gt=now - DAY) | Q(handed_over_at__gt=now - DAY)
    waits = Q(state=OutboxMail.State.PENDING)
    never_left = Q(state=OutboxMail.State.REJECTED, handed_over_at=None)
    return OutboxMail.objects.filter(to_it, recent | waits).exclude(never_left)
