"""The edition's page at the desk: how it stands, and the buttons that decide about it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from newsletter.models import Delivery, Edition, Slot
from tests.celery_queue import tasks_waiting
from tests.desk import queries_of, staff_with
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber
from tests.pages import faults_of, words_of

pytestmark = pytest.mark.django_db
LIST = "/admin/newsletter/edition/"
DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def page_of(edition: Edition) -> str:
    return f"{LIST}{edition.pk}/change/"


def press(client: Client, edition: Edition, verb: str, **data: str) -> str:
    """Press a button of the edition's page and read the page it leads back to."""
    answer = client.post(f"{LIST}{edition.pk}/{verb}/", data, follow=True)
    assert answer.status_code == 200
    edition.refresh_from_db()
    return words_of(answer.content.decode())


def history() -> list[str]:
    return list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))


def buttons(client: Client, edition: Edition) -> list[str]:
    """The verbs that the page offers."""
    html = client.get(page_of(edition)).content.decode()
    assert [fault for fault in faults_of(html) if "desk" in fault] == []
    verbs = ("approve", "resume", "freeze", "pause", "hold", "tick", "cancel")
    return [verb for verb in verbs if f"{LIST}{edition.pk}/{verb}/" in html]


@pytest.mark.parametrize(
    ("fields", "offered"),
    [
        ({"state": "open", "frozen_at": None}, ["hold", "tick", "cancel"]),
        ({"state": "open", "frozen_at": None, "paused_at": NOON}, ["resume", "tick", "cancel"]),
        ({"state": "held", "frozen_at": None}, ["freeze", "hold", "tick", "cancel"]),
        ({"state": "held", "released_at": None}, ["approve", "tick", "cancel"]),
        ({"state": "frozen"}, ["pause", "hold", "tick", "cancel"]),
        ({"state": "sending"}, ["pause", "tick", "cancel"]),
        ({"state": "sending", "paused_at": NOON}, ["resume", "tick", "cancel"]),
        ({"state": "closed"}, ["tick"]),
        ({"state": "cancelled"}, ["tick"]),
        ({"state": "missed"}, ["tick"]),
    ],
)
def test_the_page_offers_what_can_be_decided(
    boss: Client, fields: dict[str, Any], offered: list[str]
) -> None:
    assert buttons(boss, make_edition(date=DAY, **fields)) == offered


def test_pause_and_resume_show_the_reason_on_page_list_and_first_page(boss: Client) -> None:
    edition = make_edition(date=timezone.now().date(), state="sending")
    words = press(boss, edition, "pause", reason=" bounces  from\none domain ")
    kept = f"Paused since {edition.paused_at:%Y-%m-%d %H:%M} UTC: bounces from one domain."
    assert "Paused: bounces from one domain." in words and kept in words
    assert kept in words_of(boss.get(LIST).content.decode())
    assert kept in words_of(boss.get("/admin/").content.decode())
    assert "nothing was changed" in press(boss, edition, "pause", reason="again")
    press(boss, edition, "resume")
    assert (edition.paused_at, edition.resumed_at is None) == (None, False)
    assert history() == ["Paused: bounces from one domain.", "Resumed."]


def test_a_pause_without_a_reason_names_who_pressed(boss: Client) -> None:
    edition = make_edition(date=DAY, state="sending")
    press(boss, edition, "pause")
    assert edition.paused_because == "by boss"


def test_an_edition_is_approved_and_its_deadline_was_shown(boss: Client) -> None:
    fields = {"state": "held", "released_at": None, "frozen_at": NOON, "held_because": "too many complained"}
    edition = make_edition(date=DAY, papers=[(make_paper(), [])], **fields)
    words = words_of(boss.get(page_of(edition)).content.decode())
    assert (
        "Held: too many complained. It waits for approval until 2026-11-20 18:00 UTC; else it is not sent."
        in words
    )
    press(boss, edition, "approve")
    assert (edition.state, edition.released_at is None, history()) == ("frozen", False, ["Approved."])


