"""A mail backend that writes each message into a file of its own, for development and the demo.

`<time>-<address>-<short id>.eml`: a folder listing is in the order of sending. A message counts as sent when
its file is on the disk, whole: like a mail server's answer, that survives a crash.
"""

import os
import re
import secrets
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmailBackend(BaseEmailBackend):
    """Writes to NEWSLETTER_OUTBOX_DIR, or to the `folder` given."""

    def __init__(self, *args: Any, folder: Path | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.folder = Path(folder or settings.NEWSLETTER_OUTBOX_DIR)
        self.lock = threading.Lock()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        sent = 0
        with self.lock:
            for message in email_messages:
                if message.recipients():
                    write(self.folder, message.recipients()[0], message.message().as_bytes())
                    sent += 1
        return sent


def write(folder: Path, address: str, content: bytes) -> Path:
    """Put one message into `folder`, whole or not at all, and on the disk when this returns."""
    folder.mkdir(parents=True, exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    readable = re.sub(r"[^A-Za-z0-9.@_+-]", "_", address)[:80]
    path = folder / f"{moment}-{readable}-{secrets.token_hex(4)}.eml"
    part = path.with_suffix(".part")
    with part.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # the name too
    finally:
        os.close(descriptor)
    return path
