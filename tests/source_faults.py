"""What can be wrong with an answer: each fault is a function that sends it over the server's connection."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol

ENTITY_BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE feed [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;">]>
<feed xmlns="http://www.w3.org/2005/Atom"><title>&e;&e;&e;&e;</title></feed>"""
BOMB_SIZE = ENDLESS_SIZE = 300_000_000  # bytes, unpacked
_DRIPS = 500  # bytes; ten seconds of them are enough for a test that fails
PAGE = (
    b"<!DOCTYPE html><html><head><title>Sorry</title></head><body>We are busy. secret-token-1</body></html>"
)


@dataclass(frozen=True)
class Reply:
    """An answer before it is sent."""

    body: bytes
    content_type: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Line(Protocol):
    """The connection to the client, as faults use it."""

    def answer(self, reply: Reply) -> None:
        """Send a whole answer, as a good server does."""

    def head(self, reply: Reply, **headers: str) -> None:
        """Send status and headers only."""

    def send(self, data: bytes) -> None:
        """Send bytes; raises OSError once the client has gone."""

    def hang_up(self) -> None:
        """Close the connection after this answer."""

    def pause(self, seconds: float) -> bool:
        """Wait; False where the server is being closed."""


def status(line: Line, reply: Reply, *, code: int, retry_after: str | None = None) -> None:
    """Another status, with an HTML page as bodies of errors are."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    line.answer(Reply(PAGE, "text/html", code, headers))


def drip(line: Line, reply: Reply, *, every: float = 0.02) -> None:
    """The right answer, one byte at a time; it never gets far."""
    line.head(reply, **{"Content-Length": str(len(reply.body))})
    line.hang_up()
    for byte in reply.body[:_DRIPS]:
        line.send(bytes([byte]))
        if not line.pause(every):
            return


def drip_headers(line: Line, reply: Reply, *, every: float = 0.02) -> None:
    """A header, one byte at a time."""
    line.hang_up()
    line.send(b"HTTP/1.1 200 OK\r\nX-Patience: ")
    for _ in range(_DRIPS):
        line.send(b"a")
        if not line.pause(every):
            return


def silent(line: Line, reply: Reply, *, seconds: float = 30) -> None:
    """Nothing at all."""
    line.hang_up()
    line.pause(seconds)


def no_answer(line: Line, reply: Reply) -> None:
    """The connection closed instead of an answer."""
    line.hang_up()


def cut_off(line: Line, reply: Reply) -> None:
    """Half of the body that Content-Length promises."""
    line.head(reply, **{"Content-Length": str(len(reply.body))})
    line.hang_up()
    line.send(reply.body[: len(reply.body) // 2])


def cut_chunks(line: Line, reply: Reply) -> None:
    """A chunked body without its last chunk."""
    line.head(reply, **{"Transfer-Encoding": "chunked"})
    line.hang_up()
    line.send(b"%x\r\n%b\r\n" % (len(reply.body), reply.body))


def cut_gzip(line: Line, reply: Reply) -> None:
    """Packed data that breaks off, though the connection does not."""
    packed = gzip.compress(reply.body)
    packed = packed[: len(packed) * 2 // 3]
    line.head(reply, **{"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
    line.send(packed)


def damaged_gzip(line: Line, reply: Reply) -> None:
    """Packed data with a hole in it."""
    packed = bytearray(gzip.compress(reply.body))
    packed[20:30] = b"\xff" * 10
    line.head(reply, **{"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
    line.send(bytes(packed))


def other_packing(line: Line, reply: Reply, *, name: str = "br") -> None:
    """An encoding that nobody asked for."""
    packed = zlib.compress(reply.body)
    line.head(reply, **{"Content-Encoding": name, "Content-Length": str(len(packed))})
    line.send(packed)


def html(line: Line, reply: Reply) -> None:
    """An error page that calls itself a success."""
    line.answer(Reply(PAGE, "text/html; charset=utf-8"))


def wrong_type(line: Line, reply: Reply, *, content_type: str = "application/octet-stream") -> None:
    """The right body under another name."""
    line.answer(replace(reply, content_type=content_type))


def redirect(line: Line, reply: Reply, *, to: str, code: int = 302) -> None:
    """Go and ask somebody else."""
    line.answer(Reply(b"", "text/plain", code, {"Location": to}))


def endless(line: Line, reply: Reply) -> None:
    """300 MB of spaces."""
    line.head(reply, **{"Transfer-Encoding": "chunked"})
    line.hang_up()
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    for _ in range(ENDLESS_SIZE // 65_536):
        line.send(chunk)


def declared_huge(line: Line, reply: Reply, *, hesitate: float = 0) -> None:
    """300 MB, said so beforehand, and sent after `hesitate` seconds."""
    line.head(reply, **{"Content-Length": str(ENDLESS_SIZE)})
    line.hang_up()
    line.pause(hesitate)
    for _ in range(ENDLESS_SIZE // 65_536):
        line.send(b" " * 65_536)


def endless_line(line: Line, reply: Reply) -> None:
    """A chunk whose size is a number of 300 MB."""
    line.head(reply, **{"Transfer-Encoding": "chunked"})
    line.hang_up()
    for _ in range(ENDLESS_SIZE // 65_536):
        line.send(b"0" * 65_536)


def negative_chunk(line: Line, reply: Reply, *, size: int = -1) -> None:
    """A chunk of a size below nothing, and then 300 MB."""
    line.head(reply, **{"Transfer-Encoding": "chunked"})
    line.hang_up()
    line.send(b"%d\r\n" % size)
    for _ in range(ENDLESS_SIZE // 65_536):
        line.send(b" " * 65_536)


def no_http(line: Line, reply: Reply) -> None:
    """An answer in another protocol."""
    line.hang_up()
    line.send(b"220 mail.example.org ESMTP\r\n\r\n")


def gzip_bomb(line: Line, reply: Reply) -> None:
    """300 MB in 300 KB."""
    packed = _bomb()
    line.head(reply, **{"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
    line.send(packed)


def entity_bomb(line: Line, reply: Reply) -> None:
    """XML whose entities grow when they are unfolded."""
    line.answer(replace(reply, body=ENTITY_BOMB))


def body(line: Line, reply: Reply, *, body: bytes) -> None:
    """Another body under the right name."""
    line.answer(replace(reply, body=body))


def reply(line: Line, reply: Reply, *, instead: Reply) -> None:
    """Quite another answer."""
    line.answer(instead)


@cache
def _bomb() -> bytes:
    """One flushed block again and again: made at once, and bad only at its very end."""
    maker = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = maker.compress(b" " * 1_000_000) + maker.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + block * (BOMB_SIZE // 1_000_000)


_NAMED = [
    *(drip, drip_headers, silent, no_answer, cut_off, cut_chunks, cut_gzip, damaged_gzip, other_packing),
    *(html, wrong_type, redirect, body, reply, no_http),
    *(endless, declared_huge, endless_line, negative_chunk, gzip_bomb, entity_bomb),
]
FAULTS: dict[str, Callable[..., None]] = {fault.__name__.replace("_", " "): fault for fault in _NAMED}


def named(mode: str, options: dict[str, Any]) -> Callable[[Line, Reply], None]:
    """The fault of that name; a number such as "429" is a status."""
    fault = status if mode.isdecimal() else FAULTS[mode]
    given = {"code": int(mode), **options} if mode.isdecimal() else options
    return lambda line, reply: fault(line, reply, **given)