def test_an_edition_is_held_and_frozen_in_spite_of_its_sources(boss: Client) -> None:
    yesterday = timezone.now().date() - timedelta(days=1)
    make_paper(listed_on=yesterday - timedelta(days=1))
    edition = Edition.objects.create(date=yesterday, state="held", held_because="arXiv stale")
    assert "Held: arXiv stale. It is frozen once its sources were read." in words_of(
        boss.get(page_of(edition)).content.decode()
    )
    press(boss, edition, "freeze")
    assert edition.state == "frozen"
    assert "It was so already: nothing was changed." in press(boss, edition, "freeze")
    press(boss, edition, "hold", reason="a doubtful lead")
    assert (edition.state, edition.held_because) == ("held", "a doubtful lead")
    assert history() == ["Frozen in spite of its sources.", "Held: a doubtful lead."]


def test_what_cannot_be_decided_is_said_and_leaves_no_history(boss: Client) -> None:
    edition = make_edition(date=DAY, state="closed")
    assert "Edition of 2026-11-20 is closed: there is nothing to pause." in press(boss, edition, "pause")
    assert history() == []


def test_cancelling_asks_with_counts_first(boss: Client) -> None:
    edition = make_edition(date=DAY, papers=[(make_paper(), []), (make_paper(), [])], state="sending")
    for state in ("pending", "pending", "accepted"):
        handed = NOON if state == "accepted" else None
        make_delivery(edition, make_subscriber(), state=state, handed_over_at=handed)
    html = boss.get(f"{LIST}{edition.pk}/cancel/").content.decode()
    words = words_of(html)
    assert faults_of(html) == []
    assert "2 mails that wait are not sent. 1 has left already and cannot be called back." in words
    assert "Its 2 papers stay with it and enter no other edition" in words
    edition.refresh_from_db()
    assert edition.state == "sending"
    assert "Cancelled: 2 mails skipped, 0 papers are candidates again." in press(boss, edition, "cancel")
    assert (edition.state, len(history())) == ("cancelled", 1)
    assert "cancelled already" in press(boss, edition, "cancel")
    assert len(history()) == 1


def test_a_paper_is_taken_out_after_a_question(boss: Client) -> None:
    kept, gone = make_paper(title="Kept"), make_paper(title="<b>Gone</b>")
    edition = make_edition(date=DAY, papers=[(kept, []), (gone, [])], state="sending")
    make_delivery(edition, make_subscriber())
    entry = edition.entries.get(paper=gone)
    url = f"{LIST}{edition.pk}/withdraw/{entry.pk}/"
    assert url in boss.get(page_of(edition)).content.decode()
    html = boss.get(url).content.decode()
    assert faults_of(html) == [] and "<b>Gone</b>" not in html.replace("<b>&lt;", "")
    assert "1 waits now, and 0 have left with it." in words_of(html)
    words = press(boss, edition, f"withdraw/{entry.pk}")
    assert "Taken out: <b>Gone</b>." in words
    assert "1 paper was taken out after the freeze (revision 1)." in words
    assert "taken out in revision 1" in words
    assert "taken out already" in press(boss, edition, f"withdraw/{entry.pk}")
    assert (edition.revision, history()) == (1, ["Taken out: <b>Gone</b>."])


def test_the_page_of_another_edition_takes_no_paper_out(boss: Client) -> None:
    edition = make_edition(date=DAY, papers=[(make_paper(), [])], state="sending")
    other = make_edition(date=DAY + timedelta(days=1), state="sending")
    assert boss.post(f"{LIST}{other.pk}/withdraw/{edition.entries.get().pk}/").status_code == 404


def test_the_tick_button_ticks_and_wakes_the_senders(boss: Client, broker: str) -> None:
    edition = make_edition(date=timezone.now().date(), papers=[(make_paper(), [])])
    make_subscriber()
    words = press(boss, edition, "tick")
    assert "Ticked: 1 mails newly planned, and the senders are woken." in words
    assert (Delivery.objects.count(), len(history())) == (1, 1)
    assert tasks_waiting() == ["newsletter.tasks.send_outbox", "newsletter.tasks.drain"]


