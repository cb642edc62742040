"""A restored backup: what may have left since is in doubt, and nothing leaves until somebody says so."""

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from newsletter import edition as editing
from newsletter import editorial, heartbeat, releasing
from newsletter.delivery import restoring
from newsletter.delivery.owed_since import came_due
from newsletter.marks import LAST_TICK
from newsletter.models import Delivery, Edition, OutboxMail, Subscriber
from papers.models import Mark
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber

pytestmark = pytest.mark.django_db

# The backup was taken on Wednesday at four, and restored on Friday at noon.
WEDNESDAY = date(2026, 11, 18)
BACKUP = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TOMORROW = NOW + timedelta(hours=12, minutes=31)


@pytest.fixture
def wednesday() -> Edition:
    """The edition that was being sent when the backup was taken, with its tick."""
    Mark.objects.create(name=LAST_TICK, at=BACKUP)
    frozen = datetime(2026, 11, 18, 0, 30, tzinfo=UTC)
    return make_edition(date=WEDNESDAY, papers=[(make_paper(), [])], state="sending", frozen_at=frozen)


def rows() -> list[tuple[str, date, date, bool]]:
    found = Delivery.objects.order_by("subscriber").values_list("state", "first_on", "last_on", "covers")
    return list(found)


def test_what_was_planned_or_under_way_is_in_doubt(wednesday: Edition) -> None:
    for state in ("pending", "claimed", "handoff", "accepted", "skipped"):
        lease = NOW if state in ("claimed", "handoff") else None
        make_delivery(wednesday, make_subscriber(), state=state, lease_until=lease, covers=state != "skipped")
    done = restoring.quarantine(BACKUP, now=NOW)
    assert (done.mails, done.may_have_left) == (3, 0)
    told = Delivery.objects.order_by("pk").values_list("state", "reason", "lease_until")
    doubt = ("in_doubt", "a backup was restored: whether it was sent since then is not known", None)
    assert list(told) == [doubt, doubt, doubt, ("accepted", "", None), ("skipped", "", None)]


def test_confirmations_that_waited_are_in_doubt(wednesday: Edition) -> None:
    for state in ("pending", "handoff", "accepted"):
        OutboxMail.objects.create(subscriber=make_subscriber(), kind="confirm", state=state)
    assert restoring.quarantine(BACKUP, now=NOW).outbox == 2
    assert list(OutboxMail.objects.order_by("pk").values_list("state", flat=True)) == [
        "in_doubt",
        "in_doubt",
        "accepted",
    ]


def test_the_editions_since_then_are_missed_and_what_was_being_sent_is_paused(wednesday: Edition) -> None:
    Edition.objects.create(date=WEDNESDAY + timedelta(days=1))
    done = restoring.quarantine(BACKUP, now=NOW)
    lost = [WEDNESDAY + timedelta(days=1), WEDNESDAY + timedelta(days=2)]
    assert (done.paused, done.missed) == ([WEDNESDAY], lost)
    wednesday.refresh_from_db()
    assert (wednesday.state, wednesday.paused_at) == ("sending", NOW)
    assert wednesday.paused_because.startswith("a backup from about 2026-11-18 04:00 UTC was restored")


def test_before_todays_freeze_today_is_not_missed(wednesday: Edition) -> None:
    early = datetime(2026, 11, 20, 0, 10, tzinfo=UTC)
    assert restoring.quarantine(BACKUP, now=early).missed == [WEDNESDAY + timedelta(days=1)]


def test_an_edition_that_waited_for_approval_is_missed_and_keeps_its_papers() -> None:
    held = make_edition(date=WEDNESDAY, papers=[(make_paper(), [])], state="held", released_at=None)
    assert WEDNESDAY in restoring.quarantine(BACKUP, now=NOW).missed
    held.refresh_from_db()
    assert (held.state, held.entries.count()) == ("missed", 1)


def test_the_ticks_after_it_make_no_lost_edition_and_use_none_of_their_papers(wednesday: Edition) -> None:
    restoring.quarantine(BACKUP, now=NOW)
    make_paper(title="In Friday's edition", listed_on=date(2026, 11, 19))
    heartbeat.beat(now=NOW + timedelta(minutes=1))
    assert Edition.objects.get(date=date(2026, 11, 20)).state == "missed"
    new = make_paper(title="New on Friday", listed_on=date(2026, 11, 20))
    assert list(editing.candidates(date(2026, 11, 21))) == [new]


