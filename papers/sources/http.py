"""A polite HTTP client that trusts no server: Client.get(url) → Answer, or FetchError in one sentence.

Polite: one kept connection per host, an identifying User-Agent, retries with growing pauses, `Retry-After`
honoured. Distrustful: deadlines, a size limit counted after unpacking, no redirect to another host, only the
content types that were asked for, no cookies, no passwords from ~/.netrc, and no cut-off body taken for data.
Proxies named in the environment are used. Bodies never reach a log or a message.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Literal, Self
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.auth import AuthBase
from urllib3 import exceptions as wire

from papers.sources.record import SourceError
from papers.sources.unpacking import DamagedError, TooLargeError, unpacked
from papers.sources.values import excerpt
from papers.sources.watch import Watch, WatchedAdapter

REDIRECTS_LIMIT = 3
LONGEST_WAIT = 60.0  # seconds; a server that asks for more is left alone, and the caller comes back later
RETRY_AFTER_LIMIT = 86_400.0  # seconds; more is a clock gone wrong
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds, before jitter
_CHUNK = 65_536
_OVERHEAD = 1_000_000  # bytes of headers and chunk sizes on top of twice the body
_MOVED = {301, 302, 303, 307, 308}
_PASSING = {408, 425, 429}  # and all of 500 to 599
_CHANCE = random.SystemRandom()

Kind = Literal["unreachable", "timeout", "status", "redirect", "type", "too_large", "broken"]


class FetchError(SourceError):
    """No answer to use; the message is one sentence that names host and path.

    `status` is the HTTP status where one came; `retry_after` (seconds) is what the server asked for.
    """

    def __init__(
        self, message: str, kind: Kind, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True)
class Answer:
    """A whole body, unpacked. `received_at` is our clock; `server_date` is the server's, only to be shown."""

    url: str
    body: bytes
    content_type: str  # without parameters, in small letters: "application/json"
    received_at: datetime
    server_date: datetime | None
    status: int = 200


def unusable(answer: Answer, reason: str) -> FetchError:
    """The error for an answer that came whole and cannot be read; `reason` is a clause about "it"."""
    return FetchError(f"{place(answer.url)} gave an answer that cannot be read: {reason}.", "broken")


def place(url: str) -> str:
    """Host and path, for messages: without the query and without a password."""
    parts = urlsplit(url)
    return excerpt(f"{parts.netloc.rpartition('@')[2]}{parts.path}", 120)


@dataclass
class _FailedError(Exception):
    """One attempt failed; `reason` goes on where "host/path" began. `passing`: another attempt may do."""

    reason: str
    kind: Kind
    passing: bool = False
    status: int | None = None
    retry_after: float | None = None


