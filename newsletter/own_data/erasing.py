"""Erasing a reader. What stays is the keyed hash of an address that must not be mailed, and sums."""

from datetime import datetime

from django.db import transaction

from newsletter.models import OutboxMail, Subscriber
from newsletter.own_data.export import log_of
from newsletter.own_data.links import is_fresh

NAMELESS = "a reader who was erased"


def erase(link: OutboxMail, *, now: datetime) -> bool:
    """Delete the reader of this private link and all that names them; False, and nothing, where it is stale.
    Who is gone already is erased.

    Rows of the ledger go too, in whatever state: a mail that is being handed over at this moment still
    arrives, and none after it. Editions count the rows they have, so they close without them.
    """
    with transaction.atomic():
        # Against everybody: who writes a row that points at this reader comes before, or finds none.
        reader = Subscriber.objects.select_for_update().filter(pk=link.subscriber_id).first()
        if reader is None:
            return True
        link.refresh_from_db()
        if not is_fresh(link, now=now):
            return False
        log_of(reader).update(object_repr=NAMELESS)
        reader.delete()
    return True
