"""Every fault of a mail server through the whole sender: the documented state, and when it is tried again."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.test.utils import override_settings

from newsletter.delivery import planning
from newsletter.delivery.sending import Sender, SendReport
from newsletter.models import Delivery, Edition
from newsletter.transport.outcomes import Accepted, Outcome, Refused
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.newsletter.smtp_script import HANG_UP, Server, smtp_server
from tests.newsletter.test_smtp_faults import FAULTS, SILENT, TO_EVERYBODY, becomes, play

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
TIMES = 4
TO_ALL = {name for name, fault in FAULTS.items() if becomes(fault.outcome) == "pending, no try lost"}
STATES = {"in doubt": "in_doubt", "pending, no try lost": "pending"}


@pytest.fixture
def edition() -> Edition:
    topic = make_topic(slug="agents")
    return make_edition(date=NOW.date(), papers=[(make_paper(), [topic])], frozen_at=NOW)


def make_readers(names: list[str]) -> None:
    for place, name in enumerate(names):
        make_subscriber(email=f"{name}.{place}@example.org", topics=None, now=NOW - timedelta(days=2))


@contextmanager
def sending_to(server: Server, *, lines: int = 10, timeout: float = 20) -> Iterator[None]:
    given = {**server.settings, "EMAIL_TIMEOUT": timeout, "NEWSLETTER_SMTP_CONNECTIONS": lines}
    with override_settings(**given):
        yield


def send(edition: Edition, now: datetime) -> SendReport:
    return Sender(edition, clock=lambda: now).run()


def row_after(outcome: Outcome) -> tuple[str, str, int, datetime | None]:
    """(state, reason, attempts, next_at) of a row after its first try."""
    state = becomes(outcome)
    reason = "" if isinstance(outcome, Accepted) else outcome.reason
    tried = 0 if isinstance(outcome, Refused) and outcome.to_all else 1
    next_at = NOW + timedelta(minutes=2 if tried else 1) if "pending" in state else None
    return STATES.get(state, state), reason, tried, next_at


def rows() -> dict[str, tuple[str, str, int, datetime | None]]:
    fields = ("subscriber__email", "state", "reason", "attempts", "next_at")
    return {email: (s, r, a, n) for email, s, r, a, n in Delivery.objects.values_list(*fields)}


def test_each_answer_leaves_the_documented_row_and_only_refused_for_now_is_sent_again(
    edition: Edition,
) -> None:
    # The reason of a mail that is cut short depends on the kernel's timing.
    names = [name for name in FAULTS if name not in {*TO_ALL, "body-end"} for _ in range(TIMES)]
    random.Random(2).shuffle(names)
    make_readers(names)
    planning.plan(edition, now=NOW)
    with smtp_server() as server, sending_to(server):
        play(server, FAULTS)
        assert send(edition, NOW).stopped == ""
        assert rows() == {
            f"{name}.{place}@example.org": row_after(FAULTS[name].outcome) for place, name in enumerate(names)
        }
        server.for_recipient = lambda recipient: {}
        server.recipients.clear()
        assert send(edition, NOW + timedelta(seconds=119)) == SendReport()
        send(edition, NOW + timedelta(minutes=3))
    again = {f"{n}.{p}@example.org" for p, n in enumerate(names) if becomes(FAULTS[n].outcome) == "pending"}
    assert sorted(server.recipients) == sorted(again)
    ends = {"accepted", "rejected", "in_doubt"}
    assert set(Delivery.objects.values_list("state", flat=True)) == ends


def test_each_silence_leaves_the_documented_row(edition: Edition) -> None:
    names = [name for name in SILENT for _ in range(TIMES)]
    make_readers(names)
    planning.plan(edition, now=NOW)
    with smtp_server() as server, sending_to(server, lines=30, timeout=4):
        play(server, SILENT)
        send(edition, NOW)
    assert rows() == {
        f"{name}.{place}@example.org": row_after(SILENT[name].outcome) for place, name in enumerate(names)
    }


@pytest.mark.parametrize("name", sorted(TO_ALL | {"mail-later", "mail-never"}))
def test_what_would_meet_every_mail_stops_the_run_and_costs_no_try(edition: Edition, name: str) -> None:
    fault = {**FAULTS, **TO_EVERYBODY}[name]
    make_readers([name] * 6)
    planning.plan(edition, now=NOW)
    with smtp_server(**({} if name in FAULTS else fault.replies)) as server, sending_to(server, lines=1):
        if name in FAULTS:
            play(server, FAULTS)
        report = send(edition, NOW)
        assert isinstance(fault.outcome, Refused)
        assert report.stopped == f"the mail server or provider refuses everything: {fault.outcome.reason}"
        assert sorted(rows().values(), key=str) == sorted(
            [row_after(fault.outcome), *[("pending", "", 0, None)] * 5], key=str
        )
        server.replies.clear()
        server.for_recipient = lambda recipient: {}
        server.recipients.clear()
        assert send(edition, NOW + timedelta(seconds=59)).accepted == 5
        assert send(edition, NOW + timedelta(seconds=61)).accepted == 1
    assert len(set(server.recipients)) == len(server.recipients) == 6


@pytest.mark.parametrize("replies", [{"greeting": HANG_UP}, {"EHLO": "550 no", "HELO": "550 no"}], ids=str)
def test_without_a_connection_nothing_is_gated(edition: Edition, replies: dict[str, str]) -> None:
    make_readers(["any"] * 5)
    planning.plan(edition, now=NOW)
    with smtp_server(**replies) as server, sending_to(server):
        report = send(edition, NOW)
        assert report.stopped.startswith("the mail server cannot be reached: ")
        assert set(rows().values()) == {("pending", "", 0, None)}
        server.replies.clear()
        assert send(edition, NOW).accepted == 5


def test_a_mail_that_is_refused_for_now_is_given_up_at_the_sixth_try(edition: Edition) -> None:
    make_readers(["any"])
    planning.plan(edition, now=NOW)
    waits, moment = [], NOW
    with smtp_server(end="452 disk full") as server, sending_to(server):
        while True:
            send(edition, moment)
            row = Delivery.objects.get()
            if row.next_at is None:
                break
            waits.append(int((row.next_at - moment).total_seconds() // 60))
            moment = row.next_at
    assert waits == [2, 4, 8, 16, 32]
    assert (row.state, row.attempts, row.covers) == ("rejected", 6, False)
    assert len(server.received) == 6
