"""The tick, called at chosen moments: what it makes, what it says of days that went by, whom it plans."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from newsletter import edition, heartbeat
from newsletter.models import Delivery, Edition
from papers.models import SourceRun
from papers.reading import runs
from tests.factories import make_paper, make_subscriber
from tests.source_server import SourceServer
from tests.source_shapes import hf_item

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)
DUE = datetime(2026, 11, 20, 0, 31, tzinfo=UTC)


def days() -> list[tuple[date, str]]:
    return list(Edition.objects.order_by("date").values_list("date", "state"))


def test_nothing_is_frozen_before_its_moment() -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    pulse = heartbeat.beat(now=DUE - timedelta(minutes=2))
    assert (pulse, days()) == (heartbeat.Pulse(None, 0), [(DAY, "open")])


def test_a_due_edition_is_frozen_and_planned_once_and_the_next_is_opened() -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    make_subscriber(now=DUE - timedelta(days=1))
    assert [heartbeat.beat(now=DUE).planned, heartbeat.beat(now=DUE).planned] == [1, 0]
    assert days() == [(DAY, "sending"), (DAY + timedelta(days=1), "open")]


def test_a_day_that_went_by_is_missed_and_can_still_be_built() -> None:
    heartbeat.beat(now=DUE - timedelta(minutes=2))
    later = DUE + timedelta(days=9)
    heartbeat.beat(now=later)
    away = [(DAY + timedelta(days=n), "missed") for n in range(9)]
    assert days() == [*away, (DAY + timedelta(days=9), "empty"), (DAY + timedelta(days=10), "open")]
    make_paper(listed_on=DAY - timedelta(days=1))
    assert edition.build(DAY, now=later).state == "frozen"


@pytest.mark.parametrize("last_tick", [DUE - timedelta(minutes=2), DUE])
def test_every_day_of_an_outage_is_missed(last_tick: datetime) -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    heartbeat.beat(now=last_tick)
    first = "missed" if last_tick < DUE else "closed"  # it has no readers
    later = DUE + timedelta(days=9)
    for _ in range(2):
        heartbeat.beat(now=later)
        away = [(DAY + timedelta(days=n), "missed") for n in range(1, 9)]
        there = [(DAY + timedelta(days=9), "empty"), (DAY + timedelta(days=10), "open")]
        assert days() == [(DAY, first), *away, *there]


def test_what_was_made_of_a_day_during_an_outage_stays() -> None:
    heartbeat.beat(now=DUE)
    later = DUE + timedelta(days=3)
    make_paper(listed_on=DAY + timedelta(days=1))
    assert edition.build(DAY + timedelta(days=2), now=later).state == "frozen"
    heartbeat.beat(now=later)
    assert [state for _, state in days()] == ["empty", "missed", "closed", "empty", "open"]


def test_a_first_tick_and_one_on_the_next_day_miss_nothing() -> None:
    heartbeat.beat(now=DUE)
    heartbeat.beat(now=DUE + timedelta(days=1))
    assert [state for _, state in days()] == ["empty", "empty", "open"]


def test_who_comes_after_the_freeze_waits_for_the_next_edition() -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    there = make_subscriber(now=DUE, active_from=DUE - timedelta(hours=1))
    heartbeat.beat(now=DUE)
    make_subscriber(now=DUE, active_from=DUE + timedelta(hours=1))
    heartbeat.beat(now=DUE + timedelta(hours=2))
    assert list(Delivery.objects.values_list("subscriber", flat=True)) == [there.pk]


def test_readers_of_the_demo_are_never_mailed() -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    make_subscriber(now=DUE - timedelta(days=1), origin="demo")
    assert heartbeat.beat(now=DUE).planned == 0


def test_readers_of_the_demo_are_mailed_to_files(settings: Any) -> None:
    settings.EMAIL_BACKEND = "newsletter.filemail.EmailBackend"
    make_paper(listed_on=DAY - timedelta(days=1))
    make_subscriber(now=DUE - timedelta(days=1), origin="demo")
    assert heartbeat.beat(now=DUE).planned == 1


def read(started: datetime, verdict: str = "ok", *, days: tuple[int, ...] = (17, 18, 19)) -> None:
    """Readings of these November lists."""
    for day in days:
        SourceRun.objects.create(
            source="huggingface",
            target=f"2026-11-{day}",
            started_at=started,
            finished_at=started,
            verdict=verdict,
            message="example.org answered with status 500.",
        )


@pytest.fixture
def huggingface(settings: Any) -> None:
    settings.NEWSLETTER_SOURCES = ["huggingface"]


def test_an_edition_waits_for_its_sources_and_says_how_they_were_read(huggingface: None) -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    pulse = heartbeat.beat(now=DUE)
    assert (pulse.edition, pulse.due_sources) == (None, ("huggingface",))
    assert Edition.objects.get(date=DAY).awaited_from == DUE
    read(DUE)
    built = heartbeat.beat(now=DUE + timedelta(minutes=1)).edition
    assert built is not None and built.state == "frozen"
    assert built.sources == [
        {
            "source": "huggingface",
            "verdict": "ok",
            "text": "read at 00:31 UTC",
            "detail": "0 records in 3 readings",
        }
    ]


def test_a_source_that_fails_labels_the_edition_after_a_while(huggingface: None) -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    read(DUE - timedelta(hours=1))
    read(DUE, "failed")
    for minutes in (0, 45, 89):
        assert heartbeat.beat(now=DUE + timedelta(minutes=minutes)).edition is None
    built = heartbeat.beat(now=DUE + timedelta(minutes=90)).edition
    assert built is not None and built.state == "frozen"
    assert [(one["verdict"], one["text"]) for one in built.sources] == [
        ("failed", "not read since Thursday 19 November, 23:31 UTC")
    ]


def test_a_machine_that_was_off_while_the_edition_waited_tries_its_sources_first(huggingface: None) -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    read(DUE, "failed")
    back = DUE + timedelta(hours=5)
    assert heartbeat.beat(now=DUE).edition is None
    pulse = heartbeat.beat(now=back)
    assert (pulse.edition, pulse.due_sources) == (None, ("huggingface",))
    assert Edition.objects.get(date=DAY).awaited_from == back
    read(back)
    built = heartbeat.beat(now=back + timedelta(minutes=1)).edition
    assert built is not None and built.broken_sources == []


def test_ticks_an_hour_apart_end_the_waiting_too(huggingface: None) -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    found = [heartbeat.beat(now=DUE + timedelta(hours=n)).edition for n in range(3)]
    assert [one and one.state for one in found] == [None, None, "frozen"]


def test_an_edition_that_freezes_late_in_the_evening_is_labelled_not_missed(
    huggingface: None, settings: Any
) -> None:
    settings.NEWSLETTER_FREEZE_AT = "23:50"
    make_paper(listed_on=DAY - timedelta(days=1))
    late = datetime(2026, 11, 20, 23, 50, tzinfo=UTC)
    read(late, "failed")
    found = [heartbeat.beat(now=late + timedelta(minutes=n)).edition for n in (0, 4, 5)]
    assert [one and (one.state, one.broken_sources[0]["verdict"]) for one in found] == [
        None,
        None,
        ("frozen", "failed"),
    ]


@pytest.fixture
def holding(huggingface: None, settings: Any) -> None:
    """An edition that is held because a list is stale."""
    settings.NEWSLETTER_STALE_SOURCES = "hold"
    make_paper(listed_on=DAY - timedelta(days=1))
    read(DUE - timedelta(hours=1))
    read(DUE, "stale")
    assert heartbeat.beat(now=DUE).edition is None
    held = Edition.objects.get(date=DAY)
    assert (held.state, held.held_because) == (
        "held",
        "Hugging Face stale since Thursday 19 November, 23:31 UTC",
    )


def test_a_held_edition_is_made_once_its_sources_were_read(holding: None) -> None:
    assert heartbeat.beat(now=DUE + timedelta(hours=3)).edition is None
    read(DUE + timedelta(hours=4))
    built = heartbeat.beat(now=DUE + timedelta(hours=4)).edition
    assert built is not None and (built.state, built.broken_sources) == ("frozen", [])
    assert built.held_because == ""


def test_the_administrators_are_told_once_of_an_edition_that_is_held(
    huggingface: None, settings: Any, caplog: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.NEWSLETTER_STALE_SOURCES, settings.ADMINS = "hold", [("", "desk@example.org")]
    read(DUE - timedelta(hours=1))
    read(DUE, "stale")
    for minute in range(3):
        with django_capture_on_commit_callbacks(execute=True):
            heartbeat.beat(now=DUE + timedelta(minutes=minute))
    (told,) = mail.outbox
    assert (told.to, told.subject) == (
        ["desk@example.org"],
        "[Django] The edition of 2026-11-20 is held",
    )
    assert told.body.startswith("Hugging Face stale since Thursday 19 November, 23:31 UTC.")
    assert caplog.messages.count(f"The edition of 2026-11-20 is held: {told.body.splitlines()[0][:-1]}") == 1


def test_an_edition_is_held_though_nobody_can_be_told(
    huggingface: None, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.NEWSLETTER_STALE_SOURCES, settings.ADMINS = "hold", [("", "desk@example.org")]
    settings.EMAIL_BACKEND = "no.such.Backend"
    read(DUE, "stale")
    with django_capture_on_commit_callbacks(execute=True):
        heartbeat.beat(now=DUE)
    assert days()[0] == (DAY, "held")


def test_a_held_edition_is_missed_when_its_day_is_over_and_its_papers_go_on(holding: None) -> None:
    tomorrow = DUE + timedelta(days=1)
    read(tomorrow, days=(18, 19, 20))
    built = heartbeat.beat(now=tomorrow).edition
    assert built is not None and (built.date, built.entries.count()) == (DAY + timedelta(days=1), 1)
    assert days()[0] == (DAY, "missed")


def test_old_rows_that_cannot_be_cleared_keep_no_source_from_being_read(
    huggingface: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*, now: datetime) -> int:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("newsletter.clearing.go_on", fail)
    assert heartbeat.beat(now=DUE).due_sources == ("huggingface",)
    assert caplog.messages[-1] == "Old rows cannot be cleared now; the next tick tries again"


def test_runs_that_broke_off_are_closed_by_the_tick(huggingface: None) -> None:
    run = runs.claim("huggingface", "2026-11-19", now=DUE)
    assert run is not None
    heartbeat.beat(now=DUE + timedelta(minutes=6))
    run.refresh_from_db()
    assert (run.verdict, run.message) == ("failed", runs.BROKE_OFF)


def test_without_a_broker_the_command_reads_the_sources_itself(
    sources: SourceServer, huggingface: None, settings: Any
) -> None:
    settings.NEWSLETTER_FREEZE_AT = "00:00"
    today = timezone.now().date()
    lists = [day for day in (today - timedelta(days=n) for n in range(1, 4)) if day.weekday() < 5]
    for day in lists:
        sources.lists[day] = [hf_item(f"2610.{day.day:02}001", listed_on=day)]
    said = []
    for _ in range(2):
        out = StringIO()
        call_command("tick", stdout=out)
        said.append(out.getvalue().splitlines())
    assert said[0][0] == f"Edition of {today} waits for its sources. Mails: 0 planned, 0 accepted."
    assert said[0][1 : 1 + len(lists)] == [f"Hugging Face {day}: ok, 1 record" for day in sorted(lists)]
    assert said[1] == [f"Edition of {today} is frozen. Mails: 0 planned, 0 accepted."]
