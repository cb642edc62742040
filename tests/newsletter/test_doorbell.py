"""Waking a worker after somebody asked for a mail: with a broker, and with one that is away."""

import time
from collections.abc import Iterator

import pytest
from celery import current_app
from django.db import transaction
from django.test import Client
from django.utils import timezone

from newsletter.doorbell import ring_after_commit
from newsletter.models import OutboxMail
from tests.newsletter.test_people import post

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker() -> Iterator[str]:
    """A broker within this process; the queue is emptied before."""
    before = current_app.conf.broker_url
    current_app.conf.broker_url = "memory://"
    with current_app.connection_for_write() as connection:
        connection.SimpleQueue("celery").clear()
    yield "memory://"
    current_app.conf.broker_url = before


def tasks_waiting() -> list[str]:
    with current_app.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        return [queue.get(block=False).headers["task"] for _ in range(len(queue))]


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


def test_a_broker_that_is_away_costs_a_visitor_nothing(client: Client, broker: str) -> None:
    current_app.conf.broker_url = "redis://127.0.0.1:1/0"
    started = time.monotonic()
    assert post(client).status_code == 200
    assert time.monotonic() - started < 2
    assert OutboxMail.objects.get().created_at <= timezone.now()
