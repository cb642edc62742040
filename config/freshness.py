"""Conditional GET: a page that has not changed is not made again, and not sent again.

A view says in a few cheap facts what its page hangs on; the page itself is not looked at. Browsers ask each
time (`no-cache`), and get 304 and no body where they have the page already.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from time import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.middleware.csrf import get_token
from django.utils.cache import patch_vary_headers
from django.utils.http import http_date, parse_etags
from django.utils.translation import get_language

# A form bears the time of its rendering and is refused after a day: a page may lie half of that in a cache.
FORM_KEEPS = timedelta(hours=12)
_READ_ANEW = ("locale", "static", "templates")  # by a running process, where DEBUG is set
_PARTS = ("config", "newsletter", "papers", *_READ_ANEW)


def unless_known(
    request: HttpRequest,
    facts: object,
    make: Callable[[], HttpResponse],
    *,
    changed_at: datetime | None = None,
    has_form: bool = False,
) -> HttpResponse:
    """The response of `make` with ETag and Last-Modified; or 304, and `make` is not called.

    `facts`: anything whose repr differs wherever the page would; language, settings and program are added
    here. `changed_at`: when something on the page was last written, if known. `has_form`: it has a form with
    a CSRF token, so it is one visitor's own and good for half a day.
    """
    moment = int(changed_at.timestamp()) if changed_at else None
    own: tuple[object, ...] = ()
    if has_form:
        # The form in a browser's copy is worth nothing without the cookie that came with it. Asking for the
        # token has the cookie set (again), also with a 304.
        get_token(request)
        began = int(time() // FORM_KEEPS.total_seconds() * FORM_KEEPS.total_seconds())
        own = (request.META["CSRF_COOKIE"], began)
        moment = max(moment or 0, began)
    etag = f'W/"{fingerprint((facts, own))}"'
    answer = HttpResponseNotModified() if has_already(request, etag) else make()
    _say(answer, etag, moment, is_own=has_form)
    return answer


def has_already(request: HttpRequest, etag: str) -> bool:
    """Whether who asks has the page of this ETag, and need not be sent it.

    If-Modified-Since is not asked: a page without the paper that was taken off since, or with a topic's new
    name, is no younger than the one before, so of who knows the time alone nobody can say what they have.
    """
    told = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in told or _opaque(etag) in map(_opaque, told)


def _opaque(etag: str) -> str:
    """Without the mark of a weak one: what is asked is whether two mean the same page."""
    return etag.removeprefix("W/")


def fingerprint(facts: object) -> str:
    """32 characters that differ wherever a page made of these facts would."""
    told = repr((facts, get_language(), _program()))
    return sha256(told.encode()).hexdigest()[:32]


def _say(response: HttpResponse, etag: str, moment: int | None, *, is_own: bool) -> None:
    response["Cache-Control"] = "private, no-cache" if is_own else "no-cache"
    response["ETag"] = etag
    if moment is not None:
        response["Last-Modified"] = http_date(moment)
    patch_vary_headers(response, ("Accept-Language", "Cookie"))  # both choose the language


def _program() -> str:
    """Names what turns facts into a page: another version of it is another page."""
    return f"{_digest()} {_newest()}" if settings.DEBUG else _digest()


@cache
def _digest() -> str:
    """By content, so that all servers that run the same program agree. Tens of milliseconds, once."""
    found = sha256(f"{settings.NEWSLETTER_NAME} {settings.SITE_URL}".encode())
    for path in _files(_PARTS):
        found.update(path.read_bytes())
    return found.hexdigest()


def _newest() -> int:
    """By time, for those who write templates while it runs. About a millisecond."""
    return max((path.stat().st_mtime_ns for path in _files(_READ_ANEW)), default=0)


def _files(parts: Iterable[str]) -> list[Path]:
    folders = [Path(settings.BASE_DIR) / part for part in parts]
    files = [path for folder in folders for path in sorted(folder.rglob("*"))]
    return [path for path in files if path.is_file() and path.suffix not in (".pyc", ".po")]
