"""The gate over several lines: what it lets pass, what it refuses and why, and who gets through a failure."""

import email
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from email.policy import default

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import override_settings
from django.utils import timezone

from newsletter.delivery import planning, recording, sending
from newsletter.delivery.ledger import Claimed
from newsletter.delivery.printing import PrintRoom
from newsletter.mail import Print
from newsletter.mixes import mix_for
from newsletter.models import Delivery, Edition, EditionPaper
from newsletter.transport.carrier import Letter
from newsletter.transport.outcomes import Accepted, NoAnswer, Refused
from newsletter.transport.single import SingleCarrier
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber
from tests.newsletter.smtp_script import HANG_UP, Server, smtp_server

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2026, 11, 20)


@pytest.fixture
def edition() -> Edition:
    papers = [(make_paper(title=title), []) for title in ("Stays in", "Is withdrawn")]
    return make_edition(date=DAY, papers=papers, state=Edition.State.SENDING)


def send(edition: Edition, server: Server, *, lines: int = 1, **options: object) -> sending.SendReport:
    with override_settings(**server.settings, NEWSLETTER_SMTP_CONNECTIONS=lines):
        return sending.Sender(edition, **options).run()


def rows(*fields: str) -> list[tuple[object, ...]]:
    return list(Delivery.objects.order_by("id").values_list(*fields))


def bodies(server: Server) -> list[str]:
    return [str(email.message_from_bytes(raw, policy=default)) for raw in server.received]


def once(work: Callable[[], object]) -> Callable[[], None]:
    """A hook for the server that does its work while the first mail is under way."""
    done: list[bool] = []

    def hook() -> None:
        if not done:
            done.append(True)
            work()
        connection.close()

    return hook


def test_over_several_lines_at_most_so_many_are_between_gate_and_answer(edition: Edition) -> None:
    for _ in range(40):
        make_delivery(edition, make_subscriber())
    under_way: list[int] = []

    def look() -> None:
        under_way.append(Delivery.objects.filter(state="handoff").count())
        connection.close()

    with smtp_server() as server:
        server.on_data = look
        report = send(edition, server, lines=4)
    assert report == sending.SendReport(digests=1, accepted=40)
    assert len(server.received) == len(under_way) == 40
    assert max(under_way) <= 4
    assert Counter(rows("state", "covers", "revision", "lease_until", "attempts")) == {
        ("accepted", True, 0, None, 1): 40
    }


def test_a_pause_takes_effect_within_one_gate(edition: Edition) -> None:
    for _ in range(3):
        make_delivery(edition, make_subscriber())
    pause = {"paused_at": timezone.now(), "paused_because": "too many bounces"}
    with smtp_server() as server:
        server.on_data = once(lambda: Edition.objects.update(**pause))
        report = send(edition, server)
        assert (report.accepted, report.stopped) == (1, "the edition is paused: too many bounces")
        assert rows("state", "token") == [
            ("accepted", Delivery.objects.get(state="accepted").token),
            ("pending", None),
            ("pending", None),
        ]
        Edition.objects.update(paused_at=None)
        assert send(edition, server).accepted == 2


def test_after_a_withdrawal_what_was_not_gated_is_printed_without_the_paper(edition: Edition) -> None:
    for _ in range(3):
        make_delivery(edition, make_subscriber())

    def withdraw() -> None:
        EditionPaper.objects.filter(rank=2).update(removed_in=1)
        Edition.objects.update(revision=1)

    with smtp_server() as server:
        server.on_data = once(withdraw)
        assert send(edition, server).accepted == 3
    assert ["Is withdrawn" in body for body in bodies(server)] == [True, False, False]
    assert rows("state", "revision", "attempts") == [
        ("accepted", 0, 1),
        ("accepted", 1, 1),
        ("accepted", 1, 1),
    ]


