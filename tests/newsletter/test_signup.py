"""Becoming a reader, changing one's choice, leaving: and that leaving wins."""

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from newsletter import signup, staying
from newsletter.addresses import parse_address
from newsletter.mixes import mix_for
from newsletter.models import OutboxMail, Subscriber
from newsletter.signup import Outcome
from newsletter.suppression import suppress
from newsletter.times import Times, times_of
from newsletter.tokens import one_off_hash
from tests.factories import make_subscriber, make_topic

pytestmark = pytest.mark.django_db

FRIDAY = 0b0010000
ADA = parse_address("ada@example.org")


def ask(
    *, email: str = "ada@example.org", topics: tuple[str, ...] = (), now: datetime | None = None, **when: Any
) -> None:
    """`when`: `times`, `zone_if_new`."""
    mix = mix_for({make_topic(slug=slug): "normal" for slug in topics})
    signup.request_subscription(parse_address(email), mix, now=now or timezone.now(), **when)


def mail_out(token: str, *, now: datetime | None = None) -> OutboxMail:
    """What the outbox does to the latest mail, without a server."""
    mail = OutboxMail.objects.latest("id")
    mail.state, mail.token_hash, mail.handed_over_at = "accepted", one_off_hash(token), now or timezone.now()
    mail.save()
    return mail


def a_day_later(mails: int) -> None:
    day_before = timezone.now() - timedelta(hours=25)
    sent = {"state": "accepted", "created_at": day_before, "handed_over_at": day_before}
    assert OutboxMail.objects.update(**sent) == mails


def test_a_new_address_waits_for_its_confirmation() -> None:
    ask(topics=("agents",))
    reader = Subscriber.objects.get()
    assert (reader.email, reader.state, reader.active_from) == ("ada@example.org", "pending", None)
    assert list(reader.outbox.values_list("kind", "state", "mix")) == [("confirm", "pending", reader.mix_id)]


def test_confirming_makes_a_reader_from_that_moment() -> None:
    ask(topics=("agents",))
    mail_out("t")
    now = timezone.now()
    assert signup.confirm("t", now=now).outcome is Outcome.CONFIRMED
    reader = Subscriber.objects.get()
    assert (reader.state, reader.confirmed_at, reader.active_from) == ("active", now, now)
    assert [topic.slug for topic in reader.mix.topics.all()] == ["agents"]


def test_confirming_twice_is_no_different_from_once() -> None:
    ask()
    mail_out("t")
    first = timezone.now()
    signup.confirm("t", now=first)
    assert signup.confirm("t", now=first + timedelta(days=9)).outcome is Outcome.CONFIRMED
    assert Subscriber.objects.get().confirmed_at == first


def test_looking_at_a_link_changes_nothing() -> None:
    ask()
    mail_out("t")
    for _ in range(3):
        assert signup.look_up_confirmation("t", now=timezone.now()).outcome is Outcome.CONFIRMED
    assert Subscriber.objects.get().state == "pending"


def test_a_link_works_for_72_hours_from_sending() -> None:
    ask()
    sent = timezone.now()
    mail_out("t", now=sent)
    late = sent + timedelta(hours=72, seconds=1)
    assert signup.confirm("t", now=late).outcome is Outcome.EXPIRED
    assert Subscriber.objects.get().state == "pending"
    assert signup.confirm("t", now=sent + timedelta(hours=72)).outcome is Outcome.CONFIRMED


@pytest.mark.parametrize("token", ["", "nobody's", "é", "\0", "x" * 5000])
def test_a_link_that_is_nobodys_confirms_nothing(token: str) -> None:
    ask()
    assert signup.confirm(token, now=timezone.now()).outcome is Outcome.UNKNOWN


def test_only_the_hash_of_a_token_is_stored() -> None:
    ask()
    mail = mail_out("the token itself")
    assert mail.token_hash != "the token itself" and len(mail.token_hash) == 64
    assert signup.confirm(mail.token_hash, now=timezone.now()).outcome is Outcome.UNKNOWN


def test_nothing_of_an_active_reader_changes_before_the_new_choice_is_confirmed() -> None:
    old, new = make_topic(slug="old"), make_topic(slug="new")
    since = timezone.now() - timedelta(days=30)
    reader = make_subscriber(email="ada@example.org", topics={old: "normal"}, now=since, active_from=since)
    before = Subscriber.objects.filter(pk=reader.pk).values().get()
    ask(topics=("new",))
    assert Subscriber.objects.filter(pk=reader.pk).values().get() == before
    mail_out("t")
    signup.confirm("t", now=timezone.now())
    reader.refresh_from_db()
    assert (list(reader.mix.topics.all()), reader.active_from) == ([new], since)


