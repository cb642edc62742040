"""The preferences: time, days, breaks, language; and that nobody who left is changed by them."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter import staying
from newsletter.delivery.planning import plan
from newsletter.mixes import mix_for
from newsletter.models import Subscriber, WeightChange
from newsletter.tokens import link_token
from papers.models import Topic
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.pages import faults_of, words_of

pytestmark = pytest.mark.django_db

SAVE = {"length": "10", "when_empty": "skip"}
TIMES = ("timezone", "hour", "weekdays", "paused_until")


def desk(reader: Subscriber) -> str:
    return f"/preferences/{link_token('preferences', reader.handle, reader.secret)}/"


def times_of(reader: Subscriber) -> tuple[Any, ...]:
    reader.refresh_from_db()
    return tuple(getattr(reader, name) for name in TIMES)


@pytest.mark.parametrize(
    ("answers", "times"),
    [
        ({}, ("Europe/Berlin", 7, 127, None)),
        ({"hour": "early"}, ("Europe/Berlin", None, 127, None)),
        ({"hour": "0", "timezone": "asia/tokyo"}, ("Asia/Tokyo", 0, 127, None)),
        ({"rhythm": "working"}, ("Europe/Berlin", 7, 31, None)),
        ({"rhythm": "weekly", "weekly_on": "6", "days": ["0", "1"]}, ("Europe/Berlin", 7, 64, None)),
        ({"rhythm": "weekly"}, ("Europe/Berlin", 7, 16, None)),
        ({"rhythm": "some", "days": ["0", "2", "2"], "weekly_on": "6"}, ("Europe/Berlin", 7, 5, None)),
        ({"rhythm": "every", "days": ["0"]}, ("Europe/Berlin", 7, 127, None)),
    ],
)
def test_time_is_changed_as_far_as_it_is_sent(
    client: Client, answers: dict[str, Any], times: tuple[Any, ...]
) -> None:
    reader = make_subscriber(timezone="Europe/Berlin", hour=7)
    page = client.post(desk(reader), SAVE | answers)
    assert (page.status_code, page["Location"]) == (302, desk(reader) + "?saved=1")
    assert times_of(reader) == times


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"hour": "24"}, "Choose one of the given answers."),
        ({"hour": "-1"}, "Choose one of the given answers."),
        ({"timezone": "Europe/Atlantis"}, "We do not know this time zone."),
        ({"timezone": "../../etc/passwd"}, "We do not know this time zone."),
        ({"rhythm": "hourly"}, "Choose one of the given answers."),
        ({"rhythm": "weekly", "weekly_on": "7"}, "Choose one of the given answers."),
        ({"rhythm": "some"}, "Choose at least one day with mail, or take a break below."),
        ({"rhythm": "some", "days": ["9"]}, "Choose one of the given answers."),
        ({"language": "tlh"}, "Choose one of the given answers."),
        ({"pause": "3"}, "Choose one of the given answers."),
        ({"pause": "until"}, "Choose a day within the next twelve months, from tomorrow on."),
        ({"pause": "until", "until": "2020-01-01"}, "Choose a day within the next twelve months"),
        ({"pause": "until", "until": "9999-12-31"}, "Choose a day within the next twelve months"),
        ({"pause": "until", "until": "soon\0"}, "Write the day as 2026-12-24, please."),
    ],
)
def test_times_that_cannot_be_change_nothing_and_say_why(
    client: Client, answers: dict[str, Any], sentence: str
) -> None:
    reader = make_subscriber(timezone="Europe/Berlin", hour=7)
    before = Subscriber.objects.values().get(pk=reader.pk)
    page = client.post(desk(reader), SAVE | answers)
    html = page.content.decode()
    assert (page.status_code, faults_of(html)) == (400, [])
    assert sentence in words_of(html)
    assert Subscriber.objects.values().get(pk=reader.pk) == before


@pytest.mark.parametrize(
    ("weekdays", "ticked"),
    [(127, "every"), (31, "working"), (4, "weekly"), (96, "some")],
)
def test_the_page_shows_what_is_in_force(client: Client, weekdays: int, ticked: str) -> None:
    reader = make_subscriber(timezone="US/Eastern", hour=9, weekdays=weekdays)
    html = client.get(desk(reader)).content.decode()
    assert faults_of(html) == []
    assert f'name="rhythm" value="{ticked}" checked' in html
    days = [number for number in range(7) if weekdays >> number & 1]
    assert re.findall(r'name="days" value="(\d)" checked', html) == [str(day) for day in days]
    # An old name that no list offers is offered to whom it belongs.
    chosen = re.findall(r"<option[^>]* selected>([^<]+)", html)
    assert chosen[1:] == ["09:00", "US/Eastern"]


@pytest.mark.parametrize(
    ("now", "day"),
    [  # in Kiritimati, 14 hours ahead: 06:59, and 07:01
        (datetime(2026, 11, 19, 16, 59, tzinfo=UTC), "Friday 20 November 2026"),
        (datetime(2026, 11, 19, 17, 1, tzinfo=UTC), "Saturday 21 November 2026"),
    ],
)
def test_who_chose_an_hour_is_told_when_the_next_mail_can_come(
    client: Client, monkeypatch: pytest.MonkeyPatch, now: datetime, day: str
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)
    reader = make_subscriber(timezone="Pacific/Kiritimati", hour=7)
    sentence = f"The next one comes on {day} at 07:00 at the earliest."
    assert sentence in words_of(client.get(desk(reader)).content.decode())
    for fields in ({"hour": None}, {"hour": 7, "paused_until": date(2026, 11, 30)}):
        Subscriber.objects.update(**fields)
        assert "The next one comes" not in words_of(client.get(desk(reader)).content.decode())


def test_the_language_of_the_mail_is_part_of_the_choice(client: Client) -> None:
    reader = make_subscriber(topics={make_topic(slug="agents"): "more"})
    client.post(desk(reader), SAVE | {"topic-agents": "more", "language": "de"})
    reader.refresh_from_db()
    assert (reader.mix.language, dict(reader.mix.choices.values_list("topic__slug", "weight"))) == (
        "de",
        {"agents": "more"},
    )
    client.post(desk(reader), SAVE | {"topic-agents": "more"})
    reader.refresh_from_db()
    assert reader.mix.language == "de"


@pytest.mark.parametrize("weeks", [1, 2, 4])
def test_a_break_of_some_weeks_counts_from_the_readers_own_day(
    client: Client, monkeypatch: pytest.MonkeyPatch, weeks: int
) -> None:
    # 14 hours ahead: there it is tomorrow while it is today nearly everywhere.
    monkeypatch.setattr(timezone, "now", lambda: at(20, 12))
    reader = make_subscriber(timezone="Pacific/Kiritimati")
    page = client.post(desk(reader), {"pause": str(weeks)})
    assert page["Location"] == desk(reader) + "?paused=1"
    assert times_of(reader)[3] == date(2026, 11, 21) + timedelta(weeks=weeks)
    html = client.get(page["Location"]).content.decode()
    assert "Your break has begun." in words_of(html) and 'name="resume"' in html
    assert client.post(desk(reader), {"resume": "1"})["Location"] == desk(reader) + "?resumed=1"
    assert times_of(reader)[3] is None


def test_a_break_lasts_until_a_day_and_is_over_on_it(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: at(20, 23, 59))
    reader = make_subscriber(timezone="UTC")
    client.post(desk(reader), {"pause": "until", "until": "2026-11-21"})
    assert times_of(reader)[3] == date(2026, 11, 21)
    html = client.get(desk(reader)).content.decode()
    assert ("You are on a break until" in words_of(html), 'name="resume"' in html) == (True, True)
    monkeypatch.setattr(timezone, "now", lambda: at(21, 0))
    html = client.get(desk(reader)).content.decode()
    assert ("You are on a break until" in words_of(html), 'name="resume"' in html) == (False, False)


def test_looking_changes_nothing_whatever_the_address_says(client: Client) -> None:
    reader = make_subscriber()
    before = Subscriber.objects.values().get()
    for query in ("", "?pause=4", "?saved=1", "?resume=1&private=1", "?back=1"):
        assert client.get(desk(reader) + query).status_code == 200
        assert client.head(desk(reader) + query).status_code == 200
    assert Subscriber.objects.values().get() == before
    assert reader.outbox.count() == 0


@pytest.mark.parametrize("state", ["unsubscribed", "suppressed", "pending"])
def test_no_verb_changes_who_is_no_reader(state: str) -> None:
    reader = make_subscriber(state=state)
    before = Subscriber.objects.values().get()
    now = timezone.now()
    assert not staying.change_preferences(reader.pk, mix_for({}, length=5), when={"hour": 3}, now=now)
    assert not staying.pause(reader.pk, until=date(2030, 1, 1), now=now)
    assert Subscriber.objects.values().get() == before


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "when", "after", "planned"),
    [
        # Had it at 7: no second one at 9.
        (7, at(20, 8), 9, [(date(2026, 11, 20), at(20, 7))]),
        # Would have had it at 9, and wants 7 from 8 on: not backwards, but with the next.
        (9, at(20, 8), 7, []),
        (9, at(20, 8), 10, [(date(2026, 11, 20), at(20, 10))]),
        (9, at(20, 8), None, []),
        (None, at(20, 8), 9, [(date(2026, 11, 20), at(20, 0, 30))]),
    ],
)
def test_another_hour_brings_no_mail_twice_and_owes_none_backwards(
    before: int | None, when: datetime, after: int | None, planned: list[Any]
) -> None:
    edition = make_edition(
        date=date(2026, 11, 20), papers=[(make_paper(), [])], frozen_at=at(20, 0, 30), state="sending"
    )
    reader = make_subscriber(timezone="UTC", hour=before, now=at(19, 12))
    for minute in range(0, 24 * 60, 30):
        now = at(20, 0, 30) + timedelta(minutes=minute)
        if now == when:
            assert staying.change_preferences(reader.pk, reader.mix, when={"hour": after}, now=now)
        plan(edition, now=now)
    assert list(reader.deliveries.values_list("edition__date", "due_at")) == planned


def test_saving_without_a_change_takes_away_nothing_that_is_due() -> None:
    reader = make_subscriber(timezone="UTC", hour=9)
    before = reader.active_from
    same = {"timezone": "UTC", "hour": 9, "weekdays": 127}
    assert staying.change_preferences(reader.pk, reader.mix, when=same, now=timezone.now())
    reader.refresh_from_db()
    assert reader.active_from == before


def test_the_page_takes_as_many_queries_for_many_topics_and_changes_as_for_few(client: Client) -> None:
    Topic.objects.all().delete()
    counts = []
    for number in (1, 12):
        topics = [make_topic() for _ in range(number)]
        reader = make_subscriber(topics=dict.fromkeys(topics, "normal"))
        for topic in topics:
            WeightChange.objects.create(
                subscriber=reader, topic=topic, paper=make_paper(), before="normal", after="more",
                changed_at=timezone.now(),
            )  # fmt: skip
        with CaptureQueriesContext(
            connection,
        ) as queries:
            html = client.get(desk(reader)).content.decode()
        assert (faults_of(html), "Lately, by the links in your mails" in html) == ([], True)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8


def test_the_page_stays_light_with_all_zones(client: Client) -> None:
    for _ in range(40):
        make_topic()
    assert len(client.get(desk(make_subscriber())).content) < 60_000
