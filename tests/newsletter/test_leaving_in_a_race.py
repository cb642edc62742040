"""Leaving, erasing and moving against everything else that changes a reader, on two connections."""

import threading
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from newsletter import outbox, own_time, staying
from newsletter.addresses import parse_address
from newsletter.delivery.closing import balance
from newsletter.delivery.ledger import Ledger
from newsletter.delivery.planning import plan
from newsletter.delivery.sending import Sender
from newsletter.mixes import mix_for
from newsletter.models import Delivery, OutboxMail, Subscriber
from newsletter.own_data import erasing, links, moving
from newsletter.reader_row import locked
from newsletter.staying import Instead
from newsletter.tokens import one_off_hash
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber

pytestmark = pytest.mark.django_db(transaction=True)


def in_a_thread(verb: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """The thread, to be started, and what the verb answered or raised."""
    answers: list[object] = []

    def run() -> None:
        try:
            answers.append(verb())
        except BaseException as error:
            answers.append(error)
        finally:
            connection.close()

    return threading.Thread(target=run), answers


def while_held(reader: Subscriber, verb: Callable[[], object], then: Callable[[], object]) -> object:
    """Let `verb` wait for the reader's row, do `then` in the transaction that has it; the verb's answer."""
    thread, answers = in_a_thread(verb)
    with transaction.atomic():
        locked(pk=reader.pk)
        thread.start()
        with connection.cursor() as cursor:
            waiting = 0
            while thread.is_alive() and not waiting:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                (waiting,) = cursor.fetchone()
        assert waiting, "it did not wait for the reader's row"
        then()
    thread.join()
    return answers[0]


def with_link(reader: Subscriber, kind: str, token: str, **fields: str) -> OutboxMail:
    return OutboxMail.objects.create(
        subscriber=reader, kind=kind, token_hash=one_off_hash(token), state="accepted",
        handed_over_at=timezone.now(), **fields,
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["change", "pause", "resume", "time"])
def test_who_leaves_while_something_of_theirs_is_changed_has_left_and_nothing_is_changed(verb: str) -> None:
    reader, mix, now = make_subscriber(), mix_for({}, length=20), timezone.now()
    verbs: dict[str, Callable[[], object]] = {
        "change": lambda: staying.change_preferences(reader.pk, mix, when={"hour": 3}, now=now),
        "pause": lambda: staying.pause(reader.pk, until=date(2030, 1, 1), now=now),
        "resume": lambda: staying.pause(reader.pk, until=None, now=now),
        "time": lambda: own_time.change(reader.pk, {"hour": 3}, now=now) and False,
    }
    answer = while_held(reader, verbs[verb], lambda: staying.unsubscribe(reader.pk, now=now))
    after = Subscriber.objects.get()
    assert (answer, after.state, after.unsubscribed_at) == (False, "unsubscribed", now)
    assert after.mix == reader.mix and after.paused_until is None


def test_who_leaves_again_while_they_come_back_has_left() -> None:
    reader, left_at = make_subscriber(), timezone.now()
    staying.unsubscribe(reader.pk, now=left_at)
    again = left_at + timedelta(seconds=5)
    answer = while_held(
        reader,
        lambda: staying.come_back(reader.pk, left_at=left_at, instead=Instead.SAME, now=again),
        lambda: staying.unsubscribe(reader.pk, now=again),
    )
    assert (answer, Subscriber.objects.get().state) == (False, "unsubscribed")


def test_leaving_and_coming_back_at_once_ends_with_having_left_whoever_is_first() -> None:
    for _ in range(8):
        reader, left_at = make_subscriber(), timezone.now()
        staying.unsubscribe(reader.pk, now=left_at)
        again = left_at + timedelta(seconds=1)
        threads = [
            in_a_thread(
                lambda pk=reader.pk, at=left_at, now=again: staying.come_back(  # type: ignore[misc]
                    pk, left_at=at, instead=Instead.WEEKLY, now=now
                )
            ),
            in_a_thread(lambda pk=reader.pk, now=again: staying.unsubscribe(pk, now=now)),  # type: ignore[misc]
        ]
        for thread, _answers in threads:
            thread.start()
        for thread, _answers in threads:
            thread.join()
        assert not [answer for _thread, (answer,) in threads if isinstance(answer, BaseException)]
        assert Subscriber.objects.get(pk=reader.pk).state == "unsubscribed"


def test_who_leaves_while_they_are_moved_has_left_and_stays_where_they_were() -> None:
    reader, now = make_subscriber(email="ada@example.org"), timezone.now()
    with_link(reader, "move", "m", to="new@example.org", to_key="new@example.org")
    answer = while_held(
        reader, lambda: moving.confirm_move("m", now=now), lambda: staying.unsubscribe(reader.pk, now=now)
    )
    assert isinstance(answer, moving.Move) and answer.outcome is moving.Outcome.LEFT
    after = Subscriber.objects.get()
    assert (after.state, after.email, after.secret) == ("unsubscribed", "ada@example.org", reader.secret)


def test_who_leaves_while_they_ask_for_a_move_has_left_and_no_mail_goes_out() -> None:
    reader, now = make_subscriber(), timezone.now()
    link = with_link(reader, "private", "p")
    while_held(
        reader,
        lambda: moving.request_move(link, parse_address("new@example.org"), now=now),
        lambda: staying.unsubscribe(reader.pk, now=now),
    )
    assert outbox.send_pending(now=now) == 0
    assert list(reader.outbox.values_list("kind", flat=True)) == ["private"]


def test_who_is_erased_while_a_link_is_asked_for_is_gone() -> None:
    reader, now = make_subscriber(), timezone.now()
    link = with_link(reader, "private", "p")
    answer = while_held(
        reader, lambda: links.request_link(reader.pk, now=now), lambda: erasing.erase(link, now=now)
    )
    assert isinstance(answer, Subscriber.DoesNotExist)
    assert (Subscriber.objects.count(), OutboxMail.objects.count()) == (0, 0)


def test_two_readers_who_move_to_one_address_at_once_are_one_mover_and_one_who_stays() -> None:
    readers, now = [make_subscriber() for _ in range(2)], timezone.now()
    for number, reader in enumerate(readers):
        with_link(reader, "move", f"m{number}", to="new@example.org", to_key="new@example.org")
    threads = [
        in_a_thread(lambda number=number: moving.confirm_move(f"m{number}", now=now).outcome.value)  # type: ignore[misc]
        for number in range(2)
    ]
    for thread, _ in threads:
        thread.start()
    for thread, _ in threads:
        thread.join()
    assert sorted(str(answer) for _, (answer,) in threads) == ["moved", "taken"]
    assert Subscriber.objects.filter(email_key="new@example.org").count() == 1


def test_two_who_move_to_each_others_address_at_once_do_not_block_each_other() -> None:
    now = timezone.now()
    ada, eve = make_subscriber(email="ada@example.org"), make_subscriber(email="eve@example.org")
    with_link(ada, "move", "to-eve", to=eve.email, to_key=eve.email_key)
    with_link(eve, "move", "to-ada", to=ada.email, to_key=ada.email_key)
    threads = [
        in_a_thread(lambda token=token: moving.confirm_move(token, now=now).outcome.value)  # type: ignore[misc]
        for token in ("to-eve", "to-ada")
    ]
    for thread, _ in threads:
        thread.start()
    for thread, _ in threads:
        thread.join()
    assert [answer for _, (answer,) in threads] == ["taken", "taken"]


def test_a_victim_is_asked_three_times_by_twelve_readers_at_once() -> None:
    now, threads = timezone.now(), []
    for number in range(12):
        link = with_link(make_subscriber(), "private", f"p{number}")
        threads.append(
            in_a_thread(
                lambda link=link: moving.request_move(link, parse_address("v@example.org"), now=now)  # type: ignore[misc]
            )
        )
    for thread, _ in threads:
        thread.start()
    for thread, _ in threads:
        thread.join()
    assert [answer for _, (answer,) in threads] == [None] * 12
    mails = OutboxMail.objects.filter(to_key="v@example.org")
    assert mails.exclude(state="rejected").count() == 3


def test_a_digest_that_was_claimed_before_the_move_goes_to_the_new_address_only() -> None:
    now = timezone.now()
    edition = make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])], state="sending")
    reader = make_subscriber(email="ada@example.org")
    make_delivery(edition, reader)
    with_link(reader, "move", "m", to="new@example.org", to_key="new@example.org")
    ledger = Ledger(edition)
    claimed = ledger.claim(10, now=now)
    assert [row.email for row in claimed] == ["ada@example.org"]
    assert moving.confirm_move("m", now=now).outcome is moving.Outcome.MOVED
    assert ledger.turn([], claimed, printed=f"{edition.pk}:{edition.revision}", now=now) == set()
    Sender(edition).run(seconds=10)
    assert [message.to for message in mail.outbox] == [["new@example.org"]]
    assert Delivery.objects.get().state == "accepted"


