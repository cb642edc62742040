"""Keeps the secrets of mailed links out of every log: Django's, gunicorn's, and mails about errors.

Who reads a log must not be able to leave, or choose, in a reader's name. Of links that recur in every mail
the handle stays, which opens nothing without its signature: by it the desk finds the reader, for after
restoring a backup the log is where those who left are found.
"""

import logging
import re

from django.http import HttpRequest

# Every page whose URL is a secret; a test holds this against the URLs that there are.
PAGES = ("confirm", "preferences", "unsubscribe", "private", "move", "welcome", r"login-link/\d+")
_LINK = re.compile(rf"(/(?:{'|'.join(PAGES)})/)(?:([A-Za-z0-9_-]{{1,32}})(?:\.|%2E|%2e))?[^/?#\s\"']+")


def without_secrets(text: str) -> str:
    """ "/unsubscribe/Hx7.kq3/" -> "/unsubscribe/Hx7.…/", "/confirm/t9/?a" -> "/confirm/…/?a"."""
    return _LINK.sub(lambda found: found[1] + (f"{found[2]}.…" if found[2] else "…"), text)


class SecretsLeftOut(logging.Filter):
    """For loggers whose messages name paths. Takes the request out too: reports of errors print all of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        masked = without_secrets(message)
        if masked != message:
            record.msg, record.args = masked, ()
        request = getattr(record, "request", None)
        # What was posted may be an address; sockets stand here too, for messages of Django's own server.
        if isinstance(request, HttpRequest) and (
            request.method == "POST" or without_secrets(request.path) != request.path
        ):
            del record.request  # type: ignore[attr-defined]
        return True
