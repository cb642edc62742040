"""A small real SMTP server that keeps what it accepts: `python -m tests.smtp_sink --port 0 --out FOLDER`.

It prints its port. Each accepted message is on the disk in `FOLDER/<number>.eml`, and its envelope as one
line of `FOLDER/log.jsonl`, before the 250 after the dot is sent: what a provider would have accepted.
"""

import argparse
import asyncio
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

LONGEST_MESSAGE = 30_000_000


@dataclass
class Envelope:
    """What one transaction has told so far."""

    sender: str | None = None
    recipients: list[str] = field(default_factory=list)


class Sink:
    """Writes messages into `folder`, one after the other."""

    def __init__(self, folder: Path, slow: float = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.slow = slow
        self.folder = folder
        self.count = len(list(folder.glob("*.eml")))
        self.log = (folder / "log.jsonl").open("ab")

    def keep(self, envelope: Envelope, content: bytes) -> int:
        """Put a message on the disk; returns its number."""
        self.count += 1
        name = f"{self.count:07}.eml"
        with (self.folder / name).open("xb") as file:
            file.write(content)
            _flush(file)
        line = {"file": name, "sender": envelope.sender, "recipients": envelope.recipients}
        self.log.write(json.dumps(line).encode() + b"\n")
        _flush(self.log)
        return self.count

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away: what it had not finished is not kept
        finally:
            writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        envelope = Envelope()
        await say("220 sink ESMTP")
        while line := await reader.readline():
            command = line.decode("utf-8", "replace").strip()
            verb = command[:4].upper()
            if verb == "EHLO":
                await say("250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 30000000")
            elif verb in ("HELO", "NOOP", "RSET"):
                envelope = Envelope()
                await say("250 ok")
            elif verb == "MAIL":
                envelope = Envelope(_address(command))
                await say("250 ok")
            elif verb == "RCPT" and envelope.sender is not None:
                envelope.recipients.append(_address(command))
                await say("250 ok")
            elif verb == "DATA" and envelope.recipients:
                await say("354 go on")
                content = await reader.readuntil(b"\r\n.\r\n")
                number = self.keep(envelope, _unstuffed(content))
                envelope = Envelope()
                if self.slow:
                    await asyncio.sleep(self.slow)
                await say(f"250 kept as {number}")
            elif verb == "QUIT":
                await say("221 bye")
                return
            else:
                await say("503 not now")


def _address(command: str) -> str:
    return command.partition("<")[2].partition(">")[0]


def _unstuffed(content: bytes) -> bytes:
    """Without the final dot, and without the dots that were doubled on the way."""
    return (b"\r\n" + content[:-3]).replace(b"\r\n..", b"\r\n.")[2:]


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


async def run(folder: Path, port: int, slow: float) -> None:
    sink = Sink(folder, slow)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", port, limit=LONGEST_MESSAGE)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--slow", type=float, default=0, help="seconds between keeping a mail and saying so")
    arguments = parser.parse_args()
    try:
        asyncio.run(run(arguments.out, arguments.port, arguments.slow))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
