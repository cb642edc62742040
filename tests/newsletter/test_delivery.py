"""The ledger against real mail servers: what each answer leaves, and that nothing goes out twice."""

import email
import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from email.policy import default

import pytest
from django.db import connection
from django.test.utils import override_settings
from django.utils import timezone

from newsletter import staying
from newsletter.delivery import closing, draining, planning, sending, sweeping
from newsletter.models import Delivery, Edition, Subscriber
from papers.models import Topic
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.newsletter.smtp_script import HANG_UP, Server, smtp_server

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2026, 11, 20)
HUNG_UP = "the server ended the connection after the whole mail had left"


@pytest.fixture
def topic() -> Topic:
    return make_topic(slug="agents")


@pytest.fixture
def edition(topic: Topic) -> Edition:
    return make_edition(date=DAY, papers=[(make_paper(), [topic]), (make_paper(), [topic])])


def states(*fields: str) -> list[tuple[object, ...]]:
    return list(Delivery.objects.order_by("subscriber_id").values_list("state", *(fields or ("reason",))))


def addresses(server: Server) -> list[str]:
    return sorted(str(email.message_from_bytes(raw, policy=default)["To"]) for raw in server.received)


def send(edition: Edition, server: Server, *, lines: int = 1, **options: object) -> sending.SendReport:
    """Plan and send, over one line: one mail is settled before the next is gated."""
    with override_settings(**server.settings, NEWSLETTER_SMTP_CONNECTIONS=lines):
        planning.plan(edition, now=timezone.now())
        return sending.Sender(edition, **options).run()


def due_now() -> None:
    Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))


def lapse() -> None:
    Delivery.objects.filter(lease_until__isnull=False).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )


def balance(edition: Edition) -> tuple[int, int]:
    """(rows planned, rows settled)."""
    rows = edition.deliveries
    return rows.count(), rows.filter(state__in=Delivery.SETTLED).count()


def test_planning_again_plans_nobody_new(edition: Edition, topic: Topic) -> None:
    readers = [make_subscriber(topics={topic: "normal"}) for _ in range(3)]
    make_subscriber(state="pending")
    make_subscriber(state="unsubscribed")
    make_subscriber(active_from=timezone.now() + timedelta(days=1))
    assert planning.plan(edition, now=timezone.now()) == 3
    assert planning.plan(edition, now=timezone.now()) == 0
    late = make_subscriber()  # in the past, though the slot was planned already: closing finds them
    assert planning.plan(edition, now=timezone.now()) == 0
    Delivery.objects.update(state="accepted")
    assert not closing.close_if_done(edition, now=timezone.now())
    Delivery.objects.update(state="pending")
    planned = set(edition.deliveries.values_list("subscriber_id", "mix_id", "state"))
    assert planned == {(reader.pk, reader.mix_id, "pending") for reader in [*readers, late]}
    edition.refresh_from_db()
    assert edition.state == "sending"


@pytest.mark.parametrize("state", ["open", "held", "closed", "closed_with_in_doubt", "empty", "cancelled"])
def test_only_a_frozen_edition_plans_anybody(state: str) -> None:
    edition = make_edition(date=DAY, state=state)
    make_subscriber()
    assert planning.plan(edition, now=timezone.now()) == 0
    edition.refresh_from_db()
    assert (edition.state, Delivery.objects.count()) == (state, 0)


def test_everybody_gets_one_mail_and_the_books_balance(edition: Edition, topic: Topic) -> None:
    readers = [make_subscriber(topics={topic: weight}) for weight in ("less", "more") for _ in range(40)]
    nothing = make_subscriber(topics={make_topic(slug="theory"): "normal"})
    with smtp_server() as server:
        report = send(edition, server)
        assert addresses(server) == sorted(reader.email for reader in readers)
        again = send(edition, server)
    assert report == sending.SendReport(digests=3, accepted=80, skipped=1)
    assert again == sending.SendReport()
    assert Counter(states()) == {("accepted", ""): 80, ("skipped", "nothing matched"): 1}
    assert Delivery.objects.get(subscriber=nothing).message_id == ""
    sent = {str(email.message_from_bytes(raw)["Message-ID"]) for raw in server.received}
    assert sent == set(Delivery.objects.filter(state="accepted").values_list("message_id", flat=True))
    assert balance(edition) == (81, 81)
    assert not Delivery.objects.exclude(lease_until=None).exists()
    assert closing.close_if_done(edition, now=timezone.now())
    edition.refresh_from_db()
    assert edition.state == "closed"


