"""Pure: days of the week as words and as one number, in which Monday counts 1, Tuesday 2, up to Sunday 64."""

import re

NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONG = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERY_DAY = 0b1111111  # Monday is the lowest bit
_WORDS = {"daily": EVERY_DAY, "every day": EVERY_DAY, "weekdays": 0b0011111, "weekend": 0b1100000}


class BadDays(ValueError):
    """No days can be read; the message is a sentence for a person."""


def parse(text: str) -> int:
    """Read "Mon-Fri", "Sat Sun", "monday|thursday" or "daily". Raises BadDays."""
    words = " ".join(re.split(r"[\s,;|+]+", text.strip().lower()))
    if words in _WORDS:
        return _WORDS[words]
    found = 0
    for part in re.sub(r"\s*[-–]\s*", "-", words).split():
        first, dash, last = part.partition("-")
        start = _number(first, text)
        end = _number(last, text) if dash else start
        for step in range((end - start) % 7 + 1):
            found |= 1 << (start + step) % 7
    if not found:
        raise BadDays(_sentence(text))
    return found


def in_words(days: int) -> str:
    """ "every day", "Mon-Fri", "weekly on Thursday" or "Mon Wed Fri"."""
    chosen = numbers(days)
    if days == EVERY_DAY:
        return "every day"
    if len(chosen) == 1:
        return f"weekly on {LONG[chosen[0]]}"
    if len(chosen) > 2 and chosen[-1] - chosen[0] == len(chosen) - 1:
        return f"{NAMES[chosen[0]]}-{NAMES[chosen[-1]]}"
    return " ".join(NAMES[number] for number in chosen)


def numbers(days: int) -> list[int]:
    """The chosen days, Monday being 0."""
    return [number for number in range(7) if days >> number & 1]


def _number(word: str, text: str) -> int:
    for number, name in enumerate(LONG):
        if len(word) >= 3 and name.lower().startswith(word):
            return number
    raise BadDays(_sentence(text))


def _sentence(text: str) -> str:
    shown = text if len(text) <= 40 else f"{text[:39]}..."
    return f"days is {shown!a}; write for example daily, Mon-Fri, or Sat"
