"""What a run begins with: an edition of today, and readers. Called in processes of their own."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.test import Client
from django.utils import timezone

from newsletter.mixes import mix_for
from newsletter.models import Edition, Subscriber
from newsletter.tokens import link_token
from papers.models import Topic
from tests.factories import make_edition, make_paper, make_topic

TOPICS = 3
PAPERS = 9


def prepare() -> None:
    """Topics, and an edition of today that is frozen but was not sent to anybody."""
    Topic.objects.all().delete()
    topics = [make_topic(slug=f"crash-{number}") for number in range(TOPICS)]
    papers = [(make_paper(), [topics[number % TOPICS]]) for number in range(PAPERS)]
    make_edition(date=datetime.now(UTC).date(), papers=papers, number=1)


def add_readers(first: str, count: str) -> None:
    """Active readers reader<first>@example.org and on, who are owed every edition of the last day."""
    now = timezone.now()
    mixes = [mix_for({topic: "normal"}) for topic in Topic.objects.order_by("slug")]
    numbers = range(int(first), int(first) + int(count))
    Subscriber.objects.bulk_create(
        [
            Subscriber(
                email=f"reader{number}@example.org",
                email_key=f"reader{number}@example.org",
                state=Subscriber.State.ACTIVE,
                mix=mixes[number % len(mixes)],
                confirmed_at=now - timedelta(days=1),
                active_from=now - timedelta(days=1),
            )
            for number in numbers
        ],
        batch_size=1000,
    )


def keep_back() -> None:
    """Nobody is to send the edition yet, whoever ticks."""
    Edition.objects.filter(number=1).update(state=Edition.State.CANCELLED)


def release() -> None:
    """The edition is due from now on."""
    now = timezone.now()
    Edition.objects.filter(number=1).update(state=Edition.State.FROZEN, frozen_at=now, released_at=now)


def leave(first: str, count: str, log: str) -> None:
    """The readers from `first` on press the one-click button, one after the other.

    Writes one line of JSON each to `log`: the reader, and when the page had answered (seconds since 1970).
    """
    client = Client(enforce_csrf_checks=True, SERVER_NAME="127.0.0.1")
    names = [f"reader{number}@example.org" for number in range(int(first), int(first) + int(count))]
    readers = {reader.email: reader for reader in Subscriber.objects.filter(email__in=names)}
    with Path(log).open("a", buffering=1) as file:
        for name in names:
            token = link_token("unsubscribe", readers[name].handle, readers[name].secret)
            answer = client.post(f"/unsubscribe/{token}/", {"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200, answer.status_code
            file.write(json.dumps([name, time.time()]) + "\n")
