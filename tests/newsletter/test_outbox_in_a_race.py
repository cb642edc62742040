"""Asked-for mails against readers who leave, on two connections."""

import threading

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from newsletter import outbox, signup, staying
from newsletter.addresses import parse_address
from newsletter.models import OutboxMail, Subscriber
from tests.factories import make_subscriber

pytestmark = pytest.mark.django_db(transaction=True)


def someone_waits_for_a_lock(thread: threading.Thread) -> None:
    with connection.cursor() as cursor:
        waiting = 0
        while thread.is_alive() and not waiting:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            (waiting,) = cursor.fetchone()


def test_who_leaves_while_their_mail_is_claimed_has_left_and_the_next_mail_is_taken() -> None:
    leaves, other = make_subscriber(email="leaves@example.org"), make_subscriber(email="other@example.org")
    for reader in (leaves, other):
        signup.request_preferences_link(parse_address(reader.email), now=timezone.now())
    accepted: list[int] = []

    def send() -> None:
        accepted.append(outbox.send_pending(now=timezone.now()))
        connection.close()

    thread = threading.Thread(target=send)
    with transaction.atomic():
        Subscriber.objects.select_for_update(no_key=True).get(pk=leaves.pk)  # as unsubscribing begins
        thread.start()
        someone_waits_for_a_lock(thread)
        staying.unsubscribe(leaves.pk, now=timezone.now())
    thread.join()
    leaves.refresh_from_db()
    assert (leaves.state, accepted) == ("unsubscribed", [1])
    assert [message.to for message in mail.outbox] == [[other.email]]
    assert list(OutboxMail.objects.order_by("pk").values_list("state", "reason")) == [
        ("rejected", "unsubscribed afterwards"),
        ("accepted", ""),
    ]
