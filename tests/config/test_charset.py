"""Whatever charset a request names, it is read as UTF-8."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.handlers.wsgi import WSGIRequest

from config.charset import always_utf8


@pytest.mark.parametrize(
    "charset", ["=hex", "=idna", '="undefined"', "=unicode_escape", " = utf-16", "*=utf-8''hex"]
)
def test_a_query_is_read_in_spite_of_a_strange_charset(charset: str) -> None:
    request = _made("GET", kind=f"text/plain; Charset{charset}; x=y", query="q=caf%C3%A9")
    assert (request.GET["q"], request.content_params) == ("café", {"x": "y"})


@pytest.mark.parametrize("charset", ["us-ascii", "utf8", "iso-8859-1"])
def test_what_is_posted_is_read_in_any_charset(charset: str) -> None:
    """As one click of a mail program: Django alone would refuse it."""
    kind, body = "application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"
    request = _made("POST", kind=f"{kind};charset={charset}", body=body)
    assert request.POST.dict() == {"List-Unsubscribe": "One-Click"}


def _made(method: str, *, kind: str, query: str = "", body: bytes = b"") -> WSGIRequest:
    """The request as Django makes it of what our application lets through."""
    made: list[WSGIRequest] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        made.append(WSGIRequest(environ))
        return []

    environ: dict[str, Any] = {"REQUEST_METHOD": method, "QUERY_STRING": query, "CONTENT_TYPE": kind}
    setup_testing_defaults(environ)
    always_utf8(application)(environ | {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}, None)
    return made[0]
