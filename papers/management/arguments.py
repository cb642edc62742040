"""Arguments of commands that are refused in one sentence."""

import re
from datetime import date

from django.core.management.base import CommandError


def day(option: str, text: str) -> date:
    """The day that an option names. Raises CommandError."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option} is {text!r}, but must be a day such as 2026-11-20.") from None
