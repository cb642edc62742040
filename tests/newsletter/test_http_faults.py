"""What a provider's faults make of a mail, many times each: the table in docs/promises.md, row by row.

A real HTTP server answers on loopback, over one kept connection where the fault leaves one. After each row
the same carrier sends a good mail, so no fault leaves anything behind.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
import requests
from django.utils import timezone

from newsletter.transport.carrier import Carrier
from newsletter.transport.choosing import carrier
from newsletter.transport.http_verdicts import LONGEST_WAIT, http_verdict
from newsletter.transport.line import Line
from newsletter.transport.outcomes import Accepted, NoAnswer, Outcome, Refused
from newsletter.transport.watch import Watch
from tests.newsletter.letters import delivered, make_letters, make_print, readers
from tests.provider_server import ProviderServer

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning"),  # SendGrid
]

TIMES, SLOW_TIMES = 20, 5
LONG, SHORT = 10, 0.25  # seconds to wait for an answer
UNCLEAR = "which does not say what became of this mail"
Ask = Callable[[str], ProviderServer]


@pytest.fixture
def ask(settings: Any) -> Iterator[Ask]:
    settings.EMAIL_TIMEOUT = LONG
    with ProviderServer() as server:

        def named(provider: str) -> ProviderServer:
            for name, value in server.settings(provider).items():
                setattr(settings, name, value)
            return server

        yield named


def one_call(way: Carrier, number: int = 1) -> set[Outcome]:
    """All the different outcomes of one call with so many letters."""
    return set(delivered(way, make_letters(one_call.printed, readers(number))).values())


@pytest.fixture(autouse=True)
def printed() -> None:
    one_call.printed = make_print()  # type: ignore[attr-defined]


def to_all(reason: str, retry_after: float | None = None) -> Refused:
    return Refused(temporary=True, reason=reason, to_all=True, retry_after=retry_after)


ROWS: list[tuple[str, dict[str, Any], Outcome]] = [
    ("status", {"status": 429, "headers": {"Retry-After": "30"}}, to_all("the provider answered 429", 30)),
    ("status", {"status": 429}, to_all("the provider answered 429")),
    ("status", {"status": 401, "body": {"message": "Forbidden"}}, to_all("the provider answered 401")),
    ("status", {"status": 402}, to_all("the provider answered 402")),
    ("status", {"status": 404, "body": "no such page"}, to_all("the provider answered 404")),
    (
        "status",
        {"status": 307, "headers": {"Location": "/"}},
        to_all("the provider's API is elsewhere (307)"),
    ),
    (
        "status",
        {"status": 302, "headers": {"Location": "/"}},
        NoAnswer(f"the provider answered 302, {UNCLEAR}"),
    ),
    ("status", {"status": 500}, NoAnswer(f"the provider answered 500, {UNCLEAR}")),
    ("status", {"status": 500, "taken": True}, NoAnswer(f"the provider answered 500, {UNCLEAR}")),
    (
        "status",
        {"status": 503, "headers": {"Retry-After": "30"}},
        NoAnswer(f"the provider answered 503, {UNCLEAR}"),
    ),
    ("garbage", {"taken": True}, NoAnswer(f"the provider answered 200, {UNCLEAR}")),
    ("status", {"status": 200, "body": {"surprise": 1}}, NoAnswer(f"the provider answered 200, {UNCLEAR}")),
    ("unread", {}, NoAnswer("the connection to the provider broke before its answer: ConnectionError")),
    ("dropped", {}, NoAnswer("the connection to the provider broke before its answer: ConnectionError")),
    (
        "dropped",
        {"taken": True},
        NoAnswer("the connection to the provider broke before its answer: ConnectionError"),
    ),
]


@pytest.mark.parametrize("provider", ["mailgun", "postmark"])
@pytest.mark.parametrize(("kind", "options", "expected"), ROWS, ids=lambda value: str(value)[:60])
def test_each_fault_has_one_outcome(
    ask: Ask, provider: str, kind: str, options: dict[str, Any], expected: Outcome
) -> None:
    server = ask(provider)
    with carrier() as way:
        for _ in range(TIMES):
            server.break_next(kind, **options)
            assert one_call(way) == {expected}
        # Nothing was asked twice, and the next mail goes out.
        assert len(server.calls) == (0 if kind == "unread" else TIMES)
        assert {type(outcome) for outcome in one_call(way)} == {Accepted}


@pytest.mark.parametrize("provider", ["mailgun", "postmark"])
@pytest.mark.parametrize("kind", ["silent", "drip"])
def test_a_provider_that_is_too_slow_leaves_a_doubt_in_time(
    ask: Ask, settings: Any, provider: str, kind: str
) -> None:
    server = ask(provider)
    settings.EMAIL_TIMEOUT = SHORT
    with carrier() as way:
        for _ in range(SLOW_TIMES):
            server.break_next(kind, taken=True)
            assert one_call(way) == {NoAnswer("the provider did not answer in time")}
        settings.EMAIL_TIMEOUT = LONG
        assert {type(outcome) for outcome in one_call(way)} == {Accepted}
    assert len(server.calls) == SLOW_TIMES + 1


@pytest.mark.parametrize("provider", ["mailgun", "postmark"])
def test_a_provider_that_refuses_connections_costs_nobody_the_mail(
    ask: Ask, settings: Any, provider: str
) -> None:
    ask(provider)
    with ProviderServer() as gone:
        address = f"http://127.0.0.1:{gone.port}/{provider}/"
    setattr(settings, f"ANYMAIL_{provider.upper()}_API_URL", address)
    with carrier() as way:
        for _ in range(TIMES):
            assert one_call(way) == {to_all("the provider cannot be reached: ConnectionError")}


@pytest.mark.parametrize("provider", ["mailgun", "postmark"])
def test_a_connection_that_breaks_before_the_request_left_costs_nobody_the_mail(
    ask: Ask, settings: Any, provider: str
) -> None:
    server = ask(provider)
    # It speaks no TLS, so no connection comes about.
    setattr(settings, f"ANYMAIL_{provider.upper()}_API_URL", f"https://127.0.0.1:{server.port}/{provider}/")
    with carrier() as way:
        for _ in range(SLOW_TIMES):
            assert one_call(way) == {to_all("the provider cannot be reached: SSLError")}
    assert server.calls == []


@pytest.mark.parametrize("provider", ["mailgun", "mailjet", "sendgrid", "unisender_go"])
def test_a_fault_of_a_call_meets_everybody_in_it(ask: Ask, provider: str) -> None:
    server = ask(provider)
    with carrier() as way:
        for _ in range(TIMES):
            server.break_next("garbage", taken=True)
            [unclear] = one_call(way, 5)
            assert isinstance(unclear, NoAnswer)
            server.break_next("status", status=429, headers={"Retry-After": "7"})
            assert one_call(way, 5) == {to_all("the provider answered 429", 7)}
            server.break_next("dropped")
            [broken] = one_call(way, 5)
            assert isinstance(broken, NoAnswer)
        assert {type(outcome) for outcome in one_call(way, 5)} == {Accepted}
    assert len(server.calls) == 3 * TIMES + 1


def test_a_request_of_which_a_part_left_is_known_not_to_have_left(ask: Ask) -> None:
    server = ask("mailgun")
    watch = Watch()
    with requests.Session() as session:
        watch.mount(session)
        for _ in range(3):
            server.break_next("unread")
            # More than the buffers between the two take in.
            with suppress(requests.ConnectionError), watch.call(LONG):
                session.post(f"http://127.0.0.1:{server.port}/mailgun/", data=b"x" * 30_000_000)
            assert not watch.left
        with watch.call(LONG):
            session.post(f"http://127.0.0.1:{server.port}/faults", data=b"{}")
        assert watch.left


def test_a_provider_that_cannot_take_a_mail_is_not_asked(ask: Ask) -> None:
    server = ask("postmark")
    message = make_letters(one_call.printed, readers(1))
    with carrier() as way, Line() as line:
        way.prepare(message[0])
        message[0].content.merge_data = {"reader0@example.org": {"name": "Ada"}}
        line.open()
        refused = line.send(message[0].content)
    assert refused == to_all("the mail cannot be built for this provider: AnymailUnsupportedFeature")
    assert server.calls == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("999999999", LONGEST_WAIT),
        (format_datetime(datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)), 30),
        (format_datetime(datetime(2026, 11, 21, 11, 0, tzinfo=UTC)), 0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_may_be_seconds_or_a_date(value: str, seconds: float | None) -> None:
    error = requests.HTTPError(response=requests.Response())
    error.status_code = 429  # type: ignore[attr-defined]  # as Anymail sets it
    error.response.headers["Retry-After"] = value
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert http_verdict(error, left=True, now=now) == to_all("the provider answered 429", seconds)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("TooManyRequestsException", 429, to_all("the provider answered 429")),
        ("SendingPausedException", 400, to_all("the provider answered 400")),
        ("MessageRejected", 400, Refused(temporary=False, reason="the provider refused this mail (400)")),
        ("InternalFailure", 500, NoAnswer(f"the provider answered 500, {UNCLEAR}")),
    ],
)
def test_amazons_errors_tell_the_account_from_the_mail(code: str, status: int, expected: Outcome) -> None:
    error = Exception("as Anymail raises it")
    told = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error.response = told  # type: ignore[attr-defined]
    assert http_verdict(error, left=True, now=timezone.now()) == expected
