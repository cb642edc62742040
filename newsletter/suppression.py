"""Addresses that must never be mailed again. Only a keyed hash is kept, so the rule outlives the reader."""

import hashlib
import hmac
from collections.abc import Iterable

from django.conf import settings

from newsletter.models import Suppression


def address_hashes(email_key: str) -> list[str]:
    """HMAC-SHA-256 of the address key, 64 hex digits: under SECRET_KEY, then under each key it replaced.

    A change of key must not let mail go out again to whom it was forbidden.
    """
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [
        hmac.new(f"suppression:{key}".encode(), email_key.encode(), hashlib.sha256).hexdigest()
        for key in keys
    ]


def suppress(email_key: str, reason: str) -> None:
    """Never mail this address again. `reason` is Anymail's event name: bounced or complained.

    A complaint is the graver one, whichever came first.
    """
    hashes = address_hashes(email_key)
    known = Suppression.objects.filter(address_hash__in=hashes)
    if not known.exists():
        Suppression.objects.get_or_create(address_hash=hashes[0], defaults={"reason": reason})
    if reason == "complained":
        known.filter(reason="bounced").update(reason=reason)


def suppressed(email_keys: Iterable[str]) -> set[str]:
    """Return those of the keys that are suppressed, with one query."""
    by_hash = {hashed: key for key in email_keys for hashed in address_hashes(key)}
    rows = Suppression.objects.filter(address_hash__in=by_hash).values_list("address_hash", flat=True)
    return {by_hash[row] for row in rows}
