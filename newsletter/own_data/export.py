"""Everything that is stored of a reader, as one JSON document. The columns are read off the models, so that
a new one is in it without a word here."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

from newsletter.models import Delivery, Event, OutboxMail, Subscriber, Suppression, TopicMix, WeightChange
from newsletter.suppression import address_hashes

# Keys of ours, and what opens a reader's links: nothing about the reader.
LEFT_OUT = {
    Subscriber: {"id", "secret", "mix"},
    OutboxMail: {"id", "subscriber", "token_hash", "mix"},
    Delivery: {"id", "subscriber", "token", "lease_until", "edition", "mix"},
    Event: {"id", "delivery"},
    WeightChange: {"id", "subscriber", "topic", "paper"},
    Suppression: {"id", "address_hash"},
}

# Of a mail to an inbox that is not the reader's: it would tell whether we write to that address at all.
WHAT_BECAME_OF_IT = {"state", "reason", "attempts", "next_at", "handed_over_at", "sent_at"}


def everything(reader: Subscriber, *, now: datetime) -> dict[str, Any]:
    """The document: values are text, numbers, dates, None, and lists and dicts of these (docs/readers.md)."""
    choices = _Choices()
    return {
        "newsletter": settings.NEWSLETTER_NAME,
        "site": settings.SITE_URL,
        "exported_at": now,
        "reader": _columns(reader) | {"choice": choices.of(reader.mix_id)},
        "mails_asked_for": [
            _asked_for(mail, reader) | {"choice": choices.of(mail.mix_id)}
            for mail in reader.outbox.order_by("pk")
        ],
        "deliveries": [
            _columns(row)
            | {"choice": choices.of(row.mix_id), "events": [_columns(e) for e in row.events.all()]}
            for row in reader.deliveries.order_by("pk").prefetch_related("events")
        ],
        "weight_changes": [
            _columns(change) | {"topic": change.topic.name, "paper": change.paper.title}
            for change in reader.weight_changes.select_related("topic", "paper")
        ],
        "kept_from_mail": [
            _columns(row)
            for row in Suppression.objects.filter(address_hash__in=address_hashes(reader.email_key))
        ],
        "changes_by_editors": [
            {"at": entry.action_time, "what": entry.get_change_message()} for entry in log_of(reader)
        ],
    }


def log_of(reader: Subscriber) -> QuerySet[LogEntry]:
    """What the admin's log says about this reader."""
    kind = ContentType.objects.get_for_model(Subscriber)
    return LogEntry.objects.filter(content_type=kind, object_id=str(reader.pk)).order_by("action_time")


def _asked_for(mail: OutboxMail, reader: Subscriber) -> dict[str, Any]:
    row = _columns(mail)
    if mail.kind != OutboxMail.Kind.MOVE or mail.to_key == reader.email_key:
        return row
    return {name: value for name, value in row.items() if name not in WHAT_BECAME_OF_IT}


def _columns(row: Model) -> dict[str, Any]:
    without: Collection[str] = LEFT_OUT[type(row)]
    columns = [field for field in row._meta.concrete_fields if field.name not in without]
    return {field.name: field.value_from_object(row) for field in columns}


class _Choices:
    """Choices by mix, each read once: a year of mails mostly has one."""

    def __init__(self) -> None:
        self._found: dict[int, dict[str, Any]] = {}

    def of(self, mix_id: int | None) -> dict[str, Any] | None:
        if mix_id is None:
            return None
        if mix_id not in self._found:
            mix = TopicMix.objects.get(pk=mix_id)
            topics = mix.choices.order_by("topic").values_list("topic__name", "weight")
            self._found[mix_id] = {
                "topics": dict(topics),
                "length": mix.length,
                "language": mix.language,
                "when_empty": mix.when_empty,
            }
        return self._found[mix_id]
