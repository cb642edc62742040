"""How machines are answered: feeds and JSON, the same for everybody, with a validator to ask again by."""

import functools
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils import translation
from django.utils.http import http_date, quote_etag
from django.views.decorators.http import require_safe

from config.freshness import has_already

MAX_AGE = 300  # seconds that a copy may be used without asking again
LANGUAGE = "en"
_View = Callable[..., HttpResponse]


def for_machines(view: _View) -> _View:
    """Decorate a view whose answer is in English whoever asks, and may be read by pages of any site."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with translation.override(LANGUAGE):
            response = view(request, *args, **kwargs)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Content-Language"] = LANGUAGE
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return require_safe(answer)


def json_door(view: Callable[..., Mapping[str, Any]]) -> _View:
    """Decorate a function that gives a JSON object; what it does not find is told in JSON too.

    An object may have "changed", a datetime that is told as Last-Modified and is no part of the answer.
    """

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            data = dict(view(request, *args, **kwargs))
        except Http404 as missing:
            return _json({"error": str(missing)}, status=404)
        except NotNow as busy:
            response = _json({"error": str(busy)}, status=503)
            response.headers["Retry-After"] = "60"
            return response
        changed = data.pop("changed", None)
        return validated(request, _json(data), changed=changed)

    return for_machines(answer)


class NotNow(Exception):
    """This cannot be answered just now; the message is a sentence for whoever asked."""


def validated(request: HttpRequest, response: HttpResponse, *, changed: datetime | None) -> HttpResponse:
    """Give an answer its ETag, which is of its bytes, and Last-Modified; 304 where the asker has it."""
    etag = quote_etag(blake2b(response.content, digest_size=16).hexdigest())
    answer = HttpResponseNotModified() if has_already(request, etag) else response
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    if changed is not None:
        answer.headers["Last-Modified"] = http_date(changed.timestamp())
    return answer


def _json(data: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(body, content_type="application/json", status=status)
