"""What curators decide about an edition, and what the tick then does with it."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from newsletter import edition as editing
from newsletter import editorial, heartbeat
from newsletter.delivery import draining, settling
from newsletter.models import Delivery, Edition, EditionPaper
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)
DUE = datetime(2026, 11, 20, 0, 31, tzinfo=UTC)
DAYS = timedelta(days=1)
NEXT = DAY + DAYS


def row(edition: Edition) -> Edition:
    return Edition.objects.get(pk=edition.pk)


def states() -> list[tuple[str, str, bool]]:
    return list(Delivery.objects.order_by("pk").values_list("state", "reason", "covers"))


@pytest.fixture
def manual(settings: Any) -> None:
    settings.NEWSLETTER_APPROVAL = "manual"


@pytest.fixture
def awaiting(manual: None) -> Edition:
    """A frozen edition of one paper that waits for approval."""
    make_paper(listed_on=DAY - timedelta(days=1), title="Waiting")
    assert heartbeat.beat(now=DUE).edition is None
    return Edition.objects.get(date=DAY)


def test_an_edition_that_needs_approval_is_frozen_but_neither_released_nor_planned(awaiting: Edition) -> None:
    make_subscriber(now=DUE - timedelta(days=1))
    assert (awaiting.state, awaiting.frozen_at, awaiting.released_at) == ("held", DUE, None)
    assert (awaiting.number, awaiting.entries.count(), awaiting.held_because) == (1, 1, "")
    assert heartbeat.beat(now=DUE + timedelta(minutes=1)).planned == 0
    assert row(awaiting).state == "held"


def test_an_approved_edition_is_released_once_and_planned(awaiting: Edition) -> None:
    make_subscriber(now=DUE - timedelta(days=1))
    then = DUE + timedelta(hours=2)
    done = [editorial.approve(awaiting.pk, now=moment) for moment in (then, DUE)]
    assert (done, row(awaiting).state, row(awaiting).released_at) == ([True, False], "frozen", then)
    assert heartbeat.beat(now=then).planned == 1


def test_the_admins_are_told_once_that_an_edition_waits_and_until_when(
    manual: None, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ADMINS = [("", "desk@example.org")]
    make_paper(listed_on=DAY - timedelta(days=1))
    for minute in range(3):
        with django_capture_on_commit_callbacks(execute=True):
            heartbeat.beat(now=DUE + timedelta(minutes=minute))
    (told,) = mail.outbox
    assert told.subject == "[Django] The edition of 2026-11-20 waits for approval"
    assert told.body.startswith(
        "It is frozen.\n\nLook at it, and approve it until 2026-11-20 06:31 UTC; else it is not sent."
    )


def test_without_approval_an_edition_is_missed_at_the_deadline_and_its_papers_go_on(
    awaiting: Edition,
) -> None:
    heartbeat.beat(now=DUE + timedelta(hours=6) - timedelta(seconds=1))
    assert row(awaiting).state == "held"
    late = DUE + timedelta(hours=6)
    heartbeat.beat(now=late)
    heartbeat.beat(now=late + timedelta(minutes=1))  # and is not made again by itself
    assert (row(awaiting).state, row(awaiting).entries.count()) == ("missed", 0)
    with pytest.raises(editorial.EditorialError, match="is missed, so there is nothing to approve"):
        editorial.approve(awaiting.pk, now=late)
    heartbeat.beat(now=DUE + timedelta(days=1))
    assert [entry.card["title"] for entry in EditionPaper.objects.filter(edition__date=NEXT)] == ["Waiting"]


def test_a_missed_edition_can_be_built_by_hand_and_waits_for_approval_again(awaiting: Edition) -> None:
    heartbeat.beat(now=DUE + timedelta(hours=6))
    built = editing.build(DAY, now=DUE + timedelta(hours=8))
    assert (built.state, built.number, built.entries.count()) == ("held", 1, 1)
    heartbeat.beat(now=DUE + timedelta(hours=9))
    assert row(awaiting).state == "held"


def test_an_edition_may_be_sent_unapproved_where_the_setting_says_so(
    awaiting: Edition, settings: Any
) -> None:
    settings.NEWSLETTER_UNAPPROVED = "send"
    late = DUE + timedelta(hours=6)
    heartbeat.beat(now=late)
    assert (row(awaiting).released_at, row(awaiting).entries.count()) == (late, 1)


def test_what_is_held_for_a_reason_is_never_sent_without_somebodys_word(settings: Any) -> None:
    settings.NEWSLETTER_UNAPPROVED = "send"
    make_paper(listed_on=DAY - timedelta(days=1))
    edition = Edition.objects.create(date=DAY)
    assert editorial.hold(edition.pk, "the lead is doubtful", now=DUE - timedelta(hours=1))
    heartbeat.beat(now=DUE)
    assert (row(edition).state, row(edition).held_because) == ("held", "the lead is doubtful")
    heartbeat.beat(now=DUE + timedelta(hours=6))
    assert row(edition).state == "missed"


def test_an_edition_that_froze_late_waits_for_approval_past_midnight(manual: None, settings: Any) -> None:
    settings.NEWSLETTER_FREEZE_AT = "23:50"
    make_paper(listed_on=DAY - timedelta(days=1))
    heartbeat.beat(now=datetime(2026, 11, 20, 23, 51, tzinfo=UTC))
    heartbeat.beat(now=datetime(2026, 11, 21, 0, 10, tzinfo=UTC))
    assert Edition.objects.get(date=DAY).state == "held"


def test_an_empty_edition_asks_for_no_approval(manual: None) -> None:
    built = heartbeat.beat(now=DUE).edition
    assert built is not None and built.state == "empty"


def test_holding_twice_keeps_the_first_reason_and_resuming_lets_the_freeze_release_it() -> None:
    make_paper(listed_on=DAY - timedelta(days=1))
    edition = Edition.objects.create(date=DAY)
    done = [editorial.hold(edition.pk, why, now=DUE - timedelta(hours=1)) for why in ("first", "second")]
    assert (done, row(edition).paused_because) == ([True, False], "first")
    assert editorial.resume(edition.pk, now=DUE - timedelta(minutes=5))
    heartbeat.beat(now=DUE)
    assert row(edition).released_at == DUE


def test_a_frozen_edition_can_be_held_and_approved() -> None:
    edition = make_edition(date=DAY, papers=[(make_paper(), [])])
    assert editorial.hold(edition.pk, "typo in the lead", now=DUE)
    assert (row(edition).state, row(edition).released_at) == ("held", None)
    assert editorial.approve(edition.pk, now=DUE)
    assert (row(edition).state, row(edition).held_because) == ("frozen", "")


@pytest.mark.parametrize(
    ("verb", "state", "sentence"),
    [
        ("hold", "sending", "Edition of 2026-11-20 is being sent: pause or cancel it"),
        ("hold", "closed", "Edition of 2026-11-20 is closed: there is nothing to hold"),
        ("pause", "open", "Edition of 2026-11-20 is open: there is nothing to pause"),
        ("pause", "closed", "Edition of 2026-11-20 is closed: there is nothing to pause"),
        ("cancel", "closed", "Edition of 2026-11-20 is closed: it cannot be cancelled any more"),
        ("cancel", "missed", "Edition of 2026-11-20 is missed: it cannot be cancelled any more"),
        ("approve", "open", "Edition of 2026-11-20 is not frozen yet, so there is nothing to approve"),
        ("approve", "cancelled", "Edition of 2026-11-20 is cancelled, so there is nothing to approve"),
    ],
)
def test_what_cannot_be_decided_is_refused_in_a_sentence(verb: str, state: str, sentence: str) -> None:
    edition = Edition.objects.create(date=DAY, state=state)
    reason = ("why",) if verb in ("hold", "pause") else ()
    with pytest.raises(editorial.EditorialError) as refused:
        getattr(editorial, verb)(edition.pk, *reason, now=DUE)
    assert (str(refused.value), row(edition).state) == (sentence, state)


def test_pausing_and_resuming_twice_is_like_once() -> None:
    edition = make_edition(date=DAY, state="sending")
    assert [editorial.pause(edition.pk, why, now=DUE) for why in ("a", "b")] == [True, False]
    assert (row(edition).paused_at, row(edition).paused_because) == (DUE, "a")
    later = DUE + timedelta(hours=1)
    assert [editorial.resume(edition.pk, now=later), editorial.resume(edition.pk, now=DUE)] == [True, False]
    after = row(edition)
    assert (after.paused_at, after.paused_because, after.resumed_at) == (None, "", later)


def test_cancelling_settles_what_waits_leaves_what_is_under_way_and_keeps_its_papers() -> None:
    edition = make_edition(date=DAY, papers=[(make_paper(), [])], state="sending")
    for state in ("pending", "claimed", "handoff", "accepted"):
        handed = DUE if state in ("handoff", "accepted") else None
        make_delivery(edition, make_subscriber(), state=state, handed_over_at=handed)
    assert editorial.cancel(edition.pk, now=DUE) == editorial.Cancelled(True, skipped=2)
    assert editorial.cancel(edition.pk, now=DUE) == editorial.Cancelled(False)
    gone = ("skipped", "the edition was cancelled", False)
    assert states() == [gone, gone, ("handoff", "", True), ("accepted", "", True)]
    assert row(edition).entries.count() == 1


def test_a_mail_that_comes_back_after_the_cancelling_is_settled_by_the_tick() -> None:
    edition = make_edition(date=DAY, state="sending")
    sent = make_delivery(edition, make_subscriber(), state="handoff", handed_over_at=DUE)
    editorial.cancel(edition.pk, now=DUE)
    Delivery.objects.filter(pk=sent.pk).update(state="pending")  # the server refused it for now
    editorial.look_after(now=DUE + timedelta(minutes=1))
    assert states() == [("skipped", "the edition was cancelled", False)]


def test_papers_of_a_cancelled_edition_that_nobody_was_handed_are_candidates_again() -> None:
    paper = make_paper(listed_on=DAY - timedelta(days=1))
    edition = editing.build(DAY, now=DUE)
    make_delivery(edition, make_subscriber())
    assert editorial.cancel(edition.pk, now=DUE) == editorial.Cancelled(True, skipped=1, papers=1)
    assert list(editing.candidates(NEXT)) == [paper]


def test_a_window_of_a_later_edition_counts_as_handed_over() -> None:
    edition = make_edition(date=DAY, papers=[(make_paper(), [])], state="sending")
    later = make_edition(date=NEXT, state="sending")
    make_delivery(later, make_subscriber(), state="accepted", first_on=DAY, handed_over_at=DUE)
    assert editorial.cancel(edition.pk, now=DUE).papers == 0
    assert row(edition).entries.count() == 1


def test_withdrawn_papers_make_one_revision_and_twice_is_like_once() -> None:
    papers = [make_paper() for _ in range(3)]
    edition = make_edition(date=DAY, papers=[(paper, []) for paper in papers], state="sending")
    two = [papers[0].pk, papers[2].pk]
    assert [editorial.withdraw(edition.pk, two), editorial.withdraw(edition.pk, two)] == [2, 0]
    assert row(edition).revision == 1
    assert list(edition.entries.order_by("rank").values_list("removed_in", flat=True)) == [1, None, 1]
    assert editorial.withdraw(edition.pk, [papers[1].pk]) == 1
    assert list(edition.entries.order_by("rank").values_list("removed_in", flat=True)) == [1, 2, 1]


def test_before_the_freeze_there_is_nothing_to_withdraw() -> None:
    edition = Edition.objects.create(date=DAY)
    with pytest.raises(editorial.EditorialError, match="there is no mail to take a paper out of"):
        editorial.withdraw(edition.pk, [make_paper().pk])


@pytest.mark.parametrize("how", ["hidden", "withdrawn"])
def test_the_tick_finds_papers_that_were_taken_back_after_the_freeze(how: str) -> None:
    kept, gone = make_paper(), make_paper(**{how: True})
    edition = make_edition(date=DAY, papers=[(kept, []), (gone, [])], state="sending")
    old = make_edition(date=DAY - timedelta(days=30), papers=[(make_paper(hidden=True), [])], state="closed")
    for _ in range(2):
        editorial.look_after(now=DUE)
    assert (row(edition).revision, row(old).revision) == (1, 0)
    assert list(edition.entries.order_by("rank").values_list("removed_in", flat=True)) == [None, 1]


def test_a_long_list_is_cancelled_at_once_and_settled_in_batches_by_the_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settling, "BATCH", 4)
    edition = make_edition(date=DAY, papers=[(make_paper(), [])], state="sending")
    for state in (*["pending"] * 10, "claimed", "accepted"):
        make_delivery(edition, make_subscriber(), state=state, handed_over_at=DUE)
    assert editorial.cancel(edition.pk, now=DUE) == editorial.Cancelled(True, skipped=11)
    gone = ("skipped", "the edition was cancelled", False)
    assert Counter(states()) == {gone: 5, ("pending", "", True): 6, ("accepted", "", True): 1}
    assert settling.settle_some(edition.pk, now=DUE) == 4
    heartbeat.beat(now=DUE + timedelta(minutes=1))
    assert Counter(states()) == {gone: 11, ("accepted", "", True): 1}
    assert settling.settle_cancelled(now=DUE) == 0


def test_a_drain_settles_before_it_plans_so_that_a_cancelled_window_covers_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settling, "BATCH", 1)
    then = DUE + 2 * DAYS
    before, sent, gone = (make_edition(date=NEXT - n * DAYS, state="closed") for n in (2, 1, 0))
    for reader in [make_subscriber(now=DUE - 9 * DAYS) for _ in range(3)]:
        make_delivery(before, reader, state="accepted")
        make_delivery(gone, reader, first_on=sent.date, planned_at=then)
    Edition.objects.filter(pk=gone.pk).update(state="sending")
    editorial.cancel(gone.pk, now=DUE + DAYS)
    coming = make_edition(date=then.date(), papers=[(make_paper(), [])], frozen_at=then, state="sending")
    draining.drain(now=then)
    windows = Delivery.objects.filter(edition=coming).values_list("first_on", "last_on")
    assert list(windows) == [(sent.date, coming.date)] * 3
