"""Today's mail at once: one row of the ledger, after which the scheduled mail does not follow."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from newsletter.at_once import Answer, look, send, write
from newsletter.delivery.closing import close_if_done
from newsletter.delivery.expiring import expire
from newsletter.delivery.planning import plan_due
from newsletter.models import Delivery, Edition, Subscriber
from newsletter.schedule import CUT_OFF
from papers.models import Topic
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    """Noon today, when today's edition has been out for hours."""
    return datetime.combine(timezone.now().date(), time(12), UTC)


@pytest.fixture
def agents() -> Topic:
    return make_topic(slug="agents")


def edition_of(day: datetime, topic: Topic, **fields: Any) -> Edition:
    out = datetime.combine(day.date(), time(0, 30), UTC)
    return make_edition(date=day.date(), papers=[(make_paper(), [topic])], frozen_at=out, **fields)


def reader_of(topic: Topic, now: datetime, **fields: Any) -> Subscriber:
    return make_subscriber(topics={topic: "normal"}, confirmed_at=now, active_from=now, **fields)


def test_it_is_one_row_and_the_scheduled_mail_does_not_follow(now: datetime, agents: Topic) -> None:
    edition = edition_of(now, agents)
    reader = reader_of(agents, now, hour=18, timezone="UTC")
    assert look(reader, now=now).answer is Answer.READY
    assert [send(reader, now=now).answer for _ in range(2)] == [Answer.COMES] * 2
    assert plan_due(now=now + timedelta(hours=7)) == 0
    row = Delivery.objects.get()
    assert (row.edition, row.first_on, row.due_at, row.state) == (edition, edition.date, now, "pending")


@pytest.mark.parametrize("hour", [7, 18, None])
@pytest.mark.parametrize("weekly", [False, True])
def test_what_the_mail_server_did_not_take_for_six_hours_comes_with_the_next_mail(
    now: datetime, agents: Topic, hour: int | None, weekly: bool
) -> None:
    """Whoever confirmed an hour ago never had a mail, and would begin with what freezes from now on."""
    edition = edition_of(now, agents)
    weekdays = 1 << (now + 3 * DAY).weekday() if weekly else 127
    reader = reader_of(agents, now - timedelta(hours=1), hour=hour, timezone="UTC", weekdays=weekdays)
    assert send(reader, now=now).answer is Answer.COMES
    assert expire(now=now + CUT_OFF) == 1
    for hours in range(24, 5 * 24, 4):
        if hours % 24 == 0:
            edition_of(now + timedelta(hours=hours), agents, released_at=now + timedelta(hours=hours))
        plan_due(now=now + timedelta(hours=hours))
    first = Delivery.objects.exclude(state="expired").earliest("last_on")
    assert (first.state, first.first_on) == ("pending", edition.date)
    assert first.last_on > edition.date


def test_who_came_back_gets_what_did_not_go_out_and_nothing_of_their_earlier_life(
    now: datetime, agents: Topic
) -> None:
    days = {days: edition_of(now + days * DAY, agents, state="closed") for days in (-4, -3, -2, -1)}
    edition = edition_of(now, agents)
    reader = reader_of(agents, now, hour=7, timezone="UTC")
    for ago, state in ((-4, "accepted"), (-2, "rejected")):
        due_at = now + ago * DAY
        make_delivery(days[ago], reader, state=state, covers=state == "accepted", due_at=due_at)
    send(reader, now=now)
    expire(now=now + CUT_OFF)
    tomorrow = edition_of(now + DAY, agents)
    plan_due(now=now + DAY + timedelta(hours=7))
    row = Delivery.objects.latest("pk")
    assert (row.first_on, row.last_on) == (edition.date, tomorrow.date)


def test_who_does_not_ask_gets_it_at_the_hour(now: datetime, agents: Topic) -> None:
    edition_of(now, agents)
    reader = reader_of(agents, now, hour=18, timezone="UTC")
    look(reader, now=now)
    assert Delivery.objects.count() == 0
    assert plan_due(now=now + timedelta(hours=7)) == 1