def test_a_withdrawal_from_an_older_edition_of_the_window_counts_as_well(edition: Edition) -> None:
    older = make_edition(
        date=DAY - timedelta(days=1), papers=[(make_paper(title="Is old"), [])], state=Edition.State.CLOSED
    )
    for _ in range(2):
        make_delivery(edition, make_subscriber(), first_on=older.date)

    def withdraw() -> None:
        EditionPaper.objects.filter(edition=older).update(removed_in=1)
        Edition.objects.filter(pk=older.pk).update(revision=1)

    with smtp_server() as server:
        server.on_data = once(withdraw)
        assert send(edition, server).accepted == 2
    assert ["Is old" in body for body in bodies(server)] == [True, False]


def test_what_is_too_late_is_expired_and_owed_again(edition: Edition) -> None:
    late = make_delivery(edition, make_subscriber(), expires_at=timezone.now() - timedelta(seconds=1))
    make_delivery(edition, make_subscriber())
    with smtp_server() as server:
        report = send(edition, server)
    assert report == sending.SendReport(digests=1, accepted=1, expired=1)
    late.refresh_from_db()
    assert (late.state, late.covers, late.reason) == ("expired", False, "could not be sent in time")
    assert late.settled_at is not None


def test_the_earlier_deadline_goes_first(edition: Edition) -> None:
    now = timezone.now()
    readers = [make_subscriber() for _ in range(4)]
    for hours, reader in zip((3, 1, 4, 2), readers, strict=True):
        make_delivery(edition, reader, expires_at=now + timedelta(hours=hours))
    with smtp_server() as server:
        send(edition, server)
    received = [email.message_from_bytes(raw, policy=default)["To"] for raw in server.received]
    assert received == [readers[place].email for place in (1, 3, 0, 2)]


def test_who_had_left_is_owed_nothing_and_who_finds_nothing_is_served(edition: Edition) -> None:
    left = make_delivery(edition, make_subscriber(state="unsubscribed"))
    refused = make_delivery(edition, make_subscriber())
    with smtp_server(RCPT="550 no such user") as server:
        send(edition, server)
    left.refresh_from_db()
    refused.refresh_from_db()
    assert (left.state, left.covers, left.reason) == ("skipped", False, "reader is unsubscribed")
    assert (refused.state, refused.covers) == ("rejected", False)


def test_answers_that_are_known_when_the_server_goes_down_are_recorded(edition: Edition) -> None:
    for _ in range(6):
        make_delivery(edition, make_subscriber())
    with smtp_server(end=HANG_UP) as server:
        report = send(edition, server, lines=3)
    assert report.in_doubt == 6 == len(server.received)
    assert set(rows("state", "covers")) == {("in_doubt", True)}


def test_a_sender_whose_database_connection_is_cut_goes_on_and_mails_nobody_twice(edition: Edition) -> None:
    readers = [make_subscriber() for _ in range(60)]
    planning.plan(edition, now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]

    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend])

    with smtp_server() as server:
        server.on_data = once(cut)
        report = send(edition, server, lines=4)
    received = Counter(email.message_from_bytes(raw, policy=default)["To"] for raw in server.received)
    assert received == dict.fromkeys([reader.email for reader in readers], 1)
    assert (report.accepted, report.stopped) == (60, "")
    assert set(rows("state", "attempts")) == {("accepted", 1)}


def test_a_hundred_readers_who_get_nothing_cost_no_connection(edition: Edition) -> None:
    EditionPaper.objects.all().delete()
    for _ in range(100):
        make_delivery(edition, make_subscriber())
    with smtp_server() as server:
        report = send(edition, server)
    assert (report.skipped, server.received) == (100, [])
    assert set(rows("state", "reason", "covers", "lease_until")) == {
        ("skipped", "nothing matched", True, None)
    }


