"""What is cleared after 400 days, what is kept for good, and that it may stop anywhere."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from newsletter import clearing, heartbeat
from newsletter.delivery import clearing as deliveries
from newsletter.delivery.closing import balance
from newsletter.marks import CLEARED, LEDGER_READ
from newsletter.mixes import mix_for
from newsletter.models import (
    Delivery,
    Edition,
    Event,
    MixTopic,
    OutboxMail,
    Slot,
    Subscriber,
    TopicMix,
    WeightChange,
)
from newsletter.tally import mails_by_state
from papers.models import FilingRun, Mark, SourceRun
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD = (NOW - 401 * DAY).date()
KEPT = (NOW - 400 * DAY).date()


def an_edition(day: date, state: str = "closed") -> Edition:
    return make_edition(date=day, state=state)


def clear(now: datetime = NOW) -> list[int]:
    """Step after step until the day's work is done; how many rows went in each."""
    Mark.objects.filter(name="old rows are cleared").update(at=now - DAY)
    steps = []
    while not Mark.objects.filter(name="old rows are cleared", at=now).exists():
        steps.append(clearing.go_on(now=now))
    return steps


def states() -> list[tuple[date, str]]:
    return list(Delivery.objects.order_by("last_on", "pk").values_list("last_on", "state"))


def test_mails_of_editions_long_past_become_counts_that_balance() -> None:
    edition, young = an_edition(OLD, "closed_with_in_doubt"), an_edition(KEPT)
    for state in ("accepted", "accepted", "rejected", "skipped", "expired", "in_doubt"):
        reader = make_subscriber()
        make_delivery(edition, reader, state=state)
        make_delivery(young, reader, state=state)
    before = balance(edition), mails_by_state([edition.pk, young.pk])
    assert clear() == [6]
    assert {day for day, _ in states()} == {KEPT}
    edition.refresh_from_db()
    assert (balance(edition), mails_by_state([edition.pk, young.pk])) == before
    assert before[0].planned == 6 and before[0].is_even
    assert edition.cleared_mails == {"accepted": 2, "rejected": 1, "skipped": 1, "expired": 1, "in_doubt": 1}


def test_an_edition_that_is_not_over_and_mails_that_are_not_settled_stay() -> None:
    for number, state in enumerate(("sending", "frozen", "held")):
        make_delivery(
            an_edition(OLD - number * DAY, state), make_subscriber(state="unsubscribed"), state="expired"
        )
    unsettled = an_edition(OLD - 9 * DAY, "cancelled")
    for state in ("pending", "claimed", "handoff"):
        make_delivery(unsettled, make_subscriber(state="unsubscribed"), state=state)
    assert clear() == [0]
    assert Delivery.objects.count() == 6


def test_an_active_reader_keeps_the_last_row_that_covers_anything() -> None:
    first, second, third = (an_edition(OLD - (3 - n) * DAY) for n in range(3))
    stays, left = make_subscriber(), make_subscriber(state="unsubscribed")
    for reader in (stays, left):
        make_delivery(first, reader, state="accepted")
        make_delivery(second, reader, state="accepted")
        make_delivery(third, reader, state="expired", covers=False)
    assert clear() == [5]
    assert list(Delivery.objects.values_list("subscriber", "edition")) == [(stays.pk, second.pk)]
    make_delivery(an_edition(KEPT), stays, state="accepted")
    assert clear(NOW + 2 * DAY) == [1]


def test_what_was_told_of_a_mail_goes_before_it_and_what_came_late_outlives_it() -> None:
    row = make_delivery(an_edition(OLD - 9 * DAY), make_subscriber(state="unsubscribed"), state="accepted")
    for number, days in enumerate((405, 401, 399)):
        Event.objects.create(event_id=str(number), event_type="opened", delivery=row)
        Event.objects.filter(event_id=str(number)).update(received_at=NOW - days * DAY)
    assert clear() == [3]
    assert list(Event.objects.values_list("event_id", "delivery")) == [("2", None)]


