"""The desk's preview shows the window that a reader's mail would have."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from newsletter.mixes import mix_for
from newsletter.models import Edition
from newsletter.shelf import window
from papers.models import Topic
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic
from tests.pages import headings_of

pytestmark = pytest.mark.django_db


def editions_of_a_week(topic: Topic) -> list[Edition]:
    days = [date(2026, 11, number) for number in range(14, 21)]
    return [make_edition(date=day, papers=[(make_paper(title=f"{day:%a}"), [topic])]) for day in days]


def test_the_preview_covers_as_many_editions_as_the_readers_mail(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    topic = make_topic(name="Agents")
    editions = editions_of_a_week(topic)
    daily, weekly, planned, covered = (
        make_subscriber(topics={topic: "normal"}, weekdays=days) for days in (127, 16, 127, 127)
    )
    make_delivery(editions[-1], planned, first_on=editions[-3].date)
    make_delivery(editions[2], covered)
    make_delivery(editions[4], covered, covers=False, state="expired")
    queries = {
        f"subscriber={daily.pk}": 1,
        f"subscriber={weekly.pk}": 7,
        f"subscriber={planned.pk}": 3,
        f"subscriber={covered.pk}": 4,
        f"subscriber={weekly.pk}&editions=2": 2,
        f"mix={daily.mix_id}": 1,
        f"mix={daily.mix_id}&editions=7": 7,
    }
    url = f"/admin/newsletter/edition/{editions[-1].pk}/preview/"
    for query, count in queries.items():
        page, frame = (client.get(f"{url}{part}?{query}").content.decode() for part in ("", "html/"))
        shown = [name for name in headings_of(frame) if len(name) == 3]
        assert sorted(shown) == sorted(f"{one.date:%a}" for one in editions[-count:])
        assert (f", over {count} editions." in page) == (count > 1)
    for wrong in ("0", "9", "-1", "x"):
        assert client.get(f"{url}?mix={daily.mix_id}&editions={wrong}").status_code == 404
    # The frame on the page shows the same window as the page.
    page = client.get(f"{url}?subscriber={weekly.pk}").content.decode()
    assert f"html/?subscriber={weekly.pk}&amp;editions=7" in page


def test_a_mail_of_the_eight_editions_of_a_week_in_which_the_clocks_go_back_is_shown_whole(
    client: Client,
) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    topic = make_topic(name="Agents")
    days = [date(2026, 10, 25) + timedelta(days=n) for n in range(8)]
    editions = [make_edition(date=day, papers=[(make_paper(), [topic])]) for day in days]
    reader = make_subscriber(topics={topic: "normal"}, weekdays=64)
    make_delivery(editions[-1], reader, first_on=days[0])
    assert window(days[0], days[-1]) == editions
    url = f"/admin/newsletter/edition/{editions[-1].pk}/preview/"
    page = client.get(f"{url}?subscriber={reader.pk}").content.decode()
    assert ", over 8 editions." in page
    assert f"html/?subscriber={reader.pk}&amp;editions=8" in page
    frame = client.get(f"{url}html/?subscriber={reader.pk}&editions=8")
    assert frame.status_code == 200


def test_mixes_that_differ_by_language_alone_can_be_told_apart_and_are_shown_in_it(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    topic = make_topic(name="Agents")
    edition = editions_of_a_week(topic)[-1]
    mixes = [mix_for({topic: "normal"}, language=language) for language in ("en", "de")]
    url = f"/admin/newsletter/edition/{edition.pk}/preview/"
    page = client.get(url).content.decode()
    assert [f"Agents · 10 papers{said}<" in page for said in ("", ", in Deutsch")] == [True, True]
    for mix in mixes:
        assert f'<html lang="{mix.language}">' in client.get(f"{url}html/?mix={mix.pk}").content.decode()
