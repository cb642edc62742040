"""The links beside a paper against a second press and against leaving, on two connections."""

import threading
from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection, transaction
from django.utils import timezone

from newsletter import staying, tasting
from newsletter.models import Subscriber, WeightChange
from newsletter.tasting import Direction
from papers.models import Paper, Topic
from tests.factories import make_edition, make_paper, make_subscriber, make_topic

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def agents() -> Topic:
    return make_topic(slug="agents")


@pytest.fixture
def paper(agents: Topic) -> Paper:
    made = make_paper()
    make_edition(date=date(2026, 11, 20), papers=[(made, [agents])])
    return made


def press_while(
    meanwhile: Callable[[], object], reader: Subscriber, paper: Paper, topic: Topic
) -> list[object]:
    """What a press of "more" came to that waited for the lock under which `meanwhile` happened."""
    came_to: list[object] = []

    def press() -> None:
        now = timezone.now()
        came_to.append(tasting.move(reader.pk, paper, topic, Direction.MORE, before="normal", now=now))
        connection.close()

    thread = threading.Thread(target=press)
    with transaction.atomic():
        Subscriber.objects.select_for_update(no_key=True).get(pk=reader.pk)
        thread.start()
        with connection.cursor() as cursor:
            waiting = 0
            while thread.is_alive() and not waiting:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                (waiting,) = cursor.fetchone()
        meanwhile()
    thread.join()
    reader.refresh_from_db()
    return came_to


def test_two_presses_at_once_are_one_step(paper: Paper, agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal", make_topic(): "normal"})
    first: list[object] = []
    second = press_while(
        lambda: first.append(
            tasting.move(reader.pk, paper, agents, Direction.MORE, before="normal", now=timezone.now())
        ),
        reader,
        paper,
        agents,
    )
    assert first == second == [WeightChange.objects.get()]
    assert reader.mix.choices.get(topic=agents).weight == "more"


def test_who_leaves_meanwhile_has_left_and_nothing_moved(paper: Paper, agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    pressed = press_while(lambda: staying.unsubscribe(reader.pk, now=timezone.now()), reader, paper, agents)
    assert (pressed, reader.state) == ([None], "unsubscribed")
    assert reader.mix.choices.get(topic=agents).weight == "normal"
    assert WeightChange.objects.count() == 0
