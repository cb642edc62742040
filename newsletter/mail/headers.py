"""The headers of a digest: those a window shares, those a mix shares, and those of one reader."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings

# What may stand in a `To` as it is: no space, no control, nothing that groups, quotes or separates.
_ADDRESS = re.compile(r"[!#-'*+\-./0-9=?@A-Z^-~]+", re.ASCII)


def site() -> str:
    return str(settings.SITE_URL).rstrip("/")


def host() -> str:
    return urlsplit(site()).hostname or "localhost"


def message_id(public_id: str) -> str:
    """The Message-ID of a delivery: made from its id, so that it is the same whenever it is asked for."""
    return f"<{public_id}@{host()}>"


def checked_address(email: str) -> str:
    """Return the address; raises ValueError where it cannot stand in a header."""
    if not _ADDRESS.fullmatch(email):
        raise ValueError(f"{email!r} is no plain ASCII address")
    return email


@lru_cache(maxsize=8)
def date_of(second: int) -> str:
    """A `Date` from seconds since 1970; a sender asks for the same one many times."""
    return format_datetime(datetime.fromtimestamp(second, UTC))


def shared_by_a_mix(subject: str, boundary: bytes) -> bytes:
    """The headers that every mail of a mix shares, encoded; each ends in CRLF."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    # A title that looks like an encoded word must not be read as one.
    charset = "us-ascii" if subject.isascii() and "=?" not in subject else "utf-8"
    lines = [
        f"From: {formataddr((name, address), 'utf-8')}",
        f"Subject: {Header(subject, charset, header_name='Subject').encode(linesep=chr(13) + chr(10))}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary.decode()}"',
    ]
    return as_lines(lines)


def encoded(headers: Mapping[str, str]) -> bytes:
    return as_lines([f"{name}: {value}" for name, value in headers.items()])


def as_lines(lines: list[str]) -> bytes:
    return "\r\n".join([*lines, ""]).encode("ascii")
