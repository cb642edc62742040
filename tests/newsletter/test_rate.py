"""The rate in the database: one for all workers, for digests and asked-for mails."""

import threading
from datetime import date, timedelta

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import override_settings
from django.utils import timezone

from config import environment
from newsletter import outbox, signup
from newsletter.addresses import parse_address
from newsletter.delivery import planning, rate, sending
from newsletter.models import Delivery, Edition, OutboxMail
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber
from tests.provider_server import ProviderServer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("value", "limits"), [("", []), ("14/s", [(14, "s")]), ("14/s, 50000/d", [(14, "s"), (50000, "d")])]
)
def test_the_setting_is_read(
    value: str, limits: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER_RATE", value)
    assert environment.rate("NEWSLETTER_RATE") == limits


@pytest.mark.parametrize("value", ["14", "0/s", "14/w", "1.5/s", "14/s,15/s", "s/14"])
def test_what_is_no_rate_is_refused_in_a_sentence(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_RATE", value)
    with pytest.raises(ImproperlyConfigured) as error:
        environment.rate("NEWSLETTER_RATE")
    assert str(error.value) == (
        f"NEWSLETTER_RATE is {value!r}, but must be limits such as 14/s or 14/s,50000/d, "
        "one for each of s, m, h, d"
    )


def test_without_a_rate_all_may_go() -> None:
    assert rate.take(1_000_000) == (1_000_000, 0.0)


@override_settings(NEWSLETTER_RATE=[(5, "d"), (3, "h")])
def test_the_tightest_limit_counts_and_says_how_long_to_wait() -> None:
    assert rate.take(2) == (2, 0.0)
    assert rate.take(9) == (1, 0.0)
    granted, seconds = rate.take(1)
    assert granted == 0
    assert 3_600 - 180 < seconds <= 3_600 + 180


@pytest.mark.django_db(transaction=True)
@override_settings(NEWSLETTER_RATE=[(25, "d")])
def test_workers_share_one_rate() -> None:
    granted: list[int] = []

    def work() -> None:
        for _ in range(10):
            granted.append(rate.take(2)[0])
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(granted), len(granted)) == (25, 40)


@override_settings(NEWSLETTER_RATE=[(3, "d")])
def test_digests_and_asked_for_mails_share_it_and_the_others_wait() -> None:
    edition = make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])])
    for number in range(2):
        signup.request_subscription(
            parse_address(f"asks{number}@example.org"), make_subscriber().mix, now=timezone.now()
        )
    planning.plan(edition, now=timezone.now())
    assert outbox.send_pending(now=timezone.now(), limit=1) == 1
    report = sending.Sender(edition).run()
    assert report.accepted == 2
    signup.request_subscription(parse_address("asks9@example.org"), make_subscriber().mix, now=timezone.now())
    late = make_subscriber()
    planning.plan(edition, now=timezone.now(), late_too=True)
    report = sending.Sender(edition).run()
    assert report.stopped.startswith("the rate is used up for ")
    assert outbox.send_pending(now=timezone.now()) == 0
    assert len(mail.outbox) == 3
    assert Delivery.objects.get(subscriber=late).state == "pending"
    assert set(OutboxMail.objects.values_list("state", "attempts")) == {("accepted", 1), ("pending", 0)}


def test_a_pause_that_the_other_side_asked_for_holds_for_everybody() -> None:
    edition = make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])])
    make_subscriber()
    now = timezone.now()
    signup.request_subscription(parse_address("asks@example.org"), make_subscriber().mix, now=now)
    planning.plan(edition, now=now)
    rate.hold(300, now=now)
    rate.hold(20, now=now)  # the longer one counts
    report = sending.Sender(edition).run()
    until = now + timedelta(seconds=300)
    assert report == sending.SendReport(
        stopped=f"the mail server or provider wants no mail until {until:%H:%M:%S} UTC", for_all=True
    )
    assert (outbox.send_pending(now=now), mail.outbox) == (0, [])
    rate.ensure_open(now=until)
    assert sending.Sender(edition, clock=lambda: until).run().accepted == 2


@pytest.mark.parametrize("provider", ["mailgun", "postmark"])  # many readers a call, and one
def test_a_provider_that_is_asked_too_fast_is_left_alone_as_long_as_it_says(provider: str) -> None:
    edition = make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])], state=Edition.State.SENDING)
    for _ in range(3):
        make_delivery(edition, make_subscriber())
    with ProviderServer() as server, override_settings(**server.settings(provider)):
        server.break_next("status", status=429, headers={"Retry-After": "240"})
        began = timezone.now()
        report = sending.Sender(edition).run()
        assert report.stopped == "the mail server or provider refuses everything: the provider answered 429"
        assert report.for_all
        asked = [row.next_at for row in Delivery.objects.exclude(next_at=None)]
        assert len(asked) == report.postponed > 0
        assert all(moment and moment >= began + timedelta(seconds=240) for moment in asked)
        assert set(Delivery.objects.values_list("state", "attempts", "token")) == {("pending", 0, None)}
        assert "wants no mail until" in sending.Sender(edition).run().stopped
        assert len(server.calls) == 1
        later = timezone.now() + timedelta(seconds=241)
        assert sending.Sender(edition, clock=lambda: later).run().accepted == 3