def test_the_next_edition_is_held_until_somebody_approves_and_then_all_goes_on(wednesday: Edition) -> None:
    restoring.quarantine(BACKUP, now=NOW)
    make_paper(listed_on=date(2026, 11, 20))
    heartbeat.beat(now=TOMORROW)
    held = Edition.objects.get(date=date(2026, 11, 21))
    assert (held.state, held.held_because) == ("held", releasing.because_restored(BACKUP))
    editorial.approve(held.pk, now=TOMORROW)
    make_paper(listed_on=date(2026, 11, 21))
    assert editing.build(date(2026, 11, 22), now=TOMORROW + timedelta(days=1)).state == "frozen"


def test_resuming_the_paused_edition_says_so_too(wednesday: Edition) -> None:
    restoring.quarantine(BACKUP, now=NOW)
    editorial.resume(wednesday.pk, now=NOW)
    make_paper(listed_on=date(2026, 11, 20))
    assert editing.build(date(2026, 11, 21), now=TOMORROW).state == "frozen"


def test_what_was_paused_already_keeps_its_reason_beside_the_new_one(wednesday: Edition) -> None:
    editorial.pause(wednesday.pk, "too many bounces", now=BACKUP)
    for _ in range(2):
        restoring.quarantine(BACKUP, now=NOW)
    wednesday.refresh_from_db()
    because = f"too many bounces; {releasing.because_restored(BACKUP)}"
    assert (wednesday.paused_at, wednesday.paused_because) == (BACKUP, because)


def test_to_take_back_a_hold_of_ones_own_says_nothing_of_the_backup(wednesday: Edition) -> None:
    restoring.quarantine(BACKUP, now=NOW)
    tomorrow = Edition.objects.create(date=date(2026, 11, 21))
    editorial.hold(tomorrow.pk, "to be read again", now=NOW)
    editorial.resume(tomorrow.pk, now=NOW)
    make_paper(listed_on=date(2026, 11, 20))
    assert editing.build(tomorrow.date, now=TOMORROW).state == "held"


def test_papers_that_may_have_left_are_not_given_back_by_cancelling(wednesday: Edition) -> None:
    make_subscriber()
    assert restoring.quarantine(BACKUP, now=NOW).may_have_left == 1
    assert editorial.cancel(wednesday.pk, now=NOW).papers == 0


def test_readers_who_may_have_had_their_mail_since_get_a_row_in_doubt(wednesday: Edition) -> None:
    days = [WEDNESDAY - timedelta(days=n) for n in (2, 1)]
    monday, tuesday = (make_edition(date=day, state="closed") for day in days)
    daily = make_subscriber(hour=18)
    make_delivery(tuesday, daily, state="accepted")
    weekly = make_subscriber(hour=9, weekdays=0b0010000)  # Fridays
    sundays = make_subscriber(hour=9, weekdays=0b1000000)
    had_it = make_subscriber()
    make_delivery(wednesday, had_it, state="accepted")
    make_subscriber(state="unsubscribed")
    make_subscriber(paused_until=date(2026, 12, 24))
    assert restoring.quarantine(BACKUP, now=NOW).may_have_left == 2
    doubt = Delivery.objects.filter(state="in_doubt").order_by("subscriber")
    assert [(row.subscriber, row.edition, row.first_on, row.last_on, row.covers) for row in doubt] == [
        (daily, wednesday, WEDNESDAY, WEDNESDAY, True),
        (weekly, wednesday, monday.date, WEDNESDAY, True),
    ]
    assert not Delivery.objects.filter(subscriber=sundays).exists()


