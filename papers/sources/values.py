"""Checks and cleans the single values that sources give, before they become part of a record.

A value of the wrong kind raises `FieldError` (the record is rejected and says why); a value that is merely
useless to us (a link that is no web link) becomes None. Limits are stated here and in docs/importing.md.
"""

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

TITLE_LIMIT = 1_000  # characters; a longer title is rejected, not cut: its key would change
ABSTRACT_LIMIT = 20_000
NAME_LIMIT = 200
AUTHORS_LIMIT = 10_000  # names kept; `author_count` still tells all of them
KEYWORDS_LIMIT = 100
LINK_LIMIT = 500
COUNT_LIMIT = 100_000_000
EARLIEST_YEAR = 1900

# Never visible, able to reorder or break text, or not storable (NUL, lone surrogates, bidi marks, zero
# widths).
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_ARXIV_ID = re.compile(
    r"(?:(?:https?://)?(?:export\.|www\.)?arxiv\.org/(?:abs|pdf)/|oai:arxiv\.org:|arxiv:)?"
    r"(?P<id>\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}|(?P<archive>[a-z]+(?:-[a-z]+)?)(?:\.[a-z]{2})?/(?P<number>\d{7}))"
    r"(?:v(?P<version>[1-9]\d{0,2}))?(?:\.pdf)?",
    re.IGNORECASE | re.ASCII,
)
_KINDS = {
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


class FieldError(ValueError):
    """A field holds what it cannot hold; the message names the field and is shown to a person."""


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    return "nothing" if value is None else _KINDS.get(type(value), type(value).__name__)


def clean(value: str) -> str:
    """One line of storable text: no control or direction characters, single spaces, composed accents."""
    return " ".join(unicodedata.normalize("NFC", _UNWANTED.sub("", value)).split())


def excerpt(value: Any, limit: int = 160) -> str:
    """The beginning of a rejected record, fit for a log line."""
    raw = value[: limit * 4] if isinstance(value, str) else _shallow(value)
    text = clean(raw)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _shallow(value: Any) -> str:
    # Not repr of the whole: a rejected record may be nested deeply or be megabytes long.
    if isinstance(value, dict):
        pairs = [f"{k}: {_shallow(v) if isinstance(v, dict) else str(v)[:120]}" for k, v in _few(value)]
        return ", ".join(pairs)[:800]
    return kind(value) if isinstance(value, list) else str(value)[:800]


def _few(value: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (str(k)[:40], v if not isinstance(v, list | dict) else kind(v)) for k, v in list(value.items())[:6]
    ]


def text(value: Any, name: str, limit: int = ABSTRACT_LIMIT) -> str | None:
    """Cleaned text, shortened at a sentence or word end; None for nothing or blank text."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise FieldError(f"{name} is {kind(value)}, not text")
    return shorten(clean(value), limit) or None


def shorten(value: str, limit: int) -> str:
    """`value`, or its beginning up to the last sentence end (else word end) before `limit`, and an
    ellipsis."""
    if len(value) <= limit:
        return value
    head = value[: limit - 2]
    for mark in (". ", " "):
        cut = head.rfind(mark)
        if cut > limit * 0.8:
            return head[: cut + 1].rstrip() + " …"
    return head + "…"


def title(value: Any, name: str = "title") -> str:
    """The cleaned title. Raises FieldError where it is missing, blank or too long."""
    if value is None:
        raise FieldError(f"{name} is missing")
    if not isinstance(value, str):
        raise FieldError(f"{name} is {kind(value)}, not text")
    cleaned = clean(value)
    if not cleaned:
        raise FieldError(f"{name} is blank")
    if len(cleaned) > TITLE_LIMIT:
        raise FieldError(f"{name} has {len(cleaned):,} characters, more than {TITLE_LIMIT:,}")
    return cleaned


def count(value: Any, name: str) -> int | None:
    """A whole number from 0 to COUNT_LIMIT; None for nothing."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise FieldError(f"{name} is {kind(value)}, not a whole number")
    if not 0 <= value <= COUNT_LIMIT:
        raise FieldError(
            f"{name} is {excerpt(str(value) if abs(value) < 10**30 else 'huge', 40)}: no possible count"
        )
    return value


def link(value: Any, name: str) -> str | None:
    """An http(s) link. Anything else that is text, as javascript: or a bare word, is dropped: None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise FieldError(f"{name} is {kind(value)}, not text")
    candidate = value.strip()
    if len(candidate) > LINK_LIMIT or candidate != clean(candidate) or re.search(r"[\s<>\"'`\\]", candidate):
        return None
    try:
        parts = urlsplit(candidate)
        usable = (
            parts.scheme.lower() in ("http", "https") and "." in (parts.hostname or "") and not parts.username
        )
    except ValueError:
        return None
    return candidate if usable else None


def moment(value: Any, name: str) -> datetime | None:
    """An ISO time as aware UTC (without a zone it is taken as UTC); None for nothing."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise FieldError(f"{name} is {kind(value)}, not a time")
    try:
        parsed = datetime.fromisoformat(value.strip())
        parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FieldError(f"{name} is {excerpt(value, 40)!r}, not a time") from None
    if parsed.year < EARLIEST_YEAR:
        raise FieldError(f"{name} lies in the year {parsed.year}")
    return parsed


def day(value: Any, name: str) -> date | None:
    """The UTC date of an ISO date or time; None for nothing."""
    parsed = moment(value, name)
    return parsed.date() if parsed else None


def names(value: Any, name: str, limit: int = AUTHORS_LIMIT) -> tuple[str, ...] | None:
    """A list of texts, blanks left out; None for nothing or an empty list."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise FieldError(f"{name} is {kind(value)}, not a list")
    kept = (text(entry, f"{name}[{index}]", NAME_LIMIT) for index, entry in enumerate(value))
    return tuple(entry for entry in kept if entry)[:limit] or None


def mapping(value: Any, name: str) -> dict[str, Any]:
    """A JSON object; {} for nothing."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FieldError(f"{name} is {kind(value)}, not an object")
    return value


def arxiv_id(value: Any, name: str) -> tuple[str, int | None]:
    """(id without version, version or None) as arXiv writes it: ("2604.13074", 2), ("math/0309136", None).

    Takes the bare id, "arXiv:", "oai:arXiv.org:" and abs or pdf links. The old subject class
    ("math.GT/0309136") is left out, as arXiv does.
    """
    if value is None:
        raise FieldError(f"{name} is missing")
    if not isinstance(value, str):
        raise FieldError(f"{name} is {kind(value)}, not text")
    found = _ARXIV_ID.fullmatch(value.strip()) if len(value) < 200 else None
    if not found:
        raise FieldError(f"{name} {excerpt(value, 60)!r} is no arXiv id")
    version = int(found["version"]) if found["version"] else None
    if found["archive"]:
        return f"{found['archive'].lower()}/{found['number']}", version
    return found["id"], version
