"""Tells the format of a file by its content, and reads it: the only place that knows all formats."""

import io
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from typing import Any, BinaryIO

from papers.sources import arxiv, capture, huggingface, jsonl, values
from papers.sources.jsontext import loads
from papers.sources.opening import MEGABYTE
from papers.sources.record import PaperRecord, Records, Reject, SourceError

HEAD = 65_536  # bytes that are looked at
WHOLE_LIMIT = 16 * MEGABYTE  # of formats that are read whole: JSON arrays, feeds, captures
LINE_LIMIT = 16 * MEGABYTE
_UNREADABLE_LINES = 20  # a file whose first lines are all broken is no JSON Lines file
_FORMATS = "a page capture, a Hugging Face answer or recording, an arXiv feed or JSON Lines of papers"


def told_apart(buffered: io.BufferedReader, captured_on: date | None) -> tuple[str, Records]:
    """(source, records), read as they are asked for. Raises SourceError, which says "it …" of the file."""
    head = buffered.peek(HEAD)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError("it is UTF-16 text; only UTF-8 is read")
    if b"\0" in head:
        raise SourceError("it is a binary file")
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if first == b"{":
        return _json_lines(buffered)
    data = buffered.read(WHOLE_LIMIT + 1)
    if not data.strip():
        raise SourceError("it is empty")
    text = _decoded(data[:HEAD] if len(data) > WHOLE_LIMIT else data, len(data) > WHOLE_LIMIT)
    beginning = text[:HEAD]
    if first == b"[" and ('"paper"' in beginning or text.strip() == "[]"):
        source, records = "huggingface", huggingface.parse_answer(text, start=text.index("["))
    elif first == b"<":
        source, records = "arxiv", _begun(arxiv.parse(io.BytesIO(data.lstrip())))
    elif capture.looks_like_capture(text):
        source, records = "capture", capture.parse(text, captured_on=captured_on)
    else:
        raise SourceError(f"it is none of the formats that are read ({_FORMATS})")
    if len(data) > WHOLE_LIMIT:
        raise SourceError(f"it has more than {WHOLE_LIMIT // MEGABYTE} MB, too much for a file of its format")
    return source, records


def _decoded(data: bytes, is_beginning: bool) -> str:
    try:
        return data.decode("utf-8-sig", errors="strict")
    except UnicodeDecodeError as error:
        if is_beginning and error.start > len(data) - 4:  # a character cut by us
            return data[: error.start].decode("utf-8-sig")
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(f"it is not UTF-8 text (byte 0x{data[error.start]:02x} in line {line:,})") from None


def _begun(records: Records) -> Records:
    """The same records, with the first one read already, so that a file without any is refused at once."""
    first = next(records, None)
    return iter(()) if first is None else chain([first], records)


def _json_lines(stream: BinaryIO) -> tuple[str, Records]:
    """The records of a JSON Lines file, its source told by the first line that can be read."""
    lines = _lines(stream)
    skipped: list[tuple[int, bytes]] = []
    for number, line in lines:
        source, reason = _shape(line)
        skipped.append((number, line))
        if source:
            return source, _records(chain(skipped, lines))
        if len(skipped) == _UNREADABLE_LINES:
            break
    raise SourceError(f"it is none of the formats that are read ({_FORMATS}); as JSON Lines, {reason}")


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(number, line) of each line that is not blank."""
    number = 0
    while line := stream.readline(LINE_LIMIT + 1):
        number += 1
        if len(line) > LINE_LIMIT:
            raise SourceError(f"its line {number:,} has more than {LINE_LIMIT // MEGABYTE} MB")
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if line.strip():
            yield number, line


def _shape(line: bytes) -> tuple[str | None, str]:
    """(source, "") of a line, or (None, why it cannot be told)."""
    try:
        text = line.decode()
        value = loads(text)
    except UnicodeDecodeError:
        return None, "its first lines are not UTF-8 text"
    except ValueError as error:
        return (
            ("huggingface", "")
            if huggingface.is_cut_recording(text)
            else (None, f"in its first lines {error}")
        )
    if not isinstance(value, dict):
        return None, "its lines are no objects"
    if "items" in value or "paper" in value:
        return "huggingface", ""
    known = {"title", "id", "arxiv_id", "paper_id"} & value.keys()
    return ("jsonl", "") if known else (None, "its objects have no title")


def _records(lines: Iterable[tuple[int, bytes]]) -> Records:
    for number, line in lines:
        position = f"line {number}"
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            reason = f"not UTF-8 text (byte 0x{line[error.start]:02x})"
            yield Reject(position, reason, values.excerpt(line[:200].decode(errors="replace")))
            continue
        try:
            value = loads(text)
        except ValueError as error:
            if huggingface.is_cut_recording(text):
                yield from huggingface.parse_recording(text, position)
            else:
                yield Reject(position, str(error), values.excerpt(text))
            continue
        yield from _of_value(value, position)


def _of_value(value: Any, position: str) -> Iterator[PaperRecord | Reject]:
    if isinstance(value, dict) and (
        "items" in value or ({"list_date", "observer"} <= value.keys() and "title" not in value)
    ):
        yield from huggingface.recorded(value, position)
        return
    try:
        if not isinstance(value, dict):
            raise values.FieldError(f"the line is {values.kind(value)}, not an object")
        if "paper" in value:
            yield huggingface.parse_item(value, position=position)
        else:
            yield jsonl.parse_paper(value, position)
    except values.FieldError as error:
        yield Reject(position, str(error), values.excerpt(value))
