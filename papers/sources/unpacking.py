"""Pure: the bytes of an answer, unpacked, and no more of them than was allowed."""

import zlib
from collections.abc import Iterable

_GZIP = 16 + zlib.MAX_WBITS


class TooLargeError(Exception):
    """There is more than the limit."""


class DamagedError(Exception):
    """It cannot be unpacked; the message is a fragment that says why."""


def unpacked(chunks: Iterable[bytes], encoding: str, limit: int) -> bytes:
    """All chunks as one body of at most `limit` bytes; `encoding` is "gzip" or "".

    Raises TooLargeError as soon as the limit is passed, with the rest neither unpacked nor asked for, and
    DamagedError where packed data is broken or breaks off.
    """
    body = bytearray()
    for piece in _gunzipped(chunks, limit) if encoding == "gzip" else chunks:
        body += piece
        if len(body) > limit:
            raise TooLargeError
    return bytes(body)


def _gunzipped(chunks: Iterable[bytes], limit: int) -> Iterable[bytes]:
    """Pieces of at most limit + 1 bytes. A body may be several gzip members, one after the other."""
    member = zlib.decompressobj(_GZIP)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if member.eof:
                    member = zlib.decompressobj(_GZIP)
                yield member.decompress(rest, limit + 1)
                rest = member.unused_data or member.unconsumed_tail
    except zlib.error:
        raise DamagedError("its gzip data is damaged") from None
    if not member.eof:
        raise DamagedError("its gzip data breaks off")
