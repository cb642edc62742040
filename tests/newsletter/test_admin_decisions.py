"""Deciding at the desk about mails in doubt: asked with counts, with a reason, on record, by right only."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from newsletter.delivery import draining
from newsletter.models import Delivery, Edition
from tests.desk import queries_of, staff_with
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber
from tests.newsletter.smtp_script import smtp_server
from tests.pages import faults_of, hidden_field, words_of

pytestmark = pytest.mark.django_db
LIST = "/admin/newsletter/delivery/"
DECIDE = f"{LIST}decide/"


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def edition() -> Edition:
    return make_edition(
        date=date(2026, 11, 20),
        papers=[(make_paper(), [])],
        state="closed_with_in_doubt",
        closed_at=timezone.now(),
    )


def doubtful(edition: Edition, n: int = 1, **fields: Any) -> list[Delivery]:
    known = {"handed_over_at": timezone.now(), "attempts": 6, "reason": "the sender ended", **fields}
    return [make_delivery(edition, make_subscriber(), state="in_doubt", **known) for _ in range(n)]


def chosen(client: Client, action: str, rows: list[Delivery]) -> str:
    """The page that an action of the list leads to."""
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(LIST, data, follow=True).content.decode()


def decided(client: Client, page: str, reason: str) -> str:
    """Fill in the page that asks, and return the one after it."""
    data = {"choice": hidden_field(page, "choice"), "mails": hidden_field(page, "mails"), "reason": reason}
    return words_of(client.post(DECIDE, data, follow=True).content.decode())


def test_the_page_says_how_many_of_which_editions_and_who_left(boss: Client, edition: Edition) -> None:
    rows = doubtful(edition, 3)
    settled = make_delivery(edition, make_subscriber(), state="accepted")
    rows[0].subscriber.state = "unsubscribed"
    rows[0].subscriber.save()
    page = chosen(boss, "send_them_again", [*rows, settled])
    assert faults_of(page) == []
    words = words_of(page)
    assert "3 mails in doubt : handed over, and nobody heard an answer." in words
    assert "Whoever got the first one gets it twice." in words
    assert "Where the edition is paused, resume it within these six hours." in words
    assert "1 of the readers left or cannot be mailed, and is not mailed again." in words
    assert "Fri 20 November 2026 closed, some mails in doubt 3" in words
    assert "the sender ended (3)" in words
    assert set(Delivery.objects.values_list("state", flat=True)) == {"in_doubt", "accepted"}


def test_they_arrived_counts_them_as_accepted_with_a_line_in_each_history(
    boss: Client, edition: Edition
) -> None:
    rows = doubtful(edition, 2)
    words = decided(boss, chosen(boss, "they_arrived", rows), "The server's log has both.")
    assert "2 mails are counted as accepted." in words
    found = Delivery.objects.values_list("state", "reason", "covers").distinct()
    assert list(found) == [("accepted", "decided to have arrived: The server's log has both.", True)]
    assert Edition.objects.get().state == "closed"
    told = LogEntry.objects.order_by("object_id").values_list("object_id", "change_message", "user__username")
    words = "In doubt, counted as accepted: The server's log has both."
    assert list(told) == [(str(row.pk), words, "boss") for row in rows]


def test_send_them_again_opens_the_edition_for_six_hours(boss: Client, edition: Edition) -> None:
    (row,) = doubtful(edition)
    before = timezone.now()
    words = decided(boss, chosen(boss, "send_them_again", [row]), "Bounced at the relay.")
    assert "1 mail is to be sent again." in words
    row.refresh_from_db()
    assert (row.state, row.attempts, row.covers, row.token) == ("pending", 0, True, None)
    assert timedelta(0) <= row.expires_at - before - timedelta(hours=6) < timedelta(minutes=1)
    assert Edition.objects.get().state == "sending"
    assert LogEntry.objects.get().change_message == "In doubt, to be sent again: Bounced at the relay."


@pytest.mark.django_db(transaction=True)
def test_what_is_sent_again_leaves_once_and_the_edition_closes(boss: Client, edition: Edition) -> None:
    (row,) = doubtful(edition)
    page = chosen(boss, "send_them_again", [row])
    decided(boss, page, "It did not arrive.")
    decided(boss, page, "A second click.")
    with smtp_server() as server, override_settings(**server.settings):
        draining.drain(now=timezone.now())
        draining.drain(now=timezone.now())
    row.refresh_from_db()
    assert (len(server.received), row.state, Edition.objects.get().state) == (1, "accepted", "closed")


def test_a_second_decision_about_the_same_mails_changes_nothing(boss: Client, edition: Edition) -> None:
    rows = doubtful(edition)
    pages = [chosen(boss, action, rows) for action in ("they_arrived", "send_them_again")]
    decided(boss, pages[0], "first")
    words = decided(boss, pages[1], "second")
    assert "0 mails are to be sent again." in words
    assert "1 mail is left as before" in words
    assert (Delivery.objects.get().state, LogEntry.objects.count()) == ("accepted", 1)


@pytest.mark.parametrize("state", ["cancelled", "missed"])
def test_mails_of_an_edition_that_was_stopped_for_good_are_not_sent_again(
    boss: Client, edition: Edition, state: str
) -> None:
    Edition.objects.update(state=state)
    words = decided(boss, chosen(boss, "send_them_again", doubtful(edition)), "why not")
    why = "not in doubt any more, or the edition was stopped for good or is long past"
    assert f"1 mail is left as before: {why}." in words
    assert (Delivery.objects.get().state, Edition.objects.get().state) == ("in_doubt", state)


def test_a_mail_whose_edition_has_lost_its_ledger_is_not_sent_again(boss: Client, edition: Edition) -> None:
    """Else the edition would find all the readers whose rows were cleared without one."""
    Edition.objects.update(cleared_mails={"accepted": 7})
    words = decided(boss, chosen(boss, "send_them_again", doubtful(edition)), "long ago")
    assert "1 mail is left as before" in words
    assert (Delivery.objects.get().state, Edition.objects.get().state) == ("in_doubt", "closed_with_in_doubt")


def test_without_a_reason_nothing_is_decided(boss: Client, edition: Edition) -> None:
    rows = doubtful(edition)
    words = decided(boss, chosen(boss, "they_arrived", rows), "  ")
    assert "This field is required." in words and "1 mail in doubt" in words
    assert Delivery.objects.get().state == "in_doubt"


@pytest.mark.parametrize("mails", ["", "x", "1,2;3", "9" * 30, ",".join(["1"] * 10_001)])
def test_nonsense_is_answered_with_a_sentence(boss: Client, mails: str) -> None:
    page = boss.post(DECIDE, {"choice": "again", "mails": mails, "reason": "x"}, follow=True)
    assert "Choose the mails in the list first." in words_of(page.content.decode())
    assert boss.get(DECIDE, follow=True).status_code == 200


def test_where_none_is_in_doubt_the_list_says_so(boss: Client, edition: Edition) -> None:
    row = make_delivery(edition, make_subscriber(), state="accepted")
    assert "None of these is in doubt." in words_of(chosen(boss, "they_arrived", [row]))


def test_deciding_takes_the_right_to_change_deliveries(edition: Edition) -> None:
    rows = doubtful(edition)
    client = staff_with("view_delivery")
    assert "None of these" not in chosen(client, "they_arrived", rows)
    data = {"choice": "again", "mails": rows[0].pk, "reason": "x"}
    assert client.post(DECIDE, data).status_code == 403
    assert (Delivery.objects.get().state, LogEntry.objects.count()) == ("in_doubt", 0)
    client = staff_with("view_delivery", "change_delivery", name="decider")
    decided(client, chosen(client, "they_arrived", rows), "by right")
    assert Delivery.objects.get().state == "accepted"


def test_the_list_says_of_which_days_a_mail_tells(boss: Client, edition: Edition) -> None:
    doubtful(edition, first_on=date(2026, 11, 16))
    doubtful(edition)
    words = words_of(boss.get(LIST).content.decode())
    assert "Edition of 2026-11-20 16 Nov to 20 Nov in doubt" in words
    assert "Edition of 2026-11-20 20 Nov in doubt" in words


def test_the_list_of_deliveries_asks_no_more_queries_for_more_mails(boss: Client, edition: Edition) -> None:
    doubtful(edition)
    queries_of(boss, LIST)
    one = queries_of(boss, LIST)
    doubtful(edition, 3)
    assert queries_of(boss, LIST) == one