def test_a_claim_that_crossed_a_move_goes_to_the_new_address_too() -> None:
    """It read the reader before the move was committed, and its row after that."""
    now = timezone.now()
    edition = make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])], state="sending")
    reader, other = make_subscriber(email="ada@example.org"), make_subscriber(email="other@example.org")
    for one in (reader, other):
        make_delivery(edition, one)
    ledger = Ledger(edition)
    claimed = ledger.claim(10, now=now)
    Subscriber.objects.filter(pk=reader.pk).update(email="new@example.org", secret="another")
    printed = f"{edition.pk}:{edition.revision}"
    assert ledger.turn([], claimed, printed=printed, now=now) == {claimed[1].id}
    assert ledger.refuse(claimed[:1], now=now) == ["pending"]
    Sender(edition).run(seconds=10)
    assert [message.to for message in mail.outbox] == [["new@example.org"]]


def test_who_is_erased_while_their_digest_is_claimed_is_mailed_nothing_and_the_edition_is_even() -> None:
    now = timezone.now()
    edition = make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])], state="sending")
    reader, other = make_subscriber(), make_subscriber(email="other@example.org")
    for one in (reader, other):
        make_delivery(edition, one)
    ledger = Ledger(edition)
    claimed = ledger.claim(10, now=now)
    assert erasing.erase(with_link(reader, "private", "p"), now=now)
    passed = ledger.turn([], claimed, printed=f"{edition.pk}:{edition.revision}", now=now)
    assert passed == {row.id for row in claimed if row.email == "other@example.org"}
    Delivery.objects.filter(subscriber=other).update(state="accepted")
    assert (balance(edition).planned, balance(edition).is_even) == (1, True)
    assert plan(edition, now=now) == 0