NOW = timezone.now()
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("outcome", "before", "state", "attempts", "wait"),
    [
        (Accepted("their-id"), 0, "accepted", 1, None),
        (NoAnswer("silence"), 2, "in_doubt", 3, None),
        (Refused(temporary=False, reason="no"), 0, "rejected", 1, None),
        (Refused(temporary=True, reason="later"), 0, "pending", 1, 2 * MINUTE),
        (Refused(temporary=True, reason="later"), 4, "pending", 5, 32 * MINUTE),
        (Refused(temporary=True, reason="later"), 5, "rejected", 6, None),
        (Refused(temporary=True, reason="later", retry_after=600), 0, "pending", 1, 10 * MINUTE),
        (Refused(temporary=True, reason="later", retry_after=3), 0, "pending", 1, 2 * MINUTE),
        (Refused(temporary=True, reason="all", to_all=True), 5, "pending", 5, MINUTE),
        (Refused(temporary=True, reason="all", to_all=True, retry_after=300), 0, "pending", 0, 5 * MINUTE),
    ],
)
def test_each_outcome_has_its_state_and_its_wait(
    outcome: Accepted | NoAnswer | Refused,
    before: int,
    state: str,
    attempts: int,
    wait: timedelta | None,
) -> None:
    change = recording.answered(7, before, outcome, now=NOW)
    told = (change.id, change.state, change.attempts, change.next_at, change.sent)
    assert told == (7, state, attempts, NOW + wait if wait else None, True)
    assert change.covers == (state != "rejected")
    assert change.message_id == ("their-id" if state == "accepted" else "")


class WithdrawsBetween(PrintRoom):
    """Before it prints a window of several editions, a paper of the last one is withdrawn."""

    def print(self, row: Claimed) -> Print | None:
        if row.first_on < self.edition.date:
            EditionPaper.objects.filter(rank=2, edition=self.edition).update(removed_in=1)
            Edition.objects.filter(pk=self.edition.pk).update(revision=1)
        return super().print(row)


class TwoAtOnce(SingleCarrier):
    """Room for two letters, as a mail server with two free lines gives."""

    def room(self, letters: Sequence[Letter]) -> int:
        return min(2, len(letters)) if super().room(letters) else 0


def test_two_windows_go_through_gates_of_their_own(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = make_edition(
        date=DAY - timedelta(days=1), papers=[(make_paper(title="Of the day before"), [])], state="closed"
    )
    # By deadline: today's mail is printed, then the paper is withdrawn, then the longer window is printed.
    today, both = make_delivery(edition, make_subscriber()), make_delivery(edition, make_subscriber())
    Delivery.objects.filter(pk=both.pk).update(
        first_on=earlier.date, expires_at=today.expires_at + timedelta(seconds=1)
    )
    monkeypatch.setattr(sending, "carrier", TwoAtOnce)
    sender = sending.Sender(edition)
    sender._prints = WithdrawsBetween(edition)
    assert sender.run().accepted == 2
    assert ["Is withdrawn" in str(message.body) for message in mail.outbox] == [False, False]


class WithdrawsBetweenLanguages(PrintRoom):
    """Before it prints in German, a paper is withdrawn."""

    def print(self, row: Claimed) -> Print | None:
        if self._mixes[row.mix_id].language == "de":
            EditionPaper.objects.filter(rank=2, edition=self.edition).update(removed_in=1)
            Edition.objects.filter(pk=self.edition.pk).update(revision=1)
        return super().print(row)


def test_two_languages_of_a_window_are_printed_from_one_moment(
    edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = [make_subscriber(), make_subscriber()]
    readers[1].mix = mix_for({}, language="de")
    readers[1].save()
    for reader in readers:
        make_delivery(edition, reader)
    monkeypatch.setattr(sending, "carrier", TwoAtOnce)
    sender = sending.Sender(edition)
    sender._prints = WithdrawsBetweenLanguages(edition)
    assert sender.run().accepted == 2
    assert ["Is withdrawn" in str(message.body) for message in mail.outbox] == [False, False]
    said = {message.to[0]: message.extra_headers["Content-Language"] for message in mail.outbox}
    assert said == {readers[0].email: "en", readers[1].email: "de"}
