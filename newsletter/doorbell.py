"""Wakes a worker. A broker that is away costs nothing but time: the tick finds what waits."""

import logging

from celery import current_app
from django.db import transaction

logger = logging.getLogger(__name__)


def ring_after_commit() -> None:
    """Ask for the outbox to be sent, once what was written is there to be seen."""
    transaction.on_commit(_ring)


def _ring() -> None:
    try:
        # A connection of our own, tried once: the pool's would be tried for seconds, and somebody is waiting.
        with current_app.connection_for_write(connect_timeout=1) as connection:
            connection.ensure_connection(max_retries=0)
            # By name: doors do not import each other.
            current_app.send_task("newsletter.tasks.send_outbox", connection=connection, retry=False)
    except Exception as error:  # each broker fails in its own way, and none may fail a visitor
        logger.info("No broker to wake, the next tick will send: %s", error)
