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
HELLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 30000000\r\n"


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
    """One connection. Commands may come one by one or several at once, one recipient a mail."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._commands = b""  # the begun ones
        self._mail: list[bytes] | None = None  # what came since DATA, from the line end before it
        self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        if self._mail is not None:
            data = self._take_mail(data)
        *commands, self._commands = (self._commands + data).split(b"\r\n")
        if commands:
            self._transport.write(b"".join([self._answer(command) for command in commands]))
            if commands[-1].upper() == b"QUIT":
                self._transport.close()

    def _take_mail(self, data: bytes) -> bytes:
        """Keep what belongs to the mail; returns what came after its final dot."""
        assert self._mail is not None
        # The dot may have come in two pieces, so the end of the piece before is looked at with this one.
        data = self._mail.pop() + data
        # Senders wait for the answer to the dot, so it stands at the end: found at once from there.
        end = data.rfind(END)
        if end < 0:
            self._mail += (data[: -len(END)], data[-len(END) :])
            return b""
        content = b"".join((*self._mail, data[:end], b"\r\n"))[2:]
        self._counter.take(self._recipient, content)
        self._mail = None
        self._transport.write(b"250 counted\r\n")
        return data[end + len(END) :]

    def _answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"DATA":
            self._mail = [b"\r\n"]  # an empty mail's dot stands at the start of a line too
            return b"354 go on\r\n"
        if verb == b"RCPT":
            self._recipient = line.partition(b"<")[2].partition(b">")[0].decode("ascii", "replace")
        return HELLO if verb == b"EHLO" else b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n"


async def run() -> None:
    loop = asyncio.get_running_loop()
    counter = Counter()
    server = await loop.create_server(lambda: Session(counter), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(counter.report(), flush=True)


if __name__ == "__main__":
    asyncio.run(run())