def test_tomorrow_and_after_closing_nobody_gets_it_again(edition: Edition, topic: Topic) -> None:
    make_subscriber(topics={topic: "normal"})
    with smtp_server() as server, override_settings(**server.settings):
        assert draining.drain(now=timezone.now()).accepted == 1
        make_subscriber(topics={topic: "normal"})  # after the edition was closed
        tomorrow = timezone.now() + timedelta(days=1)
        assert draining.drain(now=tomorrow) == sending.SendReport()
        assert len(server.received) == 1
    edition.refresh_from_db()
    assert (edition.state, planning.plan(edition, now=tomorrow)) == ("closed", 0)


def test_who_leaves_between_plan_and_gate_is_skipped(edition: Edition, topic: Topic) -> None:
    stays, leaves, bounced = [make_subscriber(topics={topic: "normal"}) for _ in range(3)]

    def leave() -> None:
        staying.unsubscribe(leaves.pk, now=timezone.now())
        Subscriber.objects.filter(pk=bounced.pk).update(state="suppressed")
        connection.close()

    with smtp_server() as server:
        server.on_data = leave  # while the first mail is on its way, the others are claimed
        report = send(edition, server)
    assert addresses(server) == [stays.email]
    assert (report.accepted, report.skipped) == (1, 2)
    assert states() == [
        ("accepted", ""),
        ("skipped", "reader is unsubscribed"),
        ("skipped", "reader is suppressed"),
    ]
    assert closing.close_if_done(edition, now=timezone.now())


def test_the_hand_over_is_committed_before_the_first_byte_leaves(edition: Edition, topic: Topic) -> None:
    for _ in range(2):
        make_subscriber(topics={topic: "normal"})
    seen: list[list[tuple[object, ...]]] = []

    def look() -> None:
        seen.append(states("attempts"))
        connection.close()

    with smtp_server() as server:
        server.on_data = look
        send(edition, server)
    assert seen == [[("handoff", 1), ("claimed", 0)], [("accepted", 1), ("handoff", 1)]]


@pytest.mark.parametrize(
    ("replies", "state", "reason"),
    [
        ({"RCPT": "550 no such user"}, "rejected", "RCPT was answered 550 no such user"),
        ({"RCPT": "451 greylisted"}, "pending", "RCPT was answered 451 greylisted"),
        ({"DATA": "554 no"}, "rejected", "DATA was answered 554 no"),
        ({"end": "554 spam"}, "rejected", "the final dot was answered 554 spam"),
        ({"end": "452 disk full"}, "pending", "the final dot was answered 452 disk full"),
        ({"end": "421 going down"}, "pending", "the final dot was answered 421 going down"),
        ({"end": HANG_UP}, "in_doubt", HUNG_UP),
    ],
)
def test_each_answer_has_its_state(
    edition: Edition, topic: Topic, replies: dict[str, str], state: str, reason: str
) -> None:
    make_subscriber(topics={topic: "normal"})
    with smtp_server(**replies) as server:
        send(edition, server)
    row = Delivery.objects.get()
    assert (row.state, row.reason, row.attempts, row.lease_until) == (state, reason, 1, None)
    assert (row.next_at is not None) == (state == "pending")


def test_a_temporary_refusal_is_tried_again_later_and_not_for_ever(edition: Edition, topic: Topic) -> None:
    make_subscriber(topics={topic: "normal"})
    with smtp_server(end="452 disk full") as server:
        before = timezone.now()
        assert send(edition, server).postponed == 1
        next_at = Delivery.objects.get().next_at
        assert timedelta(minutes=2) <= next_at - before < timedelta(minutes=3)
        assert send(edition, server) == sending.SendReport()  # not yet due
        assert not closing.close_if_done(edition, now=timezone.now())
        for _ in range(sending.MAX_ATTEMPTS + 2):
            due_now()
            send(edition, server)
    assert len(server.received) == sending.MAX_ATTEMPTS
    assert states("attempts") == [("rejected", sending.MAX_ATTEMPTS)]


