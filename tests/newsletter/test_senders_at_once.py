"""Several senders over one edition, and readers who leave while they send."""

import email
import threading
from collections import Counter
from datetime import date
from email.policy import default

import pytest
from django.db import connection
from django.test.utils import override_settings
from django.utils import timezone

from newsletter import staying
from newsletter.delivery import draining
from newsletter.models import Delivery, Edition, Subscriber
from tests.factories import make_edition, make_paper, make_subscriber
from tests.newsletter.smtp_script import smtp_server

pytestmark = pytest.mark.django_db(transaction=True)


def test_four_senders_mail_everybody_once_and_nobody_who_had_left() -> None:
    make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])])
    readers = [make_subscriber() for _ in range(240)]
    left: list[str] = []

    def drain() -> None:
        draining.drain(now=timezone.now())
        connection.close()

    def leave() -> None:
        for reader in readers[::8]:
            before = {str(email.message_from_bytes(raw, policy=default)["To"]) for raw in server.received}
            staying.unsubscribe(reader.pk, now=timezone.now())
            # Committed: a mail that is not on its way by now may never leave.
            row = Delivery.objects.filter(subscriber=reader).first()
            if reader.email not in before and (row is None or row.state in ("pending", "claimed")):
                left.append(reader.email)
        connection.close()

    with smtp_server() as server, override_settings(**server.settings):
        threads = [threading.Thread(target=work) for work in (drain, drain, leave, drain, drain)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        draining.drain(now=timezone.now())
    received = Counter(str(email.message_from_bytes(raw, policy=default)["To"]) for raw in server.received)
    assert set(received.values()) == {1}
    assert left and not set(left) & set(received)
    stayed = set(Subscriber.objects.filter(state="active").values_list("email", flat=True))
    assert stayed <= set(received)
    states = Counter(Delivery.objects.values_list("state", flat=True))
    assert states["accepted"] == len(received)
    assert set(states) <= {"accepted", "skipped"}
    assert Edition.objects.get().state == "closed"
