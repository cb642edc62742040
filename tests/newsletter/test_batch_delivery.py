"""An edition through a provider that takes many readers a call: what each answer makes of the ledger."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from newsletter.delivery import planning, sending
from newsletter.models import Delivery, Edition
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.provider_server import ProviderServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def edition() -> Edition:
    topic = make_topic()
    papers = [(make_paper(title="The first"), [topic]), (make_paper(title="The second"), [])]
    for place in range(3):
        make_subscriber(email=f"all{place}@example.org")
        make_subscriber(email=f"one{place}@example.org", topics={topic: "normal"})
    return make_edition(date=date(2026, 11, 20), papers=papers)


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


def use(settings: Any, server: ProviderServer, provider: str) -> None:
    for name, value in server.settings(provider).items():
        setattr(settings, name, value)


def send(edition: Edition) -> sending.SendReport:
    planning.plan(edition, now=timezone.now())
    return sending.Sender(edition).run()


def rows(*fields: str) -> dict[str, Any]:
    """Some columns of each row by its reader's address."""
    found = Delivery.objects.values_list("subscriber__email", *fields)
    return {email: values for email, *values in found}


def test_each_mix_is_one_call_and_everybody_gets_their_own(
    settings: Any, edition: Edition, server: ProviderServer
) -> None:
    use(settings, server, "mailgun")
    assert send(edition).accepted == 6
    assert send(edition).accepted == 0
    assert sorted(len(call.mails) for call in server.calls) == [3, 3]
    ids = rows("public_id", "state")
    assert {mail.to: [mail.delivery_id, "accepted"] for mail in server.taken} == {
        email: [str(public_id), state] for email, (public_id, state) in ids.items()
    }
    shown = {mail.to: "The second" in mail.text for mail in server.taken}
    assert shown == {email: email.startswith("all") for email in ids}


def test_some_of_a_call_refused(settings: Any, edition: Edition, server: ProviderServer) -> None:
    use(settings, server, "unisender_go")
    server.refused = {"all0@example.org": "rejected", "one1@example.org": "failed"}
    report = send(edition)
    assert (report.accepted, report.rejected, report.postponed, report.stopped) == (4, 1, 1, "")
    states = rows("state", "reason", "attempts")
    assert states.pop("all0@example.org") == ["rejected", "the provider says: rejected", 1]
    assert states.pop("one1@example.org") == ["pending", "the provider says: failed", 1]
    assert list(states.values()) == [["accepted", "", 1]] * 4


def test_too_fast_costs_nobody_a_try_and_all_wait_as_long_as_told(
    settings: Any, edition: Edition, server: ProviderServer
) -> None:
    use(settings, server, "mailgun")
    server.break_next("status", status=429, headers={"Retry-After": "300"})
    before = timezone.now()
    report = send(edition)
    assert report.stopped == "the mail server or provider refuses everything: the provider answered 429"
    assert set(Delivery.objects.values_list("state", "attempts")) == {("pending", 0)}
    waits = Delivery.objects.exclude(next_at=None).values_list("next_at", flat=True)
    assert [wait > before + timedelta(seconds=299) for wait in waits] == [True] * 3
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("kind", "options"), [("status", {"status": 500}), ("garbage", {}), ("dropped", {"taken": True})]
)
def test_a_call_without_an_answer_leaves_its_readers_in_doubt_and_no_others(
    settings: Any, edition: Edition, server: ProviderServer, kind: str, options: dict[str, Any]
) -> None:
    use(settings, server, "mailgun")
    server.break_next(kind, **options)
    report = send(edition)
    assert (report.in_doubt, report.accepted, report.stopped) == (3, 3, "")
    assert send(edition) == sending.SendReport()
    doubtful = {email for email, (state,) in rows("state").items() if state == "in_doubt"}
    assert doubtful == {mail.to for mail in server.calls[0].mails}
    assert len(server.calls) == 2


def test_a_provider_that_cannot_be_reached_keeps_everybody_waiting(settings: Any, edition: Edition) -> None:
    with ProviderServer() as gone:
        use(settings, gone, "mailgun")
    report = send(edition)
    assert report.stopped.startswith("the mail server or provider refuses everything: the provider cannot be")
    assert set(Delivery.objects.values_list("state", "attempts")) == {("pending", 0)}
