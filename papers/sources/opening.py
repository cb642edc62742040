"""The bytes of a file, unpacked: never more than are allowed, and damage told where it begins."""

import gzip
import io
import zlib
from pathlib import Path
from typing import Any

from papers.sources.record import SourceError

MEGABYTE = 1_000_000
FILE_LIMIT = 100 * MEGABYTE  # unpacked, of any format


class Unpacked(io.RawIOBase):
    """The unpacked bytes of a file. Damaged gzip data ends the stream and is told in `broken`."""

    def __init__(self, path: Path, packed: bool) -> None:
        self.inner = gzip.GzipFile(path) if packed else path.open("rb")
        self.broken = ""

    def readable(self) -> bool:
        """Part of what io.BufferedReader asks for."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; 0 at the end."""
        try:
            # read1: a larger read would lose what it unpacked before the damage.
            chunk = self.inner.read1(len(buffer))
        except EOFError:
            self.broken = "the gzip data breaks off here"
            return 0
        except (gzip.BadGzipFile, zlib.error):
            self.broken = "the gzip data is damaged here"
            return 0
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the file as well."""
        self.inner.close()
        super().close()


def opened(path: Path) -> Unpacked:
    """The file's unpacked bytes, after a check that they are not too many."""
    if path.is_dir():
        raise SourceError("it is a directory")
    if not path.exists():
        raise SourceError("there is no such file")
    if not path.is_file():
        raise SourceError("it is not a regular file")
    size = path.stat().st_size
    if size == 0:
        raise SourceError("it is empty")
    if size > FILE_LIMIT:
        raise SourceError(f"it has {size // MEGABYTE:,} MB, more than {FILE_LIMIT // MEGABYTE}")
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        _check_unpacked_size(path)
    return Unpacked(path, packed)


def _check_unpacked_size(path: Path) -> None:
    """Unpack once and throw away, so that nothing of a file that is too large is imported."""
    with Unpacked(path, packed=True) as unpacked:
        total = 0
        while chunk := unpacked.read(1 << 20):
            total += len(chunk)
            if total > FILE_LIMIT:
                raise SourceError(f"unpacked it has more than {FILE_LIMIT // MEGABYTE} MB")
        if not total:
            raise SourceError(unpacked.broken or "it is empty")
