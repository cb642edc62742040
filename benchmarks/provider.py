"""A mail provider's HTTP API that is no bottleneck: it answers like Mailgun, keeps nothing and counts.

`python -m benchmarks.provider` prints its port, then answers every line on its standard input with one line
of JSON about the calls since the line before (`Tally`); it ends with its standard input. Calls that are for
addresses that begin with KEPT, among others, are kept whole and taken apart only by who asks.
"""

import asyncio
import json
import re
import sys
from dataclasses import asdict, dataclass, field
from urllib.parse import parse_qs, unquote_to_bytes

from benchmarks.sink import KEPT

ANSWER = b'{"id": "<one@example.org>", "message": "Queued. Thank you."}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)
_TO = re.compile(rb"(?:^|&)to=([^&]*)")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


@dataclass
class Tally:
    """What came in: calls, readers, how many different ones, bytes, and the bodies of kept calls."""

    calls: int = 0
    messages: int = 0
    recipients: int = 0
    size: int = 0
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mail:
    """What one reader gets of a call."""

    subject: str
    text: str
    html: str
    headers: dict[str, str]


class Counter:
    """Counts for all connections together."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.seen: set[bytes] = set()

    def take(self, body: bytes) -> None:
        to = [unquote_to_bytes(address) for address in _TO.findall(body)]
        self.tally.calls += 1
        self.tally.messages += len(to)
        self.tally.size += len(body)
        self.seen.update(to)
        if any(address.startswith(KEPT.encode()) for address in to):
            self.tally.kept.append(body.decode("ascii"))

    def report(self) -> str:
        """The tally as JSON; counting starts again."""
        self.tally.recipients = len(self.seen)
        line = json.dumps(asdict(self.tally))
        self.tally, self.seen = Tally(), set()
        return line


def kept_mails(bodies: list[str]) -> dict[str, Mail]:
    """The mails of kept calls to addresses that begin with KEPT, each reader's variables filled in."""
    found: dict[str, Mail] = {}
    for body in bodies:
        asked = parse_qs(body, keep_blank_values=True)
        own = json.loads(asked.get("recipient-variables", ["{}"])[0])
        for address in asked["to"]:
            if address.startswith(KEPT):
                found[address] = _mail(
                    {name: values[0] for name, values in asked.items()}, own.get(address, {})
                )
    return found


def _mail(asked: dict[str, str], own: dict[str, str]) -> Mail:
    def filled(text: str) -> str:
        for name, value in own.items():
            text = text.replace(f"%recipient.{name}%", value)
        return text

    headers = {name[2:]: filled(value) for name, value in asked.items() if name.startswith("h:")}
    return Mail(asked["subject"], filled(asked["text"]), filled(asked["html"]), headers)


async def talk(counter: Counter, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            counter.take(await reader.readexactly(int(length[1]) if length else 0))
            writer.write(HEAD + ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()  # the client went away


async def run() -> None:
    loop = asyncio.get_running_loop()
    counter = Counter()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(counter, reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(counter.report(), flush=True)


if __name__ == "__main__":
    asyncio.run(run())
