"""A polite HTTP client that trusts no server: Client.get(url) → Answer, or FetchError in one sentence.

Polite: one kept connection per host, an identifying User-Agent, retries with growing pauses, `Retry-After`
honoured. Distrustful: deadlines, a size limit counted after unpacking, no redirect to another host, only the
content types that were asked for, no cookies, no passwords from ~/.netrc, and no cut-off body taken for data.
Proxies named in the environment are used. Bodies never reach a log or a message.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Self
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from urllib3 import exceptions as wire

from papers.sources.record import SourceError
from papers.sources.refusing import (
    FailedError,
    Kind,
    declared_length,
    encoding,
    http_date,
    refusal,
    same_host,
    unreachable,
    wrong_type,
)
from papers.sources.unpacking import DamagedError, TooLargeError, unpacked
from papers.sources.values import excerpt
from papers.sources.watch import Watch, WatchedAdapter

REDIRECTS_LIMIT = 3
LONGEST_WAIT = 60.0  # seconds; a server that asks for more is left alone, and the caller comes back later
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds, before jitter
_CHUNK = 65_536
_OVERHEAD = 1_000_000  # bytes of headers and chunk sizes on top of twice the body
_MOVED = {301, 302, 303, 307, 308}
_CHANCE = random.SystemRandom()


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
    try:
        parts = urlsplit(url)
    except ValueError:
        return "The address"
    return excerpt(f"{parts.netloc.rpartition('@')[2]}{parts.path}", 120)


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
            except FailedError as error:
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
                url, params = same_host(response.url, response.headers.get("Location", "")), None
        raise FailedError(f"redirected more than {REDIRECTS_LIMIT} times", "redirect")

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
            raise FailedError(reason, "timeout", passing=True) from None
        except requests.exceptions.SSLError:
            reason = "could not be reached: its certificate is not valid"
            raise FailedError(reason, "unreachable") from None
        except ValueError:  # no scheme, or one that is not http, or no host: requests' errors are ValueErrors
            raise FailedError("is no web address", "unreachable") from None
        except (OSError, wire.HTTPError) as error:  # requests' errors are OSErrors
            if self._watch.ran_out:
                raise self._late() from None
            raise unreachable(error) from None

    def _answer(self, response: requests.Response, accept: Sequence[str], statuses: Sequence[int]) -> Answer:
        content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        status = response.status_code
        if status not in statuses or (status != 200 and content_type not in accept):
            raise refusal(response, self._now())
        if content_type not in accept:
            raise wrong_type(content_type, accept)
        body = self._body(response)
        return Answer(
            url=response.url,
            body=body,
            content_type=content_type,
            received_at=self._now(),
            server_date=http_date(response.headers.get("Date", "")),
            status=status,
        )

    def _body(self, response: requests.Response) -> bytes:
        too_large = FailedError(f"sent more than {self._max_bytes:,} bytes and was stopped", "too_large")
        if declared_length(response) > self._max_bytes:
            raise too_large
        try:
            return unpacked(
                response.raw.stream(_CHUNK, decode_content=False), encoding(response), self._max_bytes
            )
        except TooLargeError:
            raise too_large from None
        except DamagedError as error:
            raise FailedError(f"sent no whole answer: {error}", "broken", passing=True) from None
        except (wire.HTTPError, OSError, ValueError) as error:  # ValueError: a chunk of negative size
            if self._watch.ran_out == "room":
                raise too_large from None
            if self._watch.ran_out or isinstance(error, wire.ReadTimeoutError | TimeoutError):
                raise self._late() from None
            reason = "sent no whole answer: the connection ended before the body did"
            raise FailedError(reason, "broken", passing=True) from None

    def _late(self) -> FailedError:
        if self._watch.ran_out == "room":
            return FailedError("sent headers without an end and was stopped", "too_large")
        if self._watch.ran_out:
            return FailedError(f"was not done within {self._deadline:g} s", "timeout", passing=True)
        return FailedError(f"sent nothing for {self._timeout[1]:g} s", "timeout", passing=True)


class _NoPasswords(AuthBase):
    """With any auth of its own, a session reads no ~/.netrc; its proxies and certificates stay."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _told(url: str, error: FailedError, tried: int) -> FetchError:
    times = f" (asked {tried} times)" if tried > 1 else ""
    return FetchError(
        f"{place(url)} {error.reason}{times}.",
        error.kind,
        status=error.status,
        retry_after=error.retry_after,
    )
