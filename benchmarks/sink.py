"""A mail server that is no bottleneck: it takes SMTP, writes nothing to the disk and counts.

`python -m benchmarks.sink` prints its port, then answers every line on its standard input with one line of
JSON about the mails since the line before (`Tally`); it ends with its standard input. Mails to addresses
that begin with KEPT are kept whole.
"""

import json
import selectors
import socket
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


class Session:
    """One connection. Commands may come one by one or several at once, one recipient a mail."""

    def __init__(self, connection: socket.socket, counter: Counter) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self._counter = counter
        self._commands = b""  # the begun ones
        self._mail: list[bytes] | None = None  # what came since DATA, from the line end before it
        self._recipient = ""
        connection.send(b"220 sink ESMTP\r\n")

    def received(self, data: bytes) -> None:
        """Take what came and answer it. Answers are short, and nobody here sends without reading them."""
        if self._mail is not None:
            data = self._take_mail(data)
        if data:
            *commands, self._commands = (self._commands + data).split(b"\r\n")
            self.socket.send(b"".join([self._answer(command) for command in commands]))

    def _take_mail(self, data: bytes) -> bytes:
        """Keep what belongs to the mail; returns what came after its final dot."""
        assert self._mail is not None
        # The dot may have come in two pieces, so the end of the piece before is looked at with this one.
        data = self._mail.pop() + data
        # Senders wait for the answer to the dot, so it stands at the end.
        end = len(data) - len(END) if data.endswith(END) else data.find(END)
        if end < 0:
            self._mail += (data[: -len(END)], data[-len(END) :])
            return b""
        content = b"".join((*self._mail, data[:end], b"\r\n"))[2:]
        self._counter.take(self._recipient, content)
        self._mail = None
        self.socket.send(b"250 counted\r\n")
        return data[end + len(END) :]

    def _answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"DATA":
            self._mail = [b"\r\n"]  # an empty mail's dot stands at the start of a line too
            return b"354 go on\r\n"
        if verb == b"RCPT":
            self._recipient = line.partition(b"<")[2].partition(b">")[0].decode("ascii", "replace")
        return HELLO if verb == b"EHLO" else b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n"


def serve(listener: socket.socket) -> None:
    """Take mails on all connections, in one thread, until the standard input ends."""
    counter = Counter()
    buffer = bytearray(1_000_000)
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if isinstance(key.data, Session):
                    _read(key.data, buffer, selector)
                elif key.fileobj is listener:
                    session = Session(listener.accept()[0], counter)
                    selector.register(session.socket, selectors.EVENT_READ, session)
                elif sys.stdin.readline():
                    print(counter.report(), flush=True)
                else:
                    return


def _read(session: Session, buffer: bytearray, selector: selectors.BaseSelector) -> None:
    try:
        size = session.socket.recv_into(buffer)
        if size:
            session.received(bytes(memoryview(buffer)[:size]))
            return
    except OSError:  # the sender went away
        pass
    selector.unregister(session.socket)
    session.socket.close()


def main() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        print(listener.getsockname()[1], flush=True)
        serve(listener)


if __name__ == "__main__":
    main()
