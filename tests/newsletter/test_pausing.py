"""A pause against mails that were planned before it, on two connections: none leaves, and none is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection, transaction

from newsletter import at_once, own_time, staying
from newsletter.delivery import planning
from newsletter.delivery.closing import balance, close_if_done
from newsletter.delivery.ledger import Ledger
from newsletter.delivery.sending import Sender, SendReport
from newsletter.models import Delivery, Edition, Subscriber
from newsletter.staying import Instead
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2026, 11, 20)
NEXT = DAY + timedelta(days=1)
NOW = datetime(2026, 11, 20, 7, 10, tzinfo=UTC)
AFTER = NOW + timedelta(days=1)
SKIPPED = ("skipped", "reader is paused", False)


@pytest.fixture
def edition() -> Edition:
    return press(DAY)


def press(day: date) -> Edition:
    out = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC)
    return make_edition(date=day, papers=[(make_paper(), [])], state="sending", frozen_at=out)


def a_reader(**fields: object) -> Subscriber:
    long_ago = NOW - timedelta(days=9)
    return make_subscriber(now=long_ago, **{"timezone": "UTC", "hour": 7, **fields})  # type: ignore[arg-type]


def pause(reader: Subscriber, until: date | None = NEXT) -> bool:
    return staying.pause(reader.pk, until=until, now=NOW)


def rows() -> list[tuple[str, str, bool]]:
    return list(Delivery.objects.order_by("pk").values_list("state", "reason", "covers"))


def send(edition: Edition, at: datetime = NOW) -> SendReport:
    edition.refresh_from_db()
    return Sender(edition, clock=lambda: at).run()


def elsewhere(work: Callable[[], Any]) -> Any:
    """The answer of `work`, done on another connection while this one's transaction stays open."""

    def run() -> object:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=30)


def test_what_waits_or_is_claimed_is_skipped_and_what_passed_the_gate_is_left_alone() -> None:
    reader, other = a_reader(), a_reader()
    editions = [press(DAY - timedelta(days=ago)) for ago in range(4)]
    for edition, state in zip(editions, ["pending", "claimed", "handoff", "accepted"], strict=True):
        make_delivery(edition, reader, state=state)
    make_delivery(editions[0], other)
    assert pause(reader)
    assert rows() == [SKIPPED, SKIPPED, ("handoff", "", True), ("accepted", "", True), ("pending", "", True)]


@pytest.mark.parametrize("until", [None, DAY, DAY - timedelta(days=3)])
def test_the_end_of_a_pause_and_one_that_is_over_skip_nothing(edition: Edition, until: date | None) -> None:
    reader = a_reader(paused_until=DAY + timedelta(days=9))
    make_delivery(edition, reader)
    assert pause(reader, until=until)
    assert rows() == [("pending", "", True)]


def test_a_later_mail_covers_what_the_pause_kept_back(edition: Edition) -> None:
    reader = a_reader()
    make_delivery(press(DAY - timedelta(days=1)), reader, state="accepted")
    assert planning.plan_due(now=NOW) == 1
    pause(reader)
    press(NEXT)
    assert planning.plan_due(now=AFTER) == 1
    last = Delivery.objects.latest("pk")
    assert (last.first_on, last.last_on, last.state) == (DAY, NEXT, "pending")


def test_a_claim_that_was_there_before_the_pause_fails_its_gate_and_the_edition_closes(
    edition: Edition,
) -> None:
    reader, other = a_reader(), a_reader()
    planning.plan_due(now=NOW)
    ledger = Ledger(edition)
    claimed = ledger.claim(10, now=NOW)
    pause(reader)
    printed = f"{edition.pk}:{edition.revision}"
    theirs = {row.id for row in claimed if row.subscriber_id == other.pk}
    assert ledger.turn([], claimed, printed=printed, now=NOW) == theirs
    assert ledger.refuse([row for row in claimed if row.id not in theirs], now=NOW) == []
    assert rows() == [SKIPPED, ("handoff", "", True)]
    Delivery.objects.filter(pk__in=theirs).update(state="accepted", lease_until=None)
    press(NEXT)
    assert close_if_done(edition, now=AFTER)
    assert balance(edition).by_state == {"skipped": 1, "accepted": 1}


def test_a_sender_in_the_middle_of_a_run_leaves_out_who_paused_since_it_claimed(edition: Edition) -> None:
    readers = [a_reader() for _ in range(3)]
    planning.plan_due(now=NOW)
    begun: list[object] = []

    def paused_meanwhile() -> datetime:
        """The sender's clock, which it reads after it claimed and again at the gate."""
        if Delivery.objects.filter(state="claimed").exists() and not begun:
            begun.append(elsewhere(lambda: pause(readers[1])))
        return NOW

    Sender(edition, clock=paused_meanwhile).run()
    assert begun == [True]
    assert [row[0] for row in rows()] == ["accepted", "skipped", "accepted"]
    assert sorted(to for one in mail.outbox for to in one.to) == [readers[0].email, readers[2].email]


