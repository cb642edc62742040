"""Links that recur in every mail: a subscriber's random handle and a signature, so they can be written again.

Nothing is stored per mail. Changing a subscriber's `secret` revokes all of that reader's links at once;
changing SECRET_KEY does not, as long as the old key stays in SECRET_KEY_FALLBACKS: an unsubscribe link must
never die.
One-off links (confirm, private, move) are no such thing: random and stored hashed, see `new_one_off`.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode

from django.conf import settings

from newsletter.models import OutboxMail, Subscriber

KEY_VERSION = "1"
PURPOSES = ("preferences", "unsubscribe")
SIGNATURE_BYTES = 16

_TOKEN = re.compile(r"([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{22})", re.ASCII)


def link_token(purpose: str, handle: str, secret: str) -> str:
    """Return `<handle>.<signature>` for one purpose, of [A-Za-z0-9_.-] only. Cheap: one HMAC."""
    return f"{handle}.{_signature(settings.SECRET_KEY, purpose, handle, secret)}"


def subscriber_for(purpose: str, token: str) -> Subscriber | None:
    """Return whose link of this purpose `token` is, or None where it is nobody's."""
    parts = _TOKEN.fullmatch(token)
    if parts is None or purpose not in PURPOSES:
        return None
    handle, signature = parts.groups()
    subscriber = Subscriber.objects.filter(handle=handle).first()
    # An unknown handle costs the same comparisons as a known one.
    secret = subscriber.secret if subscriber else ""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    matches = [hmac.compare_digest(signature, _signature(key, purpose, handle, secret)) for key in keys]
    return subscriber if any(matches) else None


def new_one_off() -> str:
    """Return a fresh random token (256 bits) that is mailed once; only its `one_off_hash` is ever stored."""
    return secrets.token_urlsafe(32)


def one_off_hash(token: str) -> str:
    """SHA-256 as 64 hex digits. No salt is needed: nobody can list 2^256 tokens."""
    return hashlib.sha256(token.encode()).hexdigest()


def one_off_mail(kind: str, token: str) -> OutboxMail | None:
    """The mail of this kind that brought this one-off token, with its reader; None where none did."""
    if not token.isascii() or len(token) > 100:
        return None
    mails = OutboxMail.objects.filter(kind=kind, token_hash=one_off_hash(token))
    return mails.select_related("subscriber", "mix").first()


def _signature(key: str, purpose: str, handle: str, secret: str) -> str:
    message = f"{KEY_VERSION}:{purpose}:{handle}:{secret}".encode()
    digest = hmac.digest(key.encode(), message, "sha256")
    return urlsafe_b64encode(digest[:SIGNATURE_BYTES]).decode().rstrip("=")
