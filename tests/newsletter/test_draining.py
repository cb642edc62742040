"""Draining: all editions, within its time, and what ends it."""

from datetime import date, datetime, timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core import mail
from django.test.utils import override_settings
from django.utils import timezone

from newsletter import tasks
from newsletter.delivery import draining, planning
from newsletter.models import Delivery, Edition, Pace
from papers.models import Paper, Topic
from tests.celery_queue import tasks_waiting
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic
from tests.newsletter.smtp_script import smtp_server

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)


def sending(day: date, **fields: object) -> Edition:
    """An edition in the middle of being sent, with one reader who waits for it."""
    edition = make_edition(date=day, papers=[(make_paper(), [])], state=Edition.State.SENDING, **fields)
    make_delivery(edition, make_subscriber(hour=(timezone.now().hour + 1) % 24))
    return edition


def test_it_sends_the_older_edition_first_and_passes_over_one_that_is_paused() -> None:
    newer = sending(DAY)
    paused = sending(DAY - timedelta(days=1), paused_at=timezone.now())
    older = sending(DAY - timedelta(days=2))
    report = draining.drain(now=timezone.now())
    assert (report.accepted, report.stopped, report.for_all) == (2, "the edition is paused", False)
    to = [message.to[0] for message in mail.outbox]
    assert to == [edition.deliveries.get().subscriber.email for edition in (older, newer)]
    assert paused.deliveries.get().state == "pending"


@override_settings(NEWSLETTER_RATE=[(100, "d")])
def test_a_paused_edition_takes_nothing_of_the_rate() -> None:
    paused, fine = sending(DAY - timedelta(days=1), paused_at=timezone.now()), sending(DAY)
    for _ in range(3):
        draining.drain(now=timezone.now())
    assert (paused.deliveries.get().state, fine.deliveries.get().state) == ("pending", "accepted")
    assert sum(Pace.objects.get(unit="d").counts) == 1, "the one mail that left"


def test_a_mix_that_cannot_be_printed_waits_and_keeps_no_other_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    topic = make_topic()
    broken = make_edition(date=DAY, papers=[(make_paper(), [topic]), (make_paper(), [])], state="sending")
    broken.entries.filter(rank=1).update(card={})
    later = (timezone.now().hour + 1) % 24
    cannot, can_not_either = [make_subscriber(topics={topic: "normal"}, hour=later) for _ in range(2)]
    for reader in (cannot, can_not_either):
        make_delivery(broken, reader)
    other = sending(DAY + timedelta(days=1))
    began = timezone.now()
    report = draining.drain(now=began)
    assert (report.accepted, report.postponed, report.stopped) == (1, 2, "")
    assert other.deliveries.get().state == "accepted"
    rows = Delivery.objects.filter(subscriber__in=[cannot, can_not_either])
    reason = "cannot be printed: KeyError: 'title'"
    assert list(rows.values_list("state", "reason", "attempts")) == [("pending", reason, 1)] * 2
    assert all(row.next_at and row.next_at >= began + timedelta(minutes=10) for row in rows)
    told = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert told == [f"{broken}: mix {cannot.mix_id} cannot be printed"]


def test_an_edition_that_fails_in_any_way_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, fine = sending(DAY - timedelta(days=1)), sending(DAY)

    def plan(edition: Edition, *, now: datetime) -> int:
        if edition == broken:
            raise TypeError("of no kind that anybody thought of")
        return planning.plan(edition, now=now)

    monkeypatch.setattr(draining, "plan", plan)
    report = draining.drain(now=timezone.now())
    assert (report.accepted, report.stopped) == (1, f"{broken}: of no kind that anybody thought of")
    assert (broken.deliveries.get().state, fine.deliveries.get().state) == ("pending", "accepted")


def test_the_time_limit_of_the_task_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sending(DAY)

    def plan(edition: Edition, *, now: datetime) -> int:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(draining, "plan", plan)
    with pytest.raises(SoftTimeLimitExceeded):
        draining.drain(now=timezone.now())


def test_what_stops_an_edition_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    paused = sending(DAY, paused_at=timezone.now(), paused_because="too many bounces")
    draining.drain(now=timezone.now())
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert told == [f"{paused} waits: the edition is paused: too many bounces"]


@pytest.mark.parametrize("state", ["closed", "closed_with_in_doubt"])
def test_a_closed_edition_with_a_mail_that_waits_after_all_is_sent_again(state: str) -> None:
    edition = sending(DAY)
    Edition.objects.update(state=state, closed_at=timezone.now())
    assert draining.drain(now=timezone.now()).accepted == 1
    assert edition.deliveries.get().state == "accepted"


@pytest.mark.django_db(transaction=True)
def test_a_server_that_cannot_be_reached_is_asked_once() -> None:
    for days in range(3):
        sending(DAY - timedelta(days=days))
    with smtp_server() as server:
        gone = server.settings
    with override_settings(**gone):
        report = draining.drain(now=timezone.now())
    assert report.for_all
    assert report.stopped.startswith("the mail server cannot be reached: ")
    assert set(Delivery.objects.values_list("state", "attempts", "token")) == {("pending", 0, None)}


def test_what_it_has_no_time_for_is_told_and_another_drain_follows(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending(DAY)
    monkeypatch.setattr(tasks, "DRAIN_SECONDS", -1)
    tasks.drain()
    assert (mail.outbox, tasks_waiting()) == ([], ["newsletter.tasks.send_outbox", "newsletter.tasks.drain"])
    monkeypatch.setattr(tasks, "DRAIN_SECONDS", 30)
    tasks.drain()
    assert (len(mail.outbox), tasks_waiting()) == (1, [])


def test_what_is_too_late_is_ended_before_the_next_window_is_planned() -> None:
    now = timezone.now()
    before = now - timedelta(hours=7)
    late: list[tuple[Paper, list[Topic]]] = [(make_paper(title="Came too late"), [])]
    paused = make_edition(
        date=DAY - timedelta(days=1), papers=late, state="sending", frozen_at=before, paused_at=now
    )
    make_edition(date=DAY, papers=[(make_paper(title="Of today"), [])])
    reader = make_subscriber(now=before)
    mailed = make_edition(date=DAY - timedelta(days=2), state="closed")
    make_delivery(mailed, reader, planned_at=before, state="accepted")
    make_delivery(paused, reader, planned_at=before)
    draining.drain(now=now + timedelta(seconds=1))
    rows = Delivery.objects.order_by("last_on").values_list("first_on", "last_on", "state")
    assert list(rows) == [
        (mailed.date, mailed.date, "accepted"),
        (paused.date, paused.date, "expired"),
        (paused.date, DAY, "accepted"),
    ]
    assert ["Came too late" in str(message.body) for message in mail.outbox] == [True]
