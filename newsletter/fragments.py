"""Pieces of mail that are rendered and transfer-encoded once and put together many times. Pure.

A template is rendered once with marks where mails differ. What differs by mix is cut out at its marks; what
differs by reader stays in the pieces as holes. Every piece is encoded as
quoted-printable on its own and ends where a line ends (a soft break hides the end in the decoded text), so
pieces can be joined in any order.
"""

import re
import secrets
from binascii import b2a_qp
from collections.abc import Iterable
from dataclasses import dataclass

# Random for each process, so that no paper's text can hold a mark.
_MARK = f"hole{secrets.token_hex(8)}"
_HOLE = re.compile(rf"{_MARK}([a-z]+)0")
_SOFT_BREAK = b"=\r\n"
_LONGEST_LINE = 76
_FIRST_DOTS = re.compile(rb"^\.+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of one part: its text with its marks, and the same encoded for the wire.

    On the wire bytes and names of holes take turns: a run of bytes, and which hole is behind it (b"": none).
    So the runs of many pieces in a row take turns too, and to fill them is to replace every second one.
    """

    text: str
    runs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Hole:
    """A place that is filled later, by name."""

    name: str


Piece = Fragment | Hole


def mark(name: str) -> str:
    """Return what to render where the hole `name` (a-z only) shall be."""
    return f"{_MARK}{name}0"


def fragment(text: str) -> Fragment:
    """Encode a piece of text. Every way to end a line becomes \\n: a lone \\r may not go over the wire.

    No line of the wire begins with a dot: SMTP would have to double it in each mail.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _MARK not in text:
        return Fragment(text, (_encoded(text), b""))
    parts = split_text(text)
    runs = [part.encode() if number % 2 else _encoded(part) for number, part in enumerate(parts)]
    return Fragment(text, (*runs, b""))


def _encoded(text: str) -> bytes:
    wire = b2a_qp(text.encode(), istext=True).replace(b"\n", b"\r\n")
    if wire and not wire.endswith(b"\r\n"):
        wire += _SOFT_BREAK
    wire = b"".join(_fitting(line) for line in wire.splitlines(keepends=True))
    return _FIRST_DOTS.sub(lambda dots: b"=2E=\r\n" * len(dots[0]), wire)


def _fitting(line: bytes) -> bytes:
    """Move the last character of a line that is too long to the next one.

    The encoder leaves no room where it encodes the space at a line's end, nor for our soft break.
    """
    if len(line) <= _LONGEST_LINE + 2:
        return line
    body = line[:-2].removesuffix(b"=")
    last = 3 if body[-3:-2] == b"=" else 1
    return body[:-last] + _SOFT_BREAK + body[-last:] + line[len(body) :]


def plain(text: str) -> Fragment:
    """A short piece of [A-Za-z0-9_.-] only, at most 70 characters: needs no encoding, so costs nothing."""
    return Fragment(text, (plain_wire(text), b""))


def plain_wire(text: str) -> bytes:
    """Such a piece as it goes over the wire."""
    return text.encode("ascii") + _SOFT_BREAK


def cut(rendered: str, names: Iterable[str]) -> list[Piece]:
    """Cut a rendered template at the marks of these names; other holes stay in the pieces."""
    parts = re.split(rf"{_MARK}({'|'.join(names)})0", rendered)
    pieces: list[Piece] = []
    for number, part in enumerate(parts):
        if number % 2:
            pieces.append(Hole(part))
        elif part:
            pieces.append(fragment(part))
    return pieces


def split_text(text: str) -> list[str]:
    """Split at the holes: what stands before the first, its name, what stands behind it, and so on."""
    return _HOLE.split(text)