def test_a_reader_without_topics_gets_the_top(now: datetime, agents: Topic) -> None:
    edition_of(now, agents)
    reader = make_subscriber(confirmed_at=now, active_from=now)
    assert send(reader, now=now).answer is Answer.COMES


def test_nothing_is_sent_where_nothing_matches(now: datetime, agents: Topic) -> None:
    edition_of(now, agents)
    reader = reader_of(make_topic(slug="theory"), now)
    assert send(reader, now=now).answer is Answer.NO_MATCH
    assert Delivery.objects.count() == 0


@pytest.mark.parametrize(
    ("days_ago", "fields", "answer"),
    [
        (0, {"state": "sending"}, Answer.READY),
        (1, {}, Answer.READY),
        (2, {}, Answer.NO_EDITION),
        (-1, {}, Answer.NO_EDITION),
        (0, {"state": "open"}, Answer.NO_EDITION),
        (0, {"state": "held", "released_at": None}, Answer.NO_EDITION),
        (0, {"state": "cancelled"}, Answer.NO_EDITION),
        (0, {"state": "missed"}, Answer.NO_EDITION),
        (0, {"state": "closed"}, Answer.READY),
        (0, {"paused_at": timezone.now()}, Answer.NO_EDITION),
    ],
)
def test_only_the_edition_of_the_day_is_offered_and_only_while_it_may_be_sent(
    now: datetime, agents: Topic, days_ago: int, fields: dict[str, Any], answer: Answer
) -> None:
    edition_of(now - days_ago * DAY, agents, **fields)
    assert look(reader_of(agents, now), now=now).answer is answer


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        ("pending", Answer.COMES),
        ("handoff", Answer.COMES),
        ("accepted", Answer.CAME),
        ("in_doubt", Answer.CAME),
    ],
)
def test_who_has_a_row_is_told_so(now: datetime, agents: Topic, state: str, answer: Answer) -> None:
    edition = edition_of(now, agents)
    reader = reader_of(agents, now)
    make_delivery(edition, reader, state=state)
    assert send(reader, now=now).answer is answer
    assert Delivery.objects.count() == 1


def test_a_window_of_a_cancelled_edition_keeps_back_nothing_that_it_did_not_bring(
    now: datetime, agents: Topic
) -> None:
    yesterday = edition_of(now - DAY, agents)
    today = edition_of(now, agents, state="cancelled")
    reader = reader_of(agents, now)
    kept = {"first_on": yesterday.date, "covers": False}
    make_delivery(today, reader, state="skipped", **kept)
    assert send(reader, now=now).answer is Answer.COMES
    last = Delivery.objects.latest("pk")
    assert (last.first_on, last.last_on, last.state) == (yesterday.date, yesterday.date, "pending")


@pytest.mark.parametrize("state", ["closed", "closed_with_in_doubt"])
def test_an_edition_that_closed_behind_the_others_is_sent_to_a_latecomer_and_closes_again(
    now: datetime, agents: Topic, state: str
) -> None:
    edition = edition_of(now, agents, state=state, closed_at=now)
    assert send(reader_of(agents, now), now=now).answer is Answer.COMES
    edition.refresh_from_db()
    assert (edition.state, edition.closed_at) == ("sending", None)
    Delivery.objects.update(state="accepted", settled_at=now)
    assert close_if_done(edition, now=now)


def test_it_stays_closed_where_no_row_is_written(now: datetime, agents: Topic) -> None:
    edition = edition_of(now, agents, state="closed", closed_at=now)
    write(edition, reader_of(agents, now, state="unsubscribed"), now=now)
    edition.refresh_from_db()
    assert (edition.state, edition.closed_at, Delivery.objects.count()) == ("closed", now, 0)


def test_who_left_meanwhile_gets_no_row(now: datetime, agents: Topic) -> None:
    edition_of(now, agents)
    reader = reader_of(agents, now)
    Subscriber.objects.update(state="unsubscribed")
    assert send(reader, now=now).answer is Answer.NO_EDITION
    assert Delivery.objects.count() == 0
