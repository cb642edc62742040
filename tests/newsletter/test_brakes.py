"""When an edition stops by itself, and when the next one is held."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from newsletter import edition as editing
from newsletter import editorial, heartbeat
from newsletter.delivery import brakes
from newsletter.mixes import mix_for
from newsletter.models import Delivery, Edition, Subscriber
from tests.factories import make_edition, make_paper

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def counts_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is."""
    monkeypatch.setattr(brakes, "QUICK", 60.0)


@pytest.fixture
def edition() -> Edition:
    return make_edition(date=DAY, state="sending")


def mails(
    edition: Edition, n: int, state: str = "accepted", *, at: datetime = NOW, outcome: str = ""
) -> None:
    """So many mails of an edition, settled like this."""
    mix, known = mix_for({}), Subscriber.objects.count()
    names = [f"r{known + number}@example.org" for number in range(n)]
    readers = [Subscriber(email=name, email_key=name, state="active", mix=mix) for name in names]
    Delivery.objects.bulk_create(
        Delivery(
            edition=edition,
            subscriber=reader,
            mix=mix,
            first_on=edition.date,
            last_on=edition.date,
            due_at=NOW,
            expires_at=NOW,
            planned_at=NOW,
            state=state,
            settled_at=at,
            outcome=outcome,
        )
        for reader in Subscriber.objects.bulk_create(readers)
    )


@pytest.mark.parametrize(
    ("accepted", "rejected", "bounced", "paused"),
    [
        (0, 19, 0, False),
        (0, 20, 0, True),  # nobody's is taken: it is not the readers' addresses
        (1, 198, 0, False),  # too few to judge
        (1, 199, 0, True),  # a relay that takes mails for its own people only
        (150, 49, 0, False),
        (200, 4, 0, False),  # too few failed
        (195, 5, 0, True),
        (200, 5, 0, True),
        (200, 0, 5, True),
        (200, 2, 3, True),
        (495, 5, 0, False),  # exactly one in a hundred
        (494, 5, 0, True),
        (500, 0, 5, False),  # a mail that bounced was accepted first
        (499, 0, 5, True),
    ],
)
def test_an_edition_is_paused_above_one_failure_in_a_hundred(
    edition: Edition, accepted: int, rejected: int, bounced: int, paused: bool
) -> None:
    mails(edition, accepted - bounced)
    mails(edition, bounced, outcome="bounced")
    mails(edition, rejected, "rejected")
    assert brakes.check(edition, now=NOW) is paused
    assert Edition.objects.get().paused_at == (NOW if paused else None)


def test_the_reason_is_written_down_and_the_admins_are_told_once(
    edition: Edition, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ADMINS = [("", "desk@example.org")]
    mails(edition, 245)
    mails(edition, 4, outcome="bounced")
    mails(edition, 3, "rejected")
    with django_capture_on_commit_callbacks(execute=True):
        assert [brakes.check(edition, now=NOW), brakes.check(edition, now=NOW)] == [True, False]
        assert brakes.look(now=NOW) == 0
    why = "7 of 252 mails failed for good (2.8%; 3 rejected, 4 bounced), which is more than 1%"
    assert Edition.objects.get().paused_because == why
    (told,) = mail.outbox
    assert told.subject == "[Django] The edition of 2026-11-20 is paused"
    assert told.body.startswith(f"{why}.\n\nNo further mail leaves until somebody resumes it.")


def test_after_a_resume_the_count_begins_anew(edition: Edition) -> None:
    mails(edition, 250)
    mails(edition, 10, "rejected")
    assert brakes.check(edition, now=NOW)
    editorial.resume(edition.pk, now=NOW)
    later = NOW + timedelta(minutes=1)
    mails(edition, 189, at=later)
    mails(edition, 10, "rejected", at=later)
    assert not brakes.check(edition, now=later)
    mails(edition, 1, at=later)
    assert brakes.check(edition, now=later)


def test_the_tick_stops_an_edition_whose_bounces_were_told_by_events(edition: Edition) -> None:
    mails(edition, 200)
    mails(edition, 6, outcome="bounced")
    heartbeat.beat(now=NOW)
    assert Edition.objects.get(date=DAY).paused_because.startswith("6 of 206 mails failed for good")


@pytest.mark.parametrize("state", ["closed", "cancelled", "held"])
def test_an_edition_that_sends_nothing_is_not_paused(edition: Edition, state: str) -> None:
    Edition.objects.update(state=state)
    mails(edition, 200)
    mails(edition, 9, "rejected")
    assert (brakes.check(edition, now=NOW), Edition.objects.get().paused_at) == (False, None)


@pytest.mark.parametrize(
    ("mailed", "complained", "held"),
    [(199, 9, False), (300, 1, False), (300, 2, True), (2000, 2, False), (1999, 2, True)],
)
def test_the_next_edition_is_held_at_its_freeze_after_complaints(
    edition: Edition, mailed: int, complained: int, held: bool
) -> None:
    Edition.objects.update(state="closed")
    mails(edition, mailed - complained)
    mails(edition, complained, outcome="complained")
    make_edition(date=DAY + timedelta(days=1), state="empty")  # one without mails says nothing
    make_paper(listed_on=DAY + timedelta(days=1))
    found = editing.build(DAY + timedelta(days=2), now=NOW + timedelta(days=2))
    why = (
        f"{complained} of {mailed:,} readers of the edition of 2026-11-20 complained"
        f" ({complained / mailed:.2%}), which is more than 0.1%"
    )
    assert (found.state, found.held_because) == (("held", why) if held else ("frozen", ""))


def test_a_count_that_takes_long_is_made_less_often(
    edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brakes, "QUICK", -1.0)  # as if every count took long
    monkeypatch.setattr(brakes, "SHARE_OF_TIME", 1_000_000)
    assert not brakes.check(edition, now=NOW)
    mails(edition, 200)
    mails(edition, 9, "rejected")
    assert not brakes.check(edition, now=NOW)
    brakes._rests.clear()
    assert brakes.check(edition, now=NOW)
