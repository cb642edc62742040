"""A mail server on loopback that answers each command as a test tells it to."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

HANG_UP = ""


class Server(socketserver.ThreadingTCPServer):
    """`replies` maps "MAIL", "RCPT", "DATA" and "." to an answer line; HANG_UP ends the connection."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, replies: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.replies = replies
        self.received: list[bytes] = []
        self.on_data: Callable[[], object] = lambda: None
        self.hang_up_after_mail = False

    @property
    def settings(self) -> dict[str, Any]:
        """The Django settings that send mail here."""
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": self.server_address[1],
            "EMAIL_TIMEOUT": 5,
        }


class _Conversation(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline():
            word = line.split()[0].decode().upper()
            if word == "DATA":
                self.server.on_data()
            reply = self.server.replies.get(word, "354 go on" if word == "DATA" else "250 ok")
            if reply == HANG_UP or not self._say(reply) or word == "QUIT":
                return
            if reply.startswith("354") and not self._take_message():
                return

    def _take_message(self) -> bool:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self.server.received.append(b"".join(lines))
        reply = self.server.replies.get(".", "250 accepted")
        return reply != HANG_UP and self._say(reply) and not self.server.hang_up_after_mail

    def _say(self, reply: str) -> bool:
        self.wfile.write(reply.encode() + b"\r\n")
        return True


@contextmanager
def smtp_server(**replies: str) -> Iterator[Server]:
    """Run a server; `end` stands for the reply to the final dot."""
    if "end" in replies:
        replies["."] = replies.pop("end")
    with Server(replies) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