def _nothing() -> None:
    return None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Client:
    """GET requests, one at a time. Close it, or use it in a `with` block."""

    def __init__(
        self,
        *,
        user_agent: str,
        timeout: tuple[float, float],
        deadline: float,
        max_bytes: int,
        attempts: int,
        wait: Callable[[float], None] = time.sleep,
        before_request: Callable[[], None] = _nothing,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """`timeout` is (to connect, between two bytes) and `deadline` the whole of one request, in seconds;
        `max_bytes` counts after unpacking; `before_request` runs before each request, retries too, and may
        wait."""
        self.attempts = attempts
        self._timeout, self._deadline, self._max_bytes = timeout, deadline, max_bytes
        self._wait, self._before_request, self._now = wait, before_request, now
        self._watch = Watch()
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "gzip"})
        self._session.auth = _NoPasswords()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, WatchedAdapter(self._watch))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def get(
        self,
        url: str,
        params: Mapping[str, str | int] | None = None,
        *,
        accept: Sequence[str],
        statuses: Sequence[int] = (200,),
    ) -> Answer:
        """The answer, of one of the content types in `accept` and one of `statuses`. Raises FetchError."""
        for tried in range(1, self.attempts + 1):
            try:
                return self._follow(url, params, accept, statuses)
            except _FailedError as error:
                too_long = (error.retry_after or 0) > LONGEST_WAIT
                if not error.passing or too_long or tried == self.attempts:
                    raise _told(url, error, tried) from None
                self.back_off(tried, error.retry_after)
        raise ValueError("a client needs at least one attempt")

    def back_off(self, tried: int, asked_for: float | None = None) -> None:
        """Wait before attempt `tried` + 1: longer each time, at least what the server asked for, and never
        in step with others."""
        pause = min(_FIRST_PAUSE * 2 ** (tried - 1), _LONGEST_PAUSE)
        self._wait(max(pause * _CHANCE.uniform(0.5, 1.5), (asked_for or 0) + _CHANCE.uniform(0, 1)))

    def _follow(
        self,
        url: str,
        params: Mapping[str, str | int] | None,
        accept: Sequence[str],
        statuses: Sequence[int],
    ) -> Answer:
        for _ in range(REDIRECTS_LIMIT + 1):
            self._before_request()
            self._watch.start(self._deadline, 2 * self._max_bytes + _OVERHEAD)
            with self._ask(url, params, accept) as response:
                if response.status_code not in _MOVED:
                    return self._answer(response, accept, statuses)
                url, params = _same_host(response.url, response.headers.get("Location", "")), None
        raise _FailedError(f"redirected more than {REDIRECTS_LIMIT} times", "redirect")

    def _ask(
        self, url: str, params: Mapping[str, str | int] | None, accept: Sequence[str]
    ) -> requests.Response:
        try:
            return self._session.get(
                url,
                params=params,
                headers={"Accept": ", ".join(accept)},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
        except requests.ReadTimeout:
            raise self._late() from None
        except requests.ConnectTimeout:
            reason = f"could not be reached within {self._timeout[0]:g} s"
            raise _FailedError(reason, "timeout", passing=True) from None
        except requests.exceptions.SSLError:
            reason = "could not be reached: its certificate is not valid"
            raise _FailedError(reason, "unreachable") from None
        except ValueError:  # no scheme, or one that is not http, or no host: requests' errors are ValueErrors
            raise _FailedError("is no web address", "unreachable") from None
        except (OSError, wire.HTTPError) as error:  # requests' errors are OSErrors
            if self._watch.ran_out:
                raise self._late() from None
            raise _unreachable(error) from None

    def _answer(self, response: requests.Response, accept: Sequence[str], statuses: Sequence[int]) -> Answer:
        content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        status = response.status_code
        if status not in statuses or (status != 200 and content_type not in accept):
            raise _refusal(response, self._now())
        if content_type not in accept:
            raise _wrong_type(content_type, accept)
        body = self._body(response)
        return Answer(
            url=response.url,
            body=body,
            content_type=content_type,
            received_at=self._now(),
            server_date=_http_date(response.headers.get("Date", "")),
            status=status,
        )

    def _body(self, response: requests.Response) -> bytes:
        too_large = _FailedError(f"sent more than {self._max_bytes:,} bytes and was stopped", "too_large")
        if _declared_length(response) > self._max_bytes:
            raise too_large
        try:
            return unpacked(
                response.raw.stream(_CHUNK, decode_content=False), _encoding(response), self._max_bytes
            )
        except TooLargeError:
            raise too_large from None
        except DamagedError as error:
            raise _FailedError(f"sent no whole answer: {error}", "broken", passing=True) from None
        except (wire.HTTPError, OSError, ValueError) as error:  # ValueError: a chunk of negative size
            if self._watch.ran_out == "room":
                raise too_large from None
            if self._watch.ran_out or isinstance(error, wire.ReadTimeoutError | TimeoutError):
                raise self._late() from None
            reason = "sent no whole answer: the connection ended before the body did"
            raise _FailedError(reason, "broken", passing=True) from None

    def _late(self) -> _FailedError:
        if self._watch.ran_out == "room":
            return _FailedError("sent headers without an end and was stopped", "too_large")
        if self._watch.ran_out:
            return _FailedError(f"was not done within {self._deadline:g} s", "timeout", passing=True)
        return _FailedError(f"sent nothing for {self._timeout[1]:g} s", "timeout", passing=True)


class _NoPasswords(AuthBase):
    """With any auth of its own, a session reads no ~/.netrc; its proxies and certificates stay."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _told(url: str, error: _FailedError, tried: int) -> FetchError:
    times = f" (asked {tried} times)" if tried > 1 else ""
    return FetchError(
        f"{place(url)} {error.reason}{times}.",
        error.kind,
        status=error.status,
        retry_after=error.retry_after,
    )


def _same_host(asked: str, location: str) -> str:
    """Where a redirect leads: the same host only, and never from https to http."""
    try:
        old, new = urlsplit(asked), urlsplit(urljoin(asked, location))
        same = (new.hostname, _port(new)) == (old.hostname, _port(old)) and new.scheme == old.scheme
        safer = (old.scheme, new.scheme) == ("http", "https") and new.hostname == old.hostname
        safer = safer and (_port(old), _port(new)) == (80, 443)
    except ValueError:
        raise _FailedError("redirected to something that is no address", "redirect") from None
    if not location:
        raise _FailedError("redirected to nowhere", "redirect")
    if not (same or safer) or new.username is not None:
        target = excerpt(f"{new.scheme}://{new.netloc.rpartition('@')[2]}", 80)
        raise _FailedError(f"redirected to {target}, which is refused", "redirect")
    return new.geturl()


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _unreachable(error: Exception) -> _FailedError:
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
            return _FailedError(reason, "unreachable", passing=True)
    if any(isinstance(cause, HTTPException) for cause in causes):
        return _FailedError("sent something that is no HTTP answer", "broken", passing=True)
    return _FailedError("could not be reached", "unreachable", passing=True)


def _causes(error: object) -> Iterator[object]:
    """The errors inside of an error; never their texts, which may hold a proxy's password."""
    yield error
    inner = [getattr(error, "reason", None), *(error.args if isinstance(error, Exception) else ())]
    for cause in inner:
        if isinstance(cause, Exception) and cause is not error:
            yield from _causes(cause)


def _refusal(response: requests.Response, now: datetime) -> _FailedError:
    status = response.status_code
    meaning = {403: " (forbidden)", 404: " (not found)", 429: " (too many requests)"}.get(status, "")
    return _FailedError(
        f"answered with status {status}{meaning}",
        "status",
        passing=status in _PASSING or 500 <= status < 600,
        status=status,
        retry_after=_retry_after(response.headers.get("Retry-After"), now),
    )


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait: the header holds seconds, or a moment, which is compared with our own clock."""
    if value is None:
        return None
    if value.strip().isdecimal() and len(value) < 12:
        seconds = float(value)
    else:
        moment = _http_date(value)
        if moment is None:
            return None
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT)


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _wrong_type(given: str, accept: Sequence[str]) -> _FailedError:
    if given in ("text/html", "application/xhtml+xml"):
        return _FailedError("answered with a web page instead of data", "type", status=200)
    named = excerpt(given, 60) or "no content type"
    return _FailedError(f"answered with {named} instead of {accept[0]}", "type", status=200)


def _encoding(response: requests.Response) -> str:
    given = response.headers.get("Content-Encoding", "").strip().lower()
    if given in ("gzip", "x-gzip"):
        return "gzip"
    if given in ("", "identity"):
        return ""
    raise _FailedError(f"packed its answer as {excerpt(given, 40)}, which was not asked for", "type")


def _declared_length(response: requests.Response) -> int:
    value = response.headers.get("Content-Length", "")
    return int(value) if value.isdecimal() and len(value) < 19 else 0
