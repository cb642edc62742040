"""Waking a worker after somebody asked for a mail: with a broker, and with one that is away."""

import pytest
from celery import current_app
from django.db import transaction
from django.test import Client
from django.utils import timezone

from newsletter.doorbell import ring_after_commit
from newsletter.models import OutboxMail
from tests.celery_queue import tasks_waiting
from tests.newsletter.test_people import post

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_is_woken_once_the_rows_are_there(broker: str) -> None:
    with transaction.atomic():
        ring_after_commit()
        assert tasks_waiting() == []
    assert tasks_waiting() == ["newsletter.tasks.send_outbox"]


def test_the_bell_rings_for_every_address_alike(client: Client, broker: str) -> None:
    for email in ("new@example.org", "new@example.org", "other@example.org"):
        post(client, email=email)
    assert tasks_waiting() == ["newsletter.tasks.send_outbox"] * 3
    assert OutboxMail.objects.count() == 2


def test_a_broker_that_is_away_is_asked_once_and_costs_a_visitor_nothing(
    client: Client, broker: str, caplog: pytest.LogCaptureFixture
) -> None:
    current_app.conf.broker_url = "redis://127.0.0.1:1/0"
    with caplog.at_level("INFO", "papers.bell"):
        assert post(client).status_code == 200
    assert [record.message.split(",")[0] for record in caplog.records if record.name == "papers.bell"] == [
        "No broker to wake for newsletter.tasks.send_outbox"
    ]
    assert OutboxMail.objects.get().created_at <= timezone.now()
