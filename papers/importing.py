"""Imports a file of papers.

Whatever a file holds, reading it takes bounded time and memory: sizes are capped after unpacking, JSON Lines
are read line by line, and document types, entities and deep nesting are refused. docs/importing.md lists the
caps.
"""

import io
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from papers.ingest import IngestReport, ingest
from papers.models import SourceRun
from papers.sources import values
from papers.sources.formats import HEAD, told_apart
from papers.sources.opening import Unpacked, opened
from papers.sources.record import Records, Reject, SourceError


def import_file(
    path: Path,
    *,
    now: datetime,
    captured_on: date | None = None,
    listed_on: date | None = None,
    progress: Callable[[int], None] | None = None,
) -> IngestReport:
    """Import one file. Raises SourceError, one sentence, where it is refused; a SourceRun tells of it either
    way."""
    try:
        source, records = read_file(path, captured_on=captured_on)
    except SourceError as error:
        SourceRun.objects.create(
            source="unknown", target=path.name[:500], started_at=now, finished_at=now,
            verdict=SourceRun.Verdict.FAILED, message=str(error),
        )  # fmt: skip
        raise
    return ingest(records, source=source, target=path.name, now=now, listed_on=listed_on, progress=progress)


def read_file(path: Path, *, captured_on: date | None = None) -> tuple[str, Records]:
    """(source, records) of a file, read as they are asked for. Raises SourceError, at once or while
    reading."""
    name = values.excerpt(path.name, 100)
    try:
        stream = opened(path)
        try:
            source, records = told_apart(io.BufferedReader(stream, HEAD), captured_on)
        except BaseException:
            stream.close()
            raise
    except SourceError as error:
        raise SourceError(f"{name} was not imported: {error}.") from None
    except OSError as error:
        raise SourceError(f"{name} was not imported: it cannot be read ({error.strerror}).") from None
    return source, _guarded(records, stream, name)


def _guarded(records: Records, stream: Unpacked, name: str) -> Records:
    """The records, errors naming the file, and a Reject where its gzip data broke off."""
    try:
        yield from records
    except SourceError as error:
        raise SourceError(f"{name} was not imported: {error}.") from None
    finally:
        stream.close()
    if stream.broken:
        yield Reject("end of file", stream.broken)
