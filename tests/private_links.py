"""Helpers of tests about what is stored of readers: links read in the mail, and a reader with a past."""

import json
import re
from datetime import date
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from newsletter import outbox
from newsletter.models import Event, Subscriber, WeightChange
from newsletter.tokens import link_token
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic


def desk(reader: Subscriber, page: str = "preferences") -> str:
    return f"/{page}/{link_token(page, reader.handle, reader.secret)}/"


def mailed(pattern: str, message: Any = None) -> str:
    """The path of the only such link in the latest mail, the same in its text and in its HTML."""
    message = message or mail.outbox[-1]
    found = [re.findall(rf"https?://[^/]+({pattern})", part) for part in (message.body, html_of(message))]
    assert found[0] == found[1] and len(found[0]) == 1
    path: str = found[0][0]
    return path


def html_of(message: Any) -> str:
    html: str = message.alternatives[0].content
    return html


def private_link(client: Client, reader: Subscriber) -> str:
    """Ask for it on the desk, and read it in the mail."""
    assert client.post(desk(reader), {"private": "1"})["Location"] == desk(reader) + "?mailed=1"
    assert outbox.send_pending(now=timezone.now()) == 1
    assert mail.outbox[-1].to == [reader.email]
    return mailed(r"/private/[\w-]{43}/")


def a_reader_with_a_past(**fields: Any) -> Subscriber:
    """Somebody of whom every table has something."""
    agents, paper = make_topic(slug="agents", name="Agents"), make_paper(title="Why")
    reader = make_subscriber(email="ada@example.org", topics={agents: "more"}, **fields)
    edition = make_edition(date=date(2026, 11, 20), papers=[(paper, [agents])], state="sending")
    row = make_delivery(edition, reader, state="accepted", message_id="<1@papers>")
    Event.objects.create(event_id="e1", event_type="delivered", delivery=row)
    WeightChange.objects.create(
        subscriber=reader, topic=agents, paper=paper, before="normal", after="more", changed_at=timezone.now()
    )
    LogEntry.objects.create(
        user=User.objects.create_user("editor"),
        content_type=ContentType.objects.get_for_model(Subscriber),
        object_id=str(reader.pk),
        object_repr=str(reader),
        action_flag=CHANGE,
        change_message=json.dumps([{"changed": {"fields": ["hour"]}}]),
    )
    return reader


def names(reader_email: str) -> list[str]:
    """Every table and column of text in the database that holds this address."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying', 'jsonb')"
        )
        found = []
        for table, column in cursor.fetchall():
            cursor.execute(
                f'SELECT 1 FROM "{table}" WHERE "{column}"::text ILIKE %s LIMIT 1', [f"%{reader_email}%"]
            )
            if cursor.fetchone():
                found.append(f"{table}.{column}")
        return found