def test_a_mail_that_was_refused_for_now_arrives_with_the_same_message_id(
    edition: Edition, topic: Topic
) -> None:
    make_subscriber(topics={topic: "normal"})
    with smtp_server(end="452 disk full") as server:
        send(edition, server)
        server.replies.clear()
        due_now()
        assert send(edition, server).accepted == 1
    first, second = (email.message_from_bytes(raw)["Message-ID"] for raw in server.received)
    assert first == second == Delivery.objects.get().message_id


def test_a_mail_without_an_answer_is_in_doubt_and_never_sent_again(edition: Edition, topic: Topic) -> None:
    readers = [make_subscriber(topics={topic: "normal"}) for _ in range(3)]
    with smtp_server(end=HANG_UP) as server:
        server.on_data = lambda: server.replies.update({".": HANG_UP if not server.received else "250 ok"})
        report = send(edition, server)
        send(edition, server)
    assert addresses(server) == [reader.email for reader in readers]
    assert (report.accepted, report.in_doubt) == (2, 1)
    assert [state for state, _ in states()] == ["in_doubt", "accepted", "accepted"]
    assert closing.close_if_done(edition, now=timezone.now())
    edition.refresh_from_db()
    assert edition.state == "closed_with_in_doubt"


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ({"MAIL": "530 log in first"}, "MAIL was answered 530 log in first"),
        ({"MAIL": "452 no room"}, "MAIL was answered 452 no room"),
    ],
)
def test_a_server_that_refuses_us_ends_the_run_and_costs_no_reader_the_mail(
    edition: Edition, topic: Topic, replies: dict[str, str], reason: str
) -> None:
    for _ in range(3):
        make_subscriber(topics={topic: "normal"})
    with smtp_server(**replies) as server:
        report = send(edition, server)
        assert report.stopped == f"the mail server or provider refuses everything: {reason}"
        assert states() == [("pending", reason), ("pending", ""), ("pending", "")]
        server.replies.clear()
        due_now()
        assert send(edition, server).accepted == 3


def test_a_server_that_cannot_be_reached_leaves_every_mail_pending(edition: Edition, topic: Topic) -> None:
    make_subscriber(topics={topic: "normal"})
    with smtp_server() as server:
        pass
    report = send(edition, server)
    assert report.stopped.startswith("the mail server cannot be reached: ")
    assert states("attempts", "token", "lease_until") == [("pending", 0, None, None)]


def test_a_server_that_takes_few_mails_on_a_connection_gets_another_connection(
    edition: Edition, topic: Topic
) -> None:
    for _ in range(3):
        make_subscriber(topics={topic: "normal"})
    with smtp_server(MAIL="421 enough on this connection") as server:
        assert send(edition, server) == sending.SendReport(digests=1, postponed=3)
    assert set(states()) == {("pending", "MAIL was answered 421 enough on this connection")}


def test_what_a_dead_sender_claimed_is_swept_once_its_lease_ran_out(edition: Edition, topic: Topic) -> None:
    for _ in range(3):
        make_subscriber(topics={topic: "normal"})
    planning.plan(edition, now=timezone.now())
    token, until = uuid.uuid4(), timezone.now() + timedelta(seconds=30)
    claimed, handed, other = edition.deliveries.order_by("pk")
    Delivery.objects.filter(pk=claimed.pk).update(state="claimed", token=token, lease_until=until)
    Delivery.objects.filter(pk=handed.pk).update(state="handoff", token=token, lease_until=until)
    Delivery.objects.filter(pk=other.pk).update(state="accepted")
    assert sweeping.sweep(now=timezone.now()) == 0
    assert closing.held_elsewhere(edition) == (2, until)
    assert not closing.close_if_done(edition, now=timezone.now())
    assert sweeping.sweep(now=until + timedelta(days=1)) == 0, "the database's clock made the lease"
    lapse()
    assert sweeping.sweep(now=timezone.now()) == 2
    assert states() == [
        ("pending", ""),
        ("in_doubt", "the sender ended before it heard an answer"),
        ("accepted", ""),
    ]
    with smtp_server() as server:
        assert send(edition, server).accepted == 1
    assert addresses(server) == [claimed.subscriber.email]
    assert closing.close_if_done(edition, now=timezone.now())