def test_a_pause_waits_for_the_gate_that_is_open_and_that_mail_goes(edition: Edition) -> None:
    reader = a_reader()
    planning.plan_due(now=NOW)
    claimed = Ledger(edition)
    (row,) = claimed.claim(1, now=NOW)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            printed = f"{edition.pk}:{edition.revision}"
            assert claimed.turn([], [row], printed=printed, now=NOW) == {row.id}
            paused = pool.submit(lambda: (pause(reader), connection.close())[0])
            waiting = 0
            while not (paused.done() or waiting):
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                (waiting,) = cursor.fetchone()
            assert waiting, "the pause did not wait for the gate"
        assert paused.result(timeout=30) is True
    assert rows() == [("handoff", "", True)]


def test_who_pauses_while_they_are_planned_is_mailed_nothing(edition: Edition) -> None:
    reader, other = a_reader(), a_reader()
    with transaction.atomic():
        assert planning.plan_due(now=NOW) == 2
        assert elsewhere(lambda: pause(reader)) is True
    assert rows() == [("pending", "", True)] * 2
    assert send(edition) == SendReport(digests=1, accepted=1, skipped=1)
    assert rows() == [SKIPPED, ("accepted", "", True)]
    assert [one.to for one in mail.outbox] == [[other.email]]


def test_who_pauses_while_they_are_planned_and_claimed_is_mailed_nothing(edition: Edition) -> None:
    """The pause looked for rows before the planner's commit, and was committed after a sender's claim."""
    reader, other = a_reader(), a_reader()
    ledger = Ledger(edition)
    with transaction.atomic():
        pause(reader)
        elsewhere(lambda: planning.plan_due(now=NOW))
        claimed = elsewhere(lambda: ledger.claim(10, now=NOW))
    assert [row.paused for row in claimed] == [False, False]
    printed = f"{edition.pk}:{edition.revision}"
    (passed,) = ledger.turn([], claimed, printed=printed, now=NOW)
    assert Delivery.objects.get(pk=passed).subscriber == other
    assert ledger.refuse([row for row in claimed if row.id != passed], now=NOW) == ["pending"]
    assert send(edition) == SendReport(skipped=1)
    assert rows() == [SKIPPED, ("handoff", "", True)]


def test_today_is_the_day_on_the_readers_clock() -> None:
    """In Tokyo it is the 21st already: a pause until the 21st is over, and keeps nothing back."""
    late = datetime(2026, 11, 20, 16, tzinfo=UTC)
    edition, reader = press(DAY), a_reader(timezone="Asia/Tokyo", hour=None)
    make_delivery(edition, reader, planned_at=late)
    Subscriber.objects.update(paused_until=NEXT)
    assert send(edition, at=late).accepted == 1


def test_who_paused_and_asks_for_todays_mail_gets_it(edition: Edition) -> None:
    reader = a_reader(paused_until=DAY + timedelta(days=9))
    assert at_once.send(reader, now=NOW).answer is at_once.Answer.COMES
    assert rows() == [("pending", "asked for by name", True)]
    assert send(edition).accepted == 1
    assert rows() == [("accepted", "", True)]


def test_who_asks_for_todays_mail_and_then_pauses_is_mailed_nothing(edition: Edition) -> None:
    reader = a_reader()
    at_once.send(reader, now=NOW)
    pause(reader)
    assert send(edition).accepted == 0
    assert rows() == [SKIPPED]


def test_a_reader_whom_an_editor_names_gets_it_in_spite_of_their_pause(edition: Edition) -> None:
    reader = a_reader(paused_until=date(2100, 1, 1))
    call_command("send_edition", date="2026-11-20", to=reader.email)
    assert rows() == [("accepted", "", True)]


def test_a_pause_that_an_editor_or_an_import_writes_keeps_mails_back_too(edition: Edition) -> None:
    reader = a_reader()
    make_delivery(edition, reader)
    assert own_time.change(reader.pk, {"hour": 9}, now=NOW)
    assert rows() == [("pending", "", True)]
    assert own_time.change(reader.pk, {"paused_until": NEXT}, now=NOW)
    assert rows() == [SKIPPED]


def test_who_leaves_and_takes_a_pause_instead_is_mailed_nothing_that_waited(edition: Edition) -> None:
    reader = a_reader()
    make_delivery(edition, reader)
    staying.unsubscribe(reader.pk, now=NOW)
    assert staying.come_back(reader.pk, left_at=NOW, instead=Instead.PAUSE, now=NOW)
    assert rows() == [SKIPPED]
