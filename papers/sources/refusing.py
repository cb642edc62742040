"""Pure: what can be wrong with an answer or an attempt to get one, and how it is told to a person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Literal
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from urllib3 import exceptions as wire

from papers.sources.values import excerpt

RETRY_AFTER_LIMIT = 21_600.0  # seconds; more would cost an edition, and is a clock gone wrong
_PASSING = {408, 425, 429}  # and all of 500 to 599

Kind = Literal["unreachable", "timeout", "status", "redirect", "type", "too_large", "broken"]


@dataclass
class FailedError(Exception):
    """One attempt failed; `reason` goes on where "host/path" began. `passing`: another attempt may do."""

    reason: str
    kind: Kind
    passing: bool = False
    status: int | None = None
    retry_after: float | None = None


def same_host(asked: str, location: str) -> str:
    """Where a redirect leads: the same host only, and never from https to http. Raises FailedError."""
    try:
        old, new = urlsplit(asked), urlsplit(urljoin(asked, location))
        same = (new.hostname, _port(new)) == (old.hostname, _port(old)) and new.scheme == old.scheme
        safer = (old.scheme, new.scheme) == ("http", "https") and new.hostname == old.hostname
        safer = safer and (_port(old), _port(new)) == (80, 443)
    except ValueError:
        raise FailedError("redirected to something that is no address", "redirect") from None
    if not location:
        raise FailedError("redirected to nowhere", "redirect")
    if not (same or safer) or new.username is not None:
        target = excerpt(f"{new.scheme}://{new.netloc.rpartition('@')[2]}", 80)
        raise FailedError(f"redirected to {target}, which is refused", "redirect")
    return new.geturl()


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def unreachable(error: Exception) -> FailedError:
    """What is wrong, told from the error that requests wraps around urllib3's around the system's."""
    causes = list(_causes(error))
    kinds = [
        (wire.NameResolutionError, "could not be reached: its name is unknown"),
        (wire.ProxyError, "could not be reached through the proxy"),
        (wire.NewConnectionError, "could not be reached: no connection"),
        (ConnectionError, "could not be reached: the connection ended before an answer came"),
    ]
    for kind, reason in kinds:
        if any(isinstance(cause, kind) for cause in causes):
            return FailedError(reason, "unreachable", passing=True)
    if any(isinstance(cause, HTTPException) for cause in causes):
        return FailedError("sent something that is no HTTP answer", "broken", passing=True)
    return FailedError("could not be reached", "unreachable", passing=True)


def _causes(error: object) -> Iterator[object]:
    """The errors inside of an error; never their texts, which may hold a proxy's password."""
    yield error
    inner = [getattr(error, "reason", None), *(error.args if isinstance(error, Exception) else ())]
    for cause in inner:
        if isinstance(cause, Exception) and cause is not error:
            yield from _causes(cause)


def refusal(response: requests.Response, now: datetime) -> FailedError:
    """A status that is no answer; `now` is our clock, which counts where the server does not tell its own
    and names a moment to come again."""
    status = response.status_code
    meaning = {403: " (forbidden)", 404: " (not found)", 429: " (too many requests)"}.get(status, "")
    return FailedError(
        f"answered with status {status}{meaning}",
        "status",
        passing=status in _PASSING or 500 <= status < 600,
        status=status,
        retry_after=_retry_after(
            response.headers.get("Retry-After"), http_date(response.headers.get("Date", "")) or now
        ),
    )


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait: the header holds seconds, or a moment by the clock that says `now`."""
    if value is None:
        return None
    if value.strip().isdecimal() and len(value) < 12:
        seconds = float(value)
    else:
        moment = http_date(value)
        if moment is None:
            return None
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT)


def http_date(value: str) -> datetime | None:
    """The moment of a header such as Date; None where it is none."""
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def wrong_type(given: str, accept: Sequence[str]) -> FailedError:
    """A content type that nobody asked for."""
    if given in ("text/html", "application/xhtml+xml"):
        return FailedError("answered with a web page instead of data", "type", status=200)
    named = excerpt(given, 60) or "no content type"
    return FailedError(f"answered with {named} instead of {accept[0]}", "type", status=200)


def encoding(response: requests.Response) -> str:
    """How the body is packed: "gzip" or "". Raises FailedError for anything else."""
    given = response.headers.get("Content-Encoding", "").strip().lower()
    if given in ("gzip", "x-gzip"):
        return "gzip"
    if given in ("", "identity"):
        return ""
    raise FailedError(f"packed its answer as {excerpt(given, 40)}, which was not asked for", "type")


def declared_length(response: requests.Response) -> int:
    """Content-Length; 0 where it is not told."""
    value = response.headers.get("Content-Length", "")
    return int(value) if value.isdecimal() and len(value) < 19 else 0
