"""Addresses that must never be mailed again. Only a keyed hash is kept, so the rule outlives the reader."""

import hashlib
import hmac
from collections.abc import Iterable

from django.conf import settings

from newsletter.models import Suppression


def address_hash(email_key: str) -> str:
    """HMAC-SHA-256 of the address key under SECRET_KEY, as 64 hex digits."""
    return hmac.new(
        f"suppression:{settings.SECRET_KEY}".encode(), email_key.encode(), hashlib.sha256
    ).hexdigest()


def suppress(email_key: str, reason: str) -> None:
    """Never mail this address again. `reason` is Anymail's event name: bounced or complained.

    A complaint is the graver one, whichever came first.
    """
    hashed = address_hash(email_key)
    _row, new = Suppression.objects.get_or_create(address_hash=hashed, defaults={"reason": reason})
    if not new and reason == "complained":
        Suppression.objects.filter(address_hash=hashed, reason="bounced").update(reason=reason)


def suppressed(email_keys: Iterable[str]) -> set[str]:
    """Return those of the keys that are suppressed, with one query."""
    by_hash = {address_hash(key): key for key in email_keys}
    rows = Suppression.objects.filter(address_hash__in=by_hash).values_list("address_hash", flat=True)
    return {by_hash[row] for row in rows}
