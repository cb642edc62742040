"""What comes too late is ended, and the ADMINS are told once."""

from datetime import date, timedelta

import pytest
from django.core import mail
from django.test.utils import override_settings
from django.utils import timezone

from newsletter.delivery import expiring
from newsletter.models import Delivery
from tests.factories import make_delivery, make_edition, make_subscriber

pytestmark = pytest.mark.django_db(transaction=True)


@override_settings(ADMINS=[("Desk", "desk@example.org")])
def test_the_admins_are_told_once_for_each_edition_how_many_and_why() -> None:
    now = timezone.now()
    before = now - timedelta(hours=7)
    first, second = [make_edition(date=date(2026, 11, day), state="sending") for day in (19, 20)]
    for reason in ("", "RCPT was answered 451 greylisted"):
        make_delivery(first, make_subscriber(), planned_at=before, reason=reason)
    make_delivery(first, make_subscriber(), planned_at=now)
    assert expiring.expire(now=now) == 2
    make_delivery(first, make_subscriber(), planned_at=before)
    make_delivery(second, make_subscriber(), planned_at=before)
    assert (expiring.expire(now=now), expiring.expire(now=now)) == (2, 0)
    told = [(message.subject.split("] ")[-1], str(message.body).split("\n")[0]) for message in mail.outbox]
    assert told == [
        (
            "Mails of 2026-11-19 came too late",
            "2 mails could not be sent in time: RCPT was answered 451 greylisted.",
        ),
        ("Mails of 2026-11-20 came too late", "1 mails could not be sent in time."),
    ]
    assert Delivery.objects.filter(state="expired", covers=False).count() == 4
