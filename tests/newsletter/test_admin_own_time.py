"""A reader's own time in the admin: zone, hour, days and pause."""

from datetime import date

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from newsletter.models import Subscriber
from tests.desk import staff_with
from tests.factories import make_subscriber
from tests.pages import words_of

pytestmark = pytest.mark.django_db
READERS = "/admin/newsletter/subscriber/"
CHOICE = {"state": "active", "length": 10, "when_empty": "skip"}
FIELDS = ("timezone", "hour", "weekdays", "paused_until")


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def own_time() -> tuple[object, ...]:
    return Subscriber.objects.values_list(*FIELDS).get()


def test_a_new_reader_has_the_time_that_was_chosen(boss: Client) -> None:
    data = {"timezone": "europe/berlin", "hour": "7", "days": ["0", "4"], "paused_until": "2026-12-24"}
    boss.post(f"{READERS}add/", {"email": "a@example.org", **CHOICE, **data})
    assert own_time() == ("Europe/Berlin", 7, 17, date(2026, 12, 24))


def test_where_nothing_was_chosen_a_reader_gets_every_edition_once_it_is_out(boss: Client) -> None:
    boss.post(f"{READERS}add/", {"email": "a@example.org", **CHOICE})
    assert own_time() == ("UTC", None, 127, None)


def test_what_is_changed_counts_from_now_on(boss: Client) -> None:
    reader = make_subscriber(timezone="Asia/Tokyo", hour=7, weekdays=1)
    page = boss.get(f"{READERS}{reader.pk}/change/").content.decode()
    assert 'value="Asia/Tokyo"' in page and '<option value="7" selected>07:00</option>' in page
    before = timezone.now()
    boss.post(
        f"{READERS}{reader.pk}/change/",
        {**CHOICE, "timezone": "Asia/Tokyo", "hour": "", "days": [str(day) for day in range(5)]},
    )
    assert own_time() == ("Asia/Tokyo", None, 31, None)
    reader.refresh_from_db()
    assert reader.active_from is not None and reader.active_from >= before


def test_saving_a_page_that_was_not_changed_owes_what_it_did_before(boss: Client) -> None:
    reader = make_subscriber(timezone="Asia/Tokyo", hour=7, weekdays=127)
    data = {**CHOICE, "timezone": "Asia/Tokyo", "hour": "7", "days": [str(day) for day in range(7)]}
    boss.post(f"{READERS}{reader.pk}/change/", data)
    after = Subscriber.objects.get()
    assert (own_time(), after.active_from) == (("Asia/Tokyo", 7, 127, None), reader.active_from)


@pytest.mark.parametrize("name", ["Mars/Base", "Europe/Berlin/../Paris", "CEST"])
def test_a_zone_that_is_none_gets_one_sentence(boss: Client, name: str) -> None:
    reader = make_subscriber()
    response = boss.post(f"{READERS}{reader.pk}/change/", {**CHOICE, "timezone": name})
    assert response.context["adminform"].form.errors == {
        "timezone": [f"{name!r} is no time zone; write a name such as Europe/Berlin."]
    }
    assert own_time() == ("UTC", None, 127, None)


def test_the_list_and_the_page_of_who_may_only_look_say_it_in_words() -> None:
    reader = make_subscriber(timezone="Asia/Tokyo", hour=7, weekdays=31, paused_until=date(2026, 12, 24))
    make_subscriber(timezone="UTC", weekdays=8)
    looker = staff_with("view_subscriber")
    for url in (READERS, f"{READERS}{reader.pk}/change/"):
        words = words_of(looker.get(url).content.decode())
        assert "Mon-Fri at 07:00, Asia/Tokyo, paused until 2026-12-24" in words
    assert "weekly on Thursday as soon as it is out, UTC" in words_of(looker.get(READERS).content.decode())
