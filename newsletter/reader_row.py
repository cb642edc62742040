"""The one lock that every change of a reader begins with: of two at once, one waits for the other."""

from typing import Any

from newsletter.models import Subscriber


def locked(**which: Any) -> Subscriber:
    """The reader, whose row nobody else changes until this transaction ends. Raises DoesNotExist."""
    # no_key: shuts out the gate's FOR SHARE, yet not the ledger's foreign keys.
    return Subscriber.objects.select_for_update(no_key=True).get(**which)
