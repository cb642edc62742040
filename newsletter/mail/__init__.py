"""A window's digests as mails: subject, text and HTML, headers. Sends nothing.

A `Press` is made once for a window of editions. It renders each card once, whatever the number of mixes; a
mix's digest is a list of those pieces (`Print`), and a reader's mail is that list with two links and an
address.
"""

from newsletter.mail.cards import facts, why
from newsletter.mail.headers import message_id
from newsletter.mail.messages import Addressee, DigestMessage
from newsletter.mail.press import MAX_WIRE_BYTES, Press
from newsletter.mail.previews import Preview, preview, preview_of
from newsletter.mail.prints import Print

__all__ = [
    "MAX_WIRE_BYTES",
    "Addressee",
    "DigestMessage",
    "Press",
    "Preview",
    "Print",
    "facts",
    "message_id",
    "preview",
    "preview_of",
    "why",
]