def test_the_tick_button_refuses_a_database_that_could_forget(boss: Client) -> None:
    edition = make_edition(date=timezone.now().date(), papers=[(make_paper(), [])])
    make_subscriber()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    assert "Nothing was done: PostgreSQL runs with synchronous_commit=off" in press(boss, edition, "tick")
    assert Delivery.objects.count() == 0


VERBS = ["approve", "pause", "resume", "hold", "freeze", "tick", "cancel"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_decision_takes_the_right_to_change_editions(verb: str) -> None:
    edition = make_edition(date=DAY, state="sending", papers=[(make_paper(), [])])
    looker = staff_with("view_edition")
    assert looker.post(f"{LIST}{edition.pk}/{verb}/").status_code == 403
    assert looker.post(f"{LIST}{edition.pk}/withdraw/{edition.entries.get().pk}/").status_code == 403
    edition.refresh_from_db()
    assert (edition.state, edition.paused_at, edition.revision, history()) == ("sending", None, 0, [])
    html = looker.get(page_of(edition)).content.decode()
    assert f"/{verb}/" not in html and "/withdraw/" not in html
    assert Client().post(f"{LIST}{edition.pk}/{verb}/").status_code == 302  # to the login


@pytest.mark.parametrize("verb", VERBS)
def test_looking_at_a_buttons_address_changes_nothing(boss: Client, verb: str) -> None:
    edition = make_edition(date=DAY, state="sending")
    assert boss.get(f"{LIST}{edition.pk}/{verb}/").status_code == (200 if verb == "cancel" else 405)
    edition.refresh_from_db()
    assert (edition.state, edition.paused_at, history()) == ("sending", None, [])
    assert boss.post(f"{LIST}999999/{verb}/").status_code == 404


def slot(edition: Edition, hour: int, *, zone: str = "UTC", states: tuple[str, ...] = ()) -> None:
    due = datetime(2026, 11, 20, hour, tzinfo=UTC)
    Slot.objects.create(
        edition=edition, timezone=zone, hour=hour, due_at=due, planned_at=due, planned=len(states)
    )
    for state in states:
        make_delivery(edition, make_subscriber(), state=state, due_at=due)


def test_the_page_says_what_came_due_when(boss: Client) -> None:
    edition = make_edition(date=DAY, state="sending")
    slot(edition, 7, states=("accepted", "accepted", "pending"))
    slot(edition, 7, zone="Africa/Abidjan")
    slot(edition, 9)
    make_delivery(edition, make_subscriber(), state="rejected", due_at=NOON)
    words = words_of(boss.get(page_of(edition)).content.decode())
    assert "What came due when: 3 moments" in words
    assert "Fri 20 Nov, 07:00 2 3 2 1 Fri 20 Nov, 09:00 1 0 0 0 Fri 20 Nov, 12:00 by hand 1 0 0" in words


def test_the_page_asks_no_more_queries_for_more_mails_moments_and_papers(boss: Client) -> None:
    edition = make_edition(date=DAY, papers=[(make_paper(), [])], state="sending")
    slot(edition, 7, states=("accepted",))
    url = page_of(edition)
    queries_of(boss, url)
    one = queries_of(boss, url)
    more = make_edition(
        date=DAY + timedelta(days=1), papers=[(make_paper(), []) for _ in range(3)], state="sending"
    )
    for hour in (8, 9, 10):
        slot(more, hour, states=("accepted", "pending"))
    assert queries_of(boss, page_of(more)) == one


def test_the_list_asks_no_more_queries_for_editions_that_are_kept(boss: Client) -> None:
    make_edition(date=DAY, state="sending", paused_at=NOON)
    queries_of(boss, LIST)
    one = queries_of(boss, LIST)
    make_edition(date=DAY + timedelta(days=1), state="held", released_at=None)
    make_edition(date=DAY + timedelta(days=2), state="held", frozen_at=None)
    assert queries_of(boss, LIST) == one
