"""A mail server that is no bottleneck: it takes SMTP, writes nothing to the disk and counts.

`python -m benchmarks.sink` prints its port, then answers every line on its standard input with one line of
JSON about the mails since the line before (`Tally`); it ends with its standard input. Mails to addresses
that begin with KEPT are kept whole.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field

KEPT = "sample"
END = b"\r\n.\r\n"


@dataclass
class Tally:
    """What came in: messages, how many different recipients, bytes, and kept mails by recipient (latin-1)."""

    messages: int = 0
    recipients: int = 0
    size: int = 0
    kept: dict[str, str] = field(default_factory=dict)


class Counter:
    """Counts for all connections together."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.seen: set[str] = set()

    def take(self, recipient: str, content: bytes) -> None:
        self.tally.messages += 1
        self.tally.size += len(content)
        self.seen.add(recipient)
        if recipient.startswith(KEPT):
            self.tally.kept[recipient] = content.replace(b"\r\n..", b"\r\n.").decode("latin-1")

    def report(self) -> str:
        """The tally as JSON; counting starts again."""
        self.tally.recipients = len(self.seen)
        line = json.dumps(asdict(self.tally))
        self.tally, self.seen = Tally(), set()
        return line


class Session(asyncio.Protocol):
    """One connection. One recipient a mail, commands as smtplib sends them: no more is needed here."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._buffer = bytearray()
        self._in_data = False
        self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        searched = max(0, len(self._buffer) - len(END))
        self._buffer += data
        while True:
            end = self._buffer.find(END if self._in_data else b"\r\n", searched)
            if end < 0:
                return
            taken = bytes(self._buffer[:end])
            del self._buffer[: end + (len(END) if self._in_data else 2)]
            searched = 0
            if self._in_data:
                self._in_data = False
                self._counter.take(self._recipient, taken.removeprefix(b"\r\n") + b"\r\n")
                self._transport.write(b"250 counted\r\n")
            else:
                self._command(taken)

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"DATA":
            self._in_data = True
            self._buffer[:0] = b"\r\n"  # an empty mail's dot stands at the start of a line too
            self._transport.write(b"354 go on\r\n")
            return
        if verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
            return
        if verb == b"RCPT":
            self._recipient = line.partition(b"<")[2].partition(b">")[0].decode("ascii", "replace")
        hello = b"250-sink\r\n250-8BITMIME\r\n250 SIZE 30000000\r\n"
        self._transport.write(hello if verb == b"EHLO" else b"250 ok\r\n")


async def run() -> None:
    loop = asyncio.get_running_loop()
    counter = Counter()
    server = await loop.create_server(lambda: Session(counter), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(counter.report(), flush=True)


if __name__ == "__main__":
    asyncio.run(run())
