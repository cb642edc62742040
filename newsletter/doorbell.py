"""Wakes a worker for the outbox."""

from functools import partial

from django.db import transaction

from papers.bell import ring


def ring_after_commit() -> None:
    """Ask for the outbox to be sent, once what was written is there to be seen."""
    transaction.on_commit(partial(ring, "newsletter.tasks.send_outbox"))
