"""Requests are read as UTF-8, whatever charset they name: our pages are in it, and so browsers send it."""

import re
from collections.abc import Callable, Iterable
from typing import Any

_CHARSET = re.compile(r";\s*charset[\s*]*=[^;]*", re.IGNORECASE)
_Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def always_utf8(application: _Application) -> _Application:
    """Take the charset out of what requests say, before Django makes a request of them.

    It would hand the name to Python's codecs, of which "hex" and "idna" raise errors that no page answers.
    And it refuses what is posted as "us-ascii" or "utf8", which one click to unsubscribe may well be.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["CONTENT_TYPE"] = _CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
        return application(environ, start_response)

    return answer
