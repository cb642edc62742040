"""A CSV file of readers, read line by line: pure, one bad line costs only itself, memory stays small.

Every line of the file is one row: neither addresses nor topics hold a line break, so a quote that is never
closed spoils its own line and no other.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from newsletter.addresses import Address, AddressError, parse_address

TIME_COLUMNS = ("timezone", "hour", "days", "paused_until")
COLUMNS = ("email", "topics", "length", "when_empty", *TIME_COLUMNS)
DELIMITERS = ",;\t"
MAX_LINE = 64 * 1024  # bytes
_CHUNK = 1024 * 1024


class FileError(Exception):
    """The whole file cannot be read; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    address: Address
    topics: tuple[str, ...]  # slugs or names as they are written
    length: str  # "" where the file does not tell
    when_empty: str
    time: dict[str, str]  # TIME_COLUMNS as they are written, "" where the file does not tell


@dataclass(frozen=True, slots=True)
class BadRow:
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Header:
    delimiter: str
    columns: tuple[str, ...]
    ignored: tuple[str, ...]  # columns that we do not know


def read_header(path: Path) -> Header:
    """Check that the file is UTF-8 text with the columns we need. Reads the file once; raises FileError."""
    _check_encoding(path)
    with path.open("rb") as file:
        first = file.readline(MAX_LINE).decode("utf-8-sig", errors="replace").strip("\r\n")
    if not first.strip():
        raise FileError(f"{path.name} has no first line; it must name the columns, for example: email,topics")
    if "\0" in first:
        raise FileError(f"{path.name} is not a text file.")
    delimiter = max(DELIMITERS, key=first.count)
    try:
        names = tuple(
            name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter, strict=True))
        )
    except csv.Error as error:
        raise FileError(f"The first line of {path.name} cannot be read: {error}.") from error
    missing = [name for name in COLUMNS[:2] if name not in names]
    if missing:
        raise FileError(
            f"{path.name} has no column {' or '.join(missing)}; its first line must say: email,topics"
        )
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise FileError(f"{path.name} has the column {twice[0]} twice.")
    return Header(delimiter, names, tuple(name[:40] for name in names if name not in COLUMNS))


def _check_encoding(path: Path) -> None:
    """UTF-8, with or without a byte order mark; anything else is named, never guessed at."""
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with path.open("rb") as file:
        start = file.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise FileError(f"{path.name} is UTF-16; save it as UTF-8 and import it again.")
        if start.startswith((b"PK\x03\x04", b"\x1f\x8b")):
            raise FileError(f"{path.name} is a spreadsheet or an archive; save it as CSV in UTF-8.")
        file.seek(0)
        while chunk := file.read(_CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                line += chunk.count(b"\n", 0, error.start)
                raise FileError(
                    f"{path.name} is not UTF-8 (line {line}; it looks like Latin-1): "
                    "save it as UTF-8 and import it again."
                ) from error
            line += chunk.count(b"\n")


def read_rows(path: Path, header: Header) -> Iterator[Row | BadRow]:
    """Give every line after the header as a row or as why it is none; empty lines are passed over."""
    with path.open("rb") as file:
        for line, raw in enumerate(_lines(file), start=1):
            if line == 1 or not raw.strip():
                continue
            yield _row(line, raw, header)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Give the lines, an overlong one cut just beyond MAX_LINE."""
    while raw := file.readline(MAX_LINE + 1):
        rest = raw
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(_CHUNK)
        yield raw


def _row(line: int, raw: bytes, header: Header) -> Row | BadRow:
    if len(raw) > MAX_LINE:
        return BadRow(line, f"longer than {MAX_LINE:,} bytes")
    if b"\0" in raw:
        return BadRow(line, "holds a NUL byte")
    text = raw.decode("utf-8", errors="replace").removesuffix("\n").removesuffix("\r")
    if "\r" in text:
        return BadRow(line, "holds a line break inside the row")
    try:
        cells = next(csv.reader([text], delimiter=header.delimiter, strict=True))
    except csv.Error:
        return BadRow(line, "a quote is not closed, or stands where none may be")
    if len(cells) > len(header.columns):
        return BadRow(line, f"has {len(cells)} cells where the first line names {len(header.columns)}")
    values = dict(zip(header.columns, (cell.strip() for cell in cells), strict=False))
    for name in COLUMNS:
        if values.get(name, "").startswith(("=", "+", "-", "@")):
            return BadRow(line, f"{name} looks like a spreadsheet formula")
    try:
        address = parse_address(values.get("email", ""))
    except AddressError as error:
        return BadRow(line, f"{shown(values.get('email', ''))} is no address: {error}")
    topics = tuple(
        part.strip() for part in values.get("topics", "").replace("|", ";").split(";") if part.strip()
    )
    time = {name: values.get(name, "") for name in TIME_COLUMNS}
    return Row(line, address, topics, values.get("length", ""), values.get("when_empty", "").lower(), time)


def shown(text: str) -> str:
    """Foreign text in a message: short, on one line, without control characters."""
    return ascii(text if len(text) <= 60 else f"{text[:59]}...")