def test_confirming_puts_the_wished_times_in_force() -> None:
    ask(times=Times("Europe/Berlin", 7, FRIDAY))
    mail_out("t")
    now = timezone.now()
    reader = Subscriber.objects.get()
    assert times_of(reader) == Times("UTC")
    signup.confirm("t", now=now)
    reader.refresh_from_db()
    assert (times_of(reader), reader.active_from) == (Times("Europe/Berlin", 7, FRIDAY), now)


def test_new_times_of_an_active_reader_owe_nothing_backwards_and_no_times_leave_all_as_it_is() -> None:
    since = timezone.now() - timedelta(days=30)
    reader = make_subscriber(
        email="ada@example.org", hour=7, timezone="Asia/Tokyo", now=since, active_from=since
    )
    ask(topics=("agents",))
    mail_out("mix alone")
    signup.confirm("mix alone", now=timezone.now())
    reader.refresh_from_db()
    assert (times_of(reader), reader.active_from) == (Times("Asia/Tokyo", 7), since)
    a_day_later(1)
    ask(topics=("agents",), times=Times("Asia/Tokyo", 6))
    mail_out("times too")
    now = timezone.now()
    signup.confirm("times too", now=now)
    reader.refresh_from_db()
    assert (times_of(reader), reader.active_from, reader.confirmed_at) == (Times("Asia/Tokyo", 6), now, since)


def test_the_zone_of_a_browser_counts_for_new_readers_only() -> None:
    ask(zone_if_new="Europe/Vienna")
    mail_out("t")
    signup.confirm("t", now=timezone.now())
    assert Subscriber.objects.get().timezone == "Europe/Vienna"
    a_day_later(1)
    ask(topics=("agents",), zone_if_new="Asia/Tokyo")
    mail_out("u")
    signup.confirm("u", now=timezone.now())
    assert Subscriber.objects.get().timezone == "Europe/Vienna"


def test_who_left_while_pausing_comes_back_at_once() -> None:
    make_subscriber(email="ada@example.org", state="unsubscribed", paused_until=date(2099, 1, 1))
    ask()
    mail_out("t")
    signup.confirm("t", now=timezone.now())
    assert Subscriber.objects.get().paused_until is None


def test_the_same_choice_at_another_time_is_another_wish() -> None:
    ask()
    mail_out("t")
    ask(times=Times("UTC", 7))
    assert [mail.hour for mail in OutboxMail.objects.order_by("id")] == [None, 7]
    ask(times=Times("UTC", 8))
    assert [mail.hour for mail in OutboxMail.objects.order_by("id")] == [None, 8]


def test_the_same_wish_again_at_once_is_one_mail() -> None:
    for _ in range(5):
        ask(topics=("agents",))
    mail_out("t")
    ask(topics=("agents",))
    assert OutboxMail.objects.count() == 1


def test_another_wish_before_the_mail_left_replaces_the_first() -> None:
    ask(topics=("agents",))
    ask(topics=("theory",))
    assert [topic.slug for topic in OutboxMail.objects.get().mix.topics.all()] == ["theory"]


def test_an_address_is_one_whatever_its_case() -> None:
    ask(email="Ada@Example.ORG")
    ask(email="ada@example.org")
    assert Subscriber.objects.count() == 1


def test_an_address_gets_at_most_three_mails_a_day_of_any_kind() -> None:
    reader = make_subscriber(email="ada@example.org")
    for number in range(6):
        ask(topics=(f"wish-{number}",))
        mail_out(f"t{number}")
        signup.request_preferences_link(ADA, now=timezone.now())
        mail_out(f"p{number}")
        signup.request_return(reader.pk, now=timezone.now())
    assert OutboxMail.objects.count() == 3
    a_day_later(3)
    ask(topics=("another",))
    assert OutboxMail.objects.count() == 4


def test_a_suppressed_address_gets_nothing_and_leaves_no_trace() -> None:
    suppress(ADA.key, "complained")
    ask()
    assert (Subscriber.objects.count(), OutboxMail.objects.count()) == (0, 0)
    make_subscriber(email="ada@example.org", state="suppressed")
    ask()
    signup.request_preferences_link(ADA, now=timezone.now())
    assert OutboxMail.objects.count() == 0


def test_confirming_lifts_an_unsubscription_but_no_suppression() -> None:
    make_subscriber(email="ada@example.org", state="unsubscribed")
    ask()
    mail_out("t")
    suppress(ADA.key, "bounced")
    assert signup.confirm("t", now=timezone.now()).outcome is Outcome.BLOCKED
    assert Subscriber.objects.get().state == "unsubscribed"


