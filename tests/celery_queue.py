"""What waits in the queue of the broker that the `broker` fixture gives."""

from celery import current_app


def tasks_waiting() -> list[str]:
    """Take out everything that waits and name it."""
    with current_app.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        return [queue.get(block=False).headers["task"] for _ in range(len(queue))]