def test_it_can_be_run_again_and_keeps_the_time_of_the_backup(wednesday: Edition) -> None:
    make_delivery(wednesday, make_subscriber())
    first = restoring.quarantine(restoring.time_of_backup() or NOW, now=NOW)
    heartbeat.beat(now=NOW + timedelta(minutes=1))  # somebody had left a worker running
    make_delivery(wednesday, make_subscriber())
    assert restoring.time_of_backup() == BACKUP
    again = restoring.quarantine(BACKUP, now=NOW + timedelta(minutes=2))
    assert (first.mails, again.mails) == (1, 1)
    assert (again.may_have_left, again.missed) == (0, first.missed)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"in_doubt"}


@pytest.mark.parametrize(
    ("zone", "hour", "days", "expected"),
    [
        ("UTC", 12, 0b1111111, True),
        ("UTC", 13, 0b1111111, False),
        ("UTC", 3, 0b1111111, False),  # before the backup
        ("UTC", None, 0b1111111, True),
        ("UTC", None, 0b0000001, False),  # Mondays
        ("Asia/Tokyo", 20, 0b0000100, True),  # 11:00 UTC, Wednesday
        ("Asia/Tokyo", 20, 0b0000010, False),
        ("Mars/Base", 12, 0b1111111, True),  # read as UTC, as planning does
        ("Mars/Base", 13, 0b1111111, False),
        ("America/Los_Angeles", 23, 0b0000010, True),  # 07:00 UTC on Wednesday is Tuesday's 23 o'clock
    ],
)
def test_who_may_have_come_due_between_two_moments(
    zone: str, hour: int | None, days: int, expected: bool
) -> None:
    noon = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
    assert came_due((zone, hour, days), since=BACKUP, until=noon) is expected


def test_an_hour_that_the_clock_skips_counts_as_the_next() -> None:
    since, until = datetime(2026, 3, 29, 0, 50, tzinfo=UTC), datetime(2026, 3, 29, 1, 10, tzinfo=UTC)
    assert came_due(("Europe/Berlin", 2, 0b1111111), since=since, until=until)


# --- The command


def run(**options: Any) -> str:
    out = io.StringIO()
    call_command("after_restore", stdout=out, **options)
    return out.getvalue()


def test_the_command_says_what_it_found_and_that_leavers_are_active_again(
    wednesday: Edition, settings: Any
) -> None:
    settings.SITE_URL = "https://papers.example.org"
    Mark.objects.update(at=timezone.now() - timedelta(days=2))
    make_delivery(wednesday, make_subscriber())
    said = run(yes=True)
    assert "Mails that were planned or under way, now in doubt: 1." in said
    assert "Paused: 2026-11-18. Missed: " in said
    assert "READERS WHO LEFT SINCE" in said and "ARE ACTIVE AGAIN" in said
    assert "https://papers.example.org/admin/newsletter/delivery/?state__exact=in_doubt" in said
    assert "RUNNING INSTALLATION" not in said


@pytest.mark.parametrize(("answer", "goes_on"), [("yes", True), ("no", False), ("", False)])
def test_the_command_asks(
    wednesday: Edition, monkeypatch: pytest.MonkeyPatch, answer: str, goes_on: bool
) -> None:
    make_delivery(wednesday, make_subscriber())
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))
    if goes_on:
        run()
    else:
        with pytest.raises(CommandError, match="Nothing was changed"):
            run()
    assert Delivery.objects.get().state == ("in_doubt" if goes_on else "pending")


def test_a_running_installation_is_recognised() -> None:
    Mark.objects.create(name=LAST_TICK, at=timezone.now() - timedelta(seconds=30))
    assert "THIS LOOKS LIKE A RUNNING INSTALLATION" in run(yes=True)


@pytest.mark.parametrize(
    ("since", "sentence"),
    [
        (None, "The database knows no tick, so say when the backup was taken: --since MOMENT"),
        ("soon", "--since is 'soon', but must be a moment in UTC such as 2026-11-20T04:00."),
        ("2999-01-01", "The backup cannot be from 2999-01-01 00:00 UTC, which is yet to come"),
    ],
)
def test_wrong_moments_are_refused_in_a_sentence(since: str | None, sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        run(since=since, yes=True)
    assert str(refused.value) == sentence


def test_subscribers_are_left_as_they_are(wednesday: Edition) -> None:
    make_subscriber(state="unsubscribed")
    restoring.quarantine(BACKUP, now=NOW)
    assert Subscriber.objects.get().state == "unsubscribed"