def test_moments_asked_for_mails_and_changes_of_weight_go_after_400_days() -> None:
    reader, topic, paper = make_subscriber(), make_topic(), make_paper()
    for number, days in enumerate((402, 401, 399)):
        moment = NOW - days * DAY
        edition = an_edition(moment.date())
        Slot.objects.create(edition=edition, timezone="UTC", hour=7, due_at=moment, planned_at=moment)
        mail = OutboxMail.objects.create(subscriber=reader, kind="preferences", reason=str(number))
        OutboxMail.objects.filter(pk=mail.pk).update(created_at=moment)
        WeightChange.objects.create(
            subscriber=reader, topic=topic, paper=paper, before="off", after="more", changed_at=moment
        )
        Mark.objects.create(name=f"too late {edition.date}", at=moment)
    Mark.objects.create(name="last tick", at=NOW - 500 * DAY)
    assert clear() == [8]
    left = [
        [str(slot.edition.date) for slot in Slot.objects.all()],
        list(OutboxMail.objects.values_list("reason", flat=True)),
        [change.changed_at for change in WeightChange.objects.all()],
        sorted(Mark.objects.exclude(name__in=[CLEARED, LEDGER_READ]).values_list("name", flat=True)),
    ]
    young = NOW - 399 * DAY
    assert left == [[str(young.date())], ["2"], [young], ["last tick", f"too late {young.date()}"]]


def test_runs_go_but_the_last_of_each_source_and_the_last_filing_that_was_done() -> None:
    def runs(source: str, *days: int, ended: bool = True) -> None:
        for ago in days:
            at = NOW - ago * DAY
            SourceRun.objects.create(
                source=source, target="x", started_at=at, finished_at=at if ended else None
            )

    runs("arxiv", 900, 402, 401, 399)
    runs("huggingface", 700, 600)
    runs("jsonl", 500, ended=False)
    for ago, outcome in ((800, "done"), (700, "done"), (650, "superseded"), (600, "superseded")):
        at = NOW - ago * DAY
        FilingRun.objects.create(reason="", asked_at=at, finished_at=at, outcome=outcome, total=0)
    assert clear() == [6]
    kept = SourceRun.objects.order_by("pk").values_list("source", "started_at")
    assert [(source, (NOW - at).days) for source, at in kept] == [
        ("arxiv", 399),
        ("huggingface", 600),
        ("jsonl", 500),
    ]
    assert [(NOW - run.asked_at).days for run in FilingRun.objects.order_by("pk")] == [700, 600]


def test_a_choice_that_nobody_has_goes_when_no_mail_of_it_can_be_left() -> None:
    agents = make_topic(slug="agents")
    unused, chosen, asked = (mix_for({agents: "more"}, length=length) for length in (5, 15, 20))
    reader = make_subscriber()
    Subscriber.objects.update(mix=chosen)
    OutboxMail.objects.create(subscriber=reader, kind="confirm", mix=asked)
    default = mix_for({})
    clear(NOW - 401 * DAY)
    seen = dict(TopicMix.objects.values_list("pk", "unused_since"))
    assert seen == {unused.pk: NOW - 401 * DAY, default.pk: NOW - 401 * DAY, chosen.pk: None, asked.pk: None}
    assert clear(NOW) == [0]
    mix_for({})  # somebody is about to choose it
    assert clear(NOW + timedelta(seconds=1)) == [1]
    assert set(TopicMix.objects.values_list("pk", flat=True)) == {chosen.pk, asked.pk, default.pk}
    assert MixTopic.objects.count() == 2
    again = mix_for({agents: "more"}, length=5)
    assert (again.pk != unused.pk, again.choices.count()) == (True, 1)


def test_a_choice_that_a_row_which_was_kept_still_names_stays() -> None:
    reader = make_subscriber()
    old = reader.mix
    make_delivery(an_edition(OLD - 99 * DAY), reader, state="accepted")
    Subscriber.objects.update(mix=mix_for({}, length=5))
    TopicMix.objects.filter(pk=old.pk).update(unused_since=NOW - 500 * DAY)
    assert clear() == [0]
    assert TopicMix.objects.filter(pk=old.pk).exists()


def test_a_choice_that_is_had_again_loses_its_note() -> None:
    reader = make_subscriber()
    TopicMix.objects.update(unused_since=NOW - 500 * DAY)
    clear()
    reader.mix.refresh_from_db()
    assert reader.mix.unused_since is None


