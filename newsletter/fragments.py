"""Pieces of mail that are rendered and transfer-encoded once and put together many times. Pure.

A template is rendered once with marks where readers differ, and cut at the marks. Every piece is encoded as
quoted-printable on its own and ends where a line ends (a soft break hides the end in the decoded text), so
pieces can be joined in any order.
"""

import re
import secrets
from binascii import b2a_qp
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Random for each process, so that no paper's text can hold a mark.
_MARK = f"hole{secrets.token_hex(8)}"
_HOLE = re.compile(rf"{_MARK}([a-z]+)0")
_SOFT_BREAK = b"=\r\n"
_LONGEST_LINE = 76
_FIRST_DOTS = re.compile(rb"^\.+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of one part: its text, and the same encoded for the wire."""

    text: str
    wire: bytes


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
    wire = b2a_qp(text.encode(), istext=True).replace(b"\n", b"\r\n")
    if wire and not wire.endswith(b"\r\n"):
        wire += _SOFT_BREAK
    wire = b"".join(_fitting(line) for line in wire.splitlines(keepends=True))
    return Fragment(text, _FIRST_DOTS.sub(lambda dots: b"=2E=\r\n" * len(dots[0]), wire))


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
    return Fragment(text, text.encode("ascii") + _SOFT_BREAK)


def cut(rendered: str) -> list[Piece]:
    """Cut a rendered template at its marks."""
    parts = _HOLE.split(rendered)
    pieces: list[Piece] = []
    for number, part in enumerate(parts):
        if number % 2:
            pieces.append(Hole(part))
        elif part:
            pieces.append(fragment(part))
    return pieces


def fill(pieces: Sequence[Piece], values: Mapping[str, Fragment]) -> list[Piece]:
    """Fill the holes that `values` names, and join what stands side by side; other holes stay."""
    filled: list[Piece] = []
    run: list[Fragment] = []
    for piece in pieces:
        known = values.get(piece.name) if isinstance(piece, Hole) else piece
        if known is not None:
            run.append(known)
            continue
        if run:
            filled.append(join(run))
            run = []
        filled.append(piece)
    if run:
        filled.append(join(run))
    return filled


def join(fragments: Sequence[Fragment]) -> Fragment:
    return Fragment("".join(f.text for f in fragments), b"".join(f.wire for f in fragments))