def test_a_sender_whose_claim_was_taken_over_sends_nothing_of_it(edition: Edition, topic: Topic) -> None:
    for _ in range(3):
        make_subscriber(topics={topic: "normal"})
    other = uuid.uuid4()

    def take_over() -> None:
        # Another sender holds what this one had claimed, as after a long sleep of this one.
        held = Delivery.objects.filter(state="claimed")
        held.update(token=other, lease_until=timezone.now() + timedelta(minutes=1))
        connection.close()

    with smtp_server() as server:
        server.on_data = take_over
        report = send(edition, server)
    assert (report.accepted, len(server.received)) == (1, 1)
    assert Counter(states("token")) == {
        ("accepted", Delivery.objects.get(state="accepted").token): 1,
        ("claimed", other): 2,
    }


def test_a_claim_that_ran_out_is_given_back_and_claimed_anew(edition: Edition, topic: Topic) -> None:
    readers = [make_subscriber(topics={topic: "normal"}) for _ in range(3)]

    def lose_time() -> None:
        if len(server.received) == 0:
            Delivery.objects.filter(state="claimed").update(lease_until=timezone.now() - timedelta(seconds=9))
        connection.close()

    with smtp_server() as server:
        server.on_data = lose_time
        report = send(edition, server)
    assert addresses(server) == sorted(reader.email for reader in readers)
    assert report.accepted == 3


def test_an_answer_that_comes_after_the_sweep_still_counts(edition: Edition, topic: Topic) -> None:
    make_subscriber(topics={topic: "normal"})

    def sweep() -> None:
        lapse()
        sweeping.sweep(now=timezone.now())
        connection.close()

    with smtp_server() as server:
        server.on_data = sweep
        send(edition, server)
    assert states() == [("accepted", "")]


def test_an_edition_that_is_stopped_ends_the_run(edition: Edition, topic: Topic) -> None:
    for _ in range(3):
        make_subscriber(topics={topic: "normal"})

    def stop() -> None:
        Edition.objects.update(state="cancelled")
        connection.close()

    with smtp_server() as server:
        server.on_data = stop
        report = send(edition, server)
    assert (report.accepted, report.stopped) == (1, "the edition is cancelled")
    assert [state for state, _ in states()] == ["accepted", "pending", "pending"]


def test_a_reader_whose_address_cannot_stand_in_a_header_costs_only_that_mail(
    edition: Edition, topic: Topic
) -> None:
    make_subscriber(email="a@example.org\r\nBcc: b@example.org", topics={topic: "normal"})
    good = make_subscriber(topics={topic: "normal"})
    make_subscriber(email="a@bücher.example", topics={topic: "normal"})
    with smtp_server() as server:
        report = send(edition, server)
    assert addresses(server) == [good.email]
    assert (report.accepted, report.skipped) == (1, 2)
    assert states()[2] == (
        "skipped",
        "no mail can be addressed to this reader: 'a@bücher.example' is no plain ASCII address",
    )


def test_only_one_reader_is_sent_to_where_one_is_named(edition: Edition, topic: Topic) -> None:
    named, other = (make_subscriber(topics={topic: "normal"}) for _ in range(2))
    with smtp_server() as server:
        report = send(edition, server, only=named)
    assert (report.accepted, addresses(server)) == (1, [named.email])
    assert Delivery.objects.get(subscriber=other).state == "pending"


def test_a_run_ends_in_time_and_the_next_goes_on(edition: Edition, topic: Topic) -> None:
    for _ in range(3):
        make_subscriber(topics={topic: "normal"})
    planning.plan(edition, now=timezone.now())
    with smtp_server() as server, override_settings(**server.settings):
        assert sending.Sender(edition).run(seconds=-1).accepted == 0
        assert set(states("token")) == {("pending", None)}
        assert draining.drain(now=timezone.now()).accepted == 3


def test_a_clock_that_runs_behind_the_database_holds_up_no_mail(edition: Edition, topic: Topic) -> None:
    make_subscriber(topics={topic: "normal"}, now=datetime(2026, 11, 1, tzinfo=UTC))
    with smtp_server() as server:
        report = send(edition, server, clock=lambda: datetime(2026, 11, 20, tzinfo=UTC))
    assert report.accepted == 1