def test_a_choice_that_is_cleared_while_somebody_makes_it_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between finding the row and taking it back: by the time it is taken back, it is gone."""
    found = mix_for({}, length=20)
    TopicMix.objects.update(unused_since=NOW)
    real = TopicMix.objects.get_or_create

    def then_cleared(**choice: Any) -> tuple[TopicMix, bool]:
        mix, created = real(**choice)
        if mix.pk == found.pk:
            TopicMix.objects.filter(pk=mix.pk).delete()
        return mix, created

    monkeypatch.setattr(TopicMix.objects, "get_or_create", then_cleared)
    again = mix_for({}, length=20)
    assert TopicMix.objects.get() == again != found


def test_a_step_is_bounded_says_what_it_did_and_the_next_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clearing, "A_STEP", 4)
    for number in range(3):
        edition = an_edition(OLD - number * DAY)
        Slot.objects.create(edition=edition, timezone="UTC", due_at=NOW, planned_at=NOW)
        for _ in range(3):
            make_delivery(edition, make_subscriber(state="unsubscribed"), state="expired")
    with caplog.at_level(logging.INFO, "newsletter.clearing"):
        assert clear() == [4, 4, 4, 0]
    said = "Cleared of what is older than 400 days: "
    assert caplog.messages == [f"{said}mails 4", f"{said}mails 4", f"{said}mails 1, moments 3"]
    counts = Edition.objects.order_by("date").values_list("cleared_mails", flat=True)
    assert list(counts) == [{"expired": 3}] * 3
    assert (Delivery.objects.count(), Slot.objects.count()) == (0, 0)


def test_each_step_goes_on_where_the_one_before_stopped_and_reads_what_is_kept_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clearing, "A_STEP", 2)
    monkeypatch.setattr(deliveries, "LOOK", 2)
    old, young = an_edition(OLD), an_edition(KEPT)
    states = ["active"] * 5 + ["unsubscribed"] * 3 + ["active"]
    rows = [make_delivery(old, make_subscriber(state=state), state="accepted") for state in states]
    for _ in range(3):
        make_delivery(young, make_subscriber(state="unsubscribed"), state="accepted")
    read_to, steps = [], []
    for _ in range(2):
        steps.append(clearing.go_on(now=NOW))
        read_to.append(Mark.objects.get(name="ledger is read to").position)
    assert (steps, read_to) == ([2, 1], [rows[6].pk, 0])
    assert Delivery.objects.filter(edition=old).count() == 6
    assert clear(NOW + DAY) == [2, 1]  # the young ones are old by now


def test_it_is_done_once_a_day_by_the_tick() -> None:
    now = timezone.now().replace(hour=12)
    old = make_subscriber(state="unsubscribed")
    heartbeat.beat(now=now)
    make_delivery(an_edition(now.date() - 500 * DAY), old, state="expired")
    heartbeat.beat(now=now + DAY - timedelta(seconds=1))
    assert Delivery.objects.count() == 1
    heartbeat.beat(now=now + DAY)
    assert Delivery.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_works_and_who_is_killed_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, in_another_thread: Callable[[Callable[[], Any]], Any]
) -> None:
    edition = an_edition(OLD)
    make_delivery(edition, make_subscriber(state="unsubscribed"), state="expired")
    meanwhile: list[int] = []

    class Killed(BaseException):
        pass

    def die(_limit: int, *, now: datetime) -> int:
        """After the mails were taken away, before that is committed."""
        meanwhile.append(in_another_thread(lambda: clearing.go_on(now=NOW)))
        raise Killed

    chores = clearing.CHORES
    monkeypatch.setattr(clearing, "CHORES", (*chores[:2], ("nothing", die)))
    with pytest.raises(Killed):
        clearing.go_on(now=NOW)
    edition.refresh_from_db()
    assert (meanwhile, Delivery.objects.count(), edition.cleared_mails) == ([0], 1, {})
    monkeypatch.setattr(clearing, "CHORES", chores)
    assert clearing.go_on(now=NOW) == 1
    edition.refresh_from_db()
    assert (Delivery.objects.count(), edition.cleared_mails) == (0, {"expired": 1})


@pytest.fixture
def in_another_thread() -> Callable[[Callable[[], Any]], Any]:
    def run(work: Callable[[], Any]) -> Any:
        def and_close() -> Any:
            try:
                return work()
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(and_close).result(timeout=30)

    return run
