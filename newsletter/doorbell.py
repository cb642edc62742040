"""Wakes a worker for the outbox, or for the ledger."""

from functools import partial

from django.db import transaction

from papers.bell import ring


def ring_after_commit() -> None:
    """Ask for the outbox to be sent, once what was written is there to be seen."""
    transaction.on_commit(partial(ring, "newsletter.tasks.send_outbox"))


def ring_senders_after_commit() -> None:
    """Ask for the digests that wait to be sent."""
    transaction.on_commit(partial(ring, "newsletter.tasks.drain"))