def test_a_reader_who_left_comes_back_by_confirming_and_is_owed_nothing_of_the_time_between() -> None:
    topic = make_topic()
    long_ago = timezone.now() - timedelta(days=300)
    reader = make_subscriber(email="ada@example.org", topics={topic: "more"}, now=long_ago)
    staying.unsubscribe(reader.pk, now=timezone.now())
    signup.request_return(reader.pk, now=timezone.now())
    mail_out("t")
    now = timezone.now()
    signup.confirm("t", now=now)
    reader.refresh_from_db()
    assert (reader.state, reader.active_from, reader.unsubscribed_at) == ("active", now, None)
    assert list(reader.mix.choices.values_list("topic", "weight")) == [(topic.pk, "more")]


def test_leaving_voids_every_link_that_was_asked_for_before() -> None:
    ask(topics=("agents",))
    mail_out("first")
    ask(topics=("theory",))
    reader = Subscriber.objects.get()
    staying.unsubscribe(reader.pk, now=timezone.now())
    assert signup.confirm("first", now=timezone.now()).outcome is Outcome.LEFT
    assert list(OutboxMail.objects.order_by("id").values_list("state", flat=True)) == ["accepted", "rejected"]
    assert Subscriber.objects.get().state == "unsubscribed"


def test_a_used_link_does_not_bring_back_a_reader_who_left() -> None:
    ask()
    mail_out("t")
    signup.confirm("t", now=timezone.now())
    staying.unsubscribe(Subscriber.objects.get().pk, now=timezone.now())
    assert signup.confirm("t", now=timezone.now()).outcome is Outcome.LEFT
    assert Subscriber.objects.get().state == "unsubscribed"


def test_leaving_twice_keeps_the_first_moment_and_lifts_no_suppression() -> None:
    reader, bounced = make_subscriber(), make_subscriber(state="suppressed")
    first = timezone.now()
    for later in (0, 5):
        staying.unsubscribe(reader.pk, now=first + timedelta(days=later))
        staying.unsubscribe(bounced.pk, now=first)
    reader.refresh_from_db()
    bounced.refresh_from_db()
    assert (reader.state, reader.unsubscribed_at, bounced.state) == ("unsubscribed", first, "suppressed")


def test_preferences_change_at_once_for_readers_only() -> None:
    mix = mix_for({make_topic(): "less"}, length=20, when_empty="top")
    reader, left = make_subscriber(), make_subscriber(state="unsubscribed")
    now = timezone.now()
    assert [staying.change_preferences(one.pk, mix, now=now) for one in (reader, left)] == [True, False]
    reader.refresh_from_db()
    left.refresh_from_db()
    assert (reader.mix, left.mix) == (mix, mix_for({}))


def test_the_link_to_the_preferences_goes_to_readers_only() -> None:
    make_subscriber(email="ada@example.org")
    make_subscriber(email="left@example.org", state="unsubscribed")
    make_subscriber(email="asked@example.org", state="pending")
    for name in ("ada", "ADA", "left", "asked", "nobody"):
        signup.request_preferences_link(parse_address(f"{name}@example.org"), now=timezone.now())
    assert list(OutboxMail.objects.values_list("kind", "subscriber__email")) == [
        ("preferences", "ada@example.org")
    ]


def test_who_never_confirms_is_forgotten_after_two_weeks() -> None:
    for name in ("silent", "asked.again", "fresh"):
        ask(email=f"{name}@example.org")
    long_ago = timezone.now() - timedelta(days=15)
    old = Subscriber.objects.exclude(email="fresh@example.org")
    old.update(created_at=long_ago)
    OutboxMail.objects.filter(subscriber__email="silent@example.org").update(created_at=long_ago)
    make_subscriber(email="reader@example.org", now=long_ago)
    assert signup.forget_unconfirmed(now=timezone.now()) == 1
    left = Subscriber.objects.order_by("email").values_list("email", flat=True)
    assert list(left) == ["asked.again@example.org", "fresh@example.org", "reader@example.org"]


def at_once(*verbs: Callable[[], object]) -> None:
    """Run each in a thread of its own, starting together."""
    start = threading.Barrier(len(verbs))
    errors: list[BaseException] = []

    def run(verb: Callable[[], object]) -> None:
        try:
            start.wait()
            verb()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.django_db(transaction=True)
def test_twenty_requests_at_once_are_one_row_and_one_mail() -> None:
    mix = mix_for({})
    at_once(*[lambda: signup.request_subscription(ADA, mix, now=timezone.now())] * 20)
    assert (Subscriber.objects.count(), OutboxMail.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_confirming_and_leaving_at_once_ends_with_having_left() -> None:
    for number in range(8):
        ask(email=f"reader{number}@example.org")
        mail_out(f"t{number}")
        reader = Subscriber.objects.get(email=f"reader{number}@example.org")
        at_once(
            lambda token=f"t{number}": signup.confirm(token, now=timezone.now()),
            lambda pk=reader.pk: staying.unsubscribe(pk, now=timezone.now()),
        )
    assert set(Subscriber.objects.values_list("state", flat=True)) == {"unsubscribed"}
