"""Pure: the bytes of an answer, unpacked, and no more of them than was allowed."""

import zlib
from collections.abc import Iterable

MEMBERS_LIMIT = 1_000  # gzip members in one body; servers send one
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
    members = 1
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if member.eof:
                    members += 1
                    if members > MEMBERS_LIMIT:
                        raise DamagedError(f"its gzip data is in more than {MEMBERS_LIMIT:,} parts")
                    member = zlib.decompressobj(_GZIP)
                yield member.decompress(rest, limit + 1)
                rest = member.unused_data or member.unconsumed_tail
    except zlib.error:
        raise DamagedError("its gzip data is damaged") from None
    if not member.eof:
        raise DamagedError("its gzip data breaks off")
