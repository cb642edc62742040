"""When a reader wants mail: read from what people write, and changed so that nothing is owed backwards."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from newsletter import schedule, weekdays
from newsletter.delivery import pausing
from newsletter.models import Subscriber

FIELDS = ("timezone", "hour", "weekdays", "paused_until")


class BadTime(ValueError):
    """A zone, hour, day or date that cannot be; the message is a sentence for a person."""


def read(written: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a reader that these texts set; an empty text sets none.

    `written` has "timezone" (a name of the zone database), "hour" (0 to 23, or 07:00), "days" (see
    `weekdays.parse`) and "paused_until" (YYYY-MM-DD). Raises BadTime.
    """
    found: dict[str, Any] = {}
    try:
        if name := written.get("timezone"):
            found["timezone"] = schedule.canonical(name)
        if days := written.get("days"):
            found["weekdays"] = weekdays.parse(days)
    except ValueError as error:
        raise BadTime(str(error)) from error
    if hour := written.get("hour"):
        found["hour"] = _hour(hour)
    if day := written.get("paused_until"):
        found["paused_until"] = _date(day)
    return found


def change(subscriber_id: int, fields: Mapping[str, Any], *, now: datetime) -> bool:
    """Set some of FIELDS. What was due before `now`, by the new hour or days, is not owed, and a pause
    keeps back what was planned before it; return whether anything was changed."""
    assert set(fields) <= set(FIELDS)  # noqa: S101  a slip of ours, not of a person
    with transaction.atomic():
        reader = Subscriber.objects.select_for_update(no_key=True).filter(pk=subscriber_id).first()
        if reader is None or all(getattr(reader, name) == value for name, value in fields.items()):
            return False
        for name, value in {**fields, "active_from": now}.items():
            setattr(reader, name, value)
        reader.save(update_fields=[*fields, "active_from"])
        if "paused_until" in fields:
            pausing.skip_waiting(reader, now=now)
    return True


def _hour(text: str) -> int:
    digits = text.removesuffix(":00")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 2 and int(digits) <= 23):
        raise BadTime(f"hour is {text[:40]!a}; it can be 0 to 23")
    return int(digits)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadTime(f"paused_until is {text[:40]!a}; write a day such as 2026-12-24") from None
