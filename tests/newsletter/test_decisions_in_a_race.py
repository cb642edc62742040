"""Decisions about an edition against gates, on two connections: effective within one gate."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from django.db import connection, transaction
from django.test.utils import override_settings
from django.utils import timezone

from newsletter import editorial
from newsletter.delivery import draining, planning, sending
from newsletter.delivery.settling import settle_cancelled
from newsletter.models import Delivery, Edition
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber
from tests.newsletter.smtp_script import smtp_server

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2026, 11, 20)
READERS = 120
DUE = datetime(2026, 11, 20, 0, 31, tzinfo=UTC)


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_no_mail_passes_its_gate_after_the_decision_was_committed(verb: str) -> None:
    edition = make_edition(date=DAY, papers=[(make_paper(), [])])
    for _ in range(READERS):
        make_subscriber()
    gated = Delivery.objects.exclude(handed_over_at=None)
    through: list[set[int]] = []
    once = threading.Lock()

    def decide() -> None:
        reason = ("enough",) if verb == "pause" else ()
        getattr(editorial, verb)(edition.pk, *reason, now=timezone.now())
        through.append(set(gated.values_list("pk", flat=True)))
        connection.close()

    def in_the_middle() -> None:
        # While mails are on their way, and their sender waits for the server.
        if len(server.received) >= 10 and once.acquire(blocking=False):
            decision = threading.Thread(target=decide)
            decision.start()
            decision.join()

    with smtp_server() as server, override_settings(**server.settings):
        server.on_data = in_the_middle
        planning.plan(edition, now=timezone.now())
        report = sending.Sender(Edition.objects.get()).run()
        draining.drain(now=timezone.now())
    assert [set(gated.values_list("pk", flat=True))] == through
    assert "the edition is" in report.stopped
    accepted = Delivery.objects.filter(state="accepted").count()
    assert (accepted, accepted) == (len(server.received), len(through[0]))
    left = "skipped" if verb == "cancel" else "pending"
    assert Delivery.objects.filter(state=left).count() == READERS - accepted > 0


def order_beside_an_open_gate(edition: Edition, decide: Callable[[], object]) -> list[str]:
    """Decide on a second connection while a gate is open on this one; what happened in which order."""
    order: list[str] = []

    def other() -> None:
        decide()
        order.append("decided")
        connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM newsletter_edition WHERE id = %s FOR SHARE", [edition.pk])
        thread.start()
        waiting = 0
        while thread.is_alive() and not waiting:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            (waiting,) = cursor.fetchone()
        order.append("gate committed")
    thread.join()
    return order


@pytest.mark.parametrize("verb", ["pause", "cancel", "withdraw"])
def test_a_decision_waits_for_the_gate_that_is_open(verb: str) -> None:
    paper = make_paper()
    edition = make_edition(date=DAY, papers=[(paper, [])], state="sending")
    decisions: dict[str, Callable[[], object]] = {
        "pause": lambda: editorial.pause(edition.pk, "why", now=DUE),
        "cancel": lambda: editorial.cancel(edition.pk, now=DUE),
        "withdraw": lambda: editorial.withdraw(edition.pk, [paper.pk]),
    }
    assert order_beside_an_open_gate(edition, decisions[verb]) == ["gate committed", "decided"]


def test_a_cancelling_waits_for_no_sender_that_records_what_it_had_claimed() -> None:
    """Each of the two takes several rows in its own order: who waits for the other may wait for ever."""
    edition = make_edition(date=DAY, papers=[(make_paper(), [])], state="sending")
    held, other = (make_delivery(edition, make_subscriber(), state="claimed") for _ in range(2))

    def cancel() -> editorial.Cancelled:
        try:
            return editorial.cancel(edition.pk, now=DUE)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Delivery.objects.select_for_update(no_key=True).get(pk=held.pk)
        assert pool.submit(cancel).result(timeout=30) == editorial.Cancelled(True, skipped=2, papers=1)
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {held.pk: "claimed", other.pk: "skipped"}
    assert settle_cancelled(now=DUE) == 1
