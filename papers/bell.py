"""Wakes a worker for a task. A broker that is away costs nothing but time: the tick finds what waits."""

import logging

from celery import current_app

logger = logging.getLogger(__name__)


def ring(task: str, *, expires: float | None = None) -> None:
    """Queue a task by its name, for doors do not import each other. Never raises, never waits for long.

    `expires` is in seconds: what no worker took by then is forgotten.
    """
    try:
        # A connection of our own, tried once: the pool's would be tried for seconds, and somebody is waiting.
        with current_app.connection_for_write(connect_timeout=1) as connection:
            connection.ensure_connection(max_retries=0)
            current_app.send_task(task, connection=connection, retry=False, expires=expires)
    except Exception as error:  # each broker fails in its own way, and none may fail a visitor
        logger.info("No broker to wake for %s, the next tick finds it: %s", task, error)
