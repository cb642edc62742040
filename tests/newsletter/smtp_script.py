"""A mail server on loopback that answers each command as a test tells it to."""

import base64
import re
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

# Instead of an answer line:
HANG_UP = ""  # the connection is ended
SILENCE = "(silence)"  # nothing more is ever said
DRIP = "(drip)"  # put before an answer: it comes one byte at a time, DRIP_SECONDS apart
DRIP_SECONDS = 0.05

Replies = dict[str, str]


class Server(socketserver.ThreadingTCPServer):
    """`replies` maps "greeting", "EHLO", "MAIL", "RCPT", "DATA", "." and so on to an answer.

    Lines of an answer are divided by "\\n". `for_recipient` may answer otherwise from RCPT on; there, "cut"
    is after how many bytes of the mail the connection is ended, and "too big" after how many it is refused.
    Who has logged in as "user" with "password" gets the usual answer to MAIL.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100

    def __init__(self, replies: Replies) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.replies = replies
        self.for_recipient: Callable[[str], Replies] = lambda recipient: {}
        self.extensions = ["PIPELINING"]
        self.tls: ssl.SSLContext | None = None  # from the first byte, unless STARTTLS is an extension
        self.received: list[bytes] = []  # whole mails, the final dot included in what was read
        self.recipients: list[str] = []  # of those mails
        self.commands: list[str] = []
        self.connections = self.encrypted = self.ended = 0
        self.most_at_once = 1_000  # connections; others are refused
        self.on_data: Callable[[], object] = lambda: None
        self.hang_up_after_mail = False
        self.mails_a_connection: int | None = None
        self.over = threading.Event()
        self._lock = threading.Lock()

    @property
    def settings(self) -> dict[str, Any]:
        """The Django settings that send mail here."""
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": self.server_address[1],
            "EMAIL_TIMEOUT": 5,
        }

    def count(self, *, connections: int = 0, encrypted: int = 0, ended: int = 0) -> int:
        """Count, and return how many connections stand."""
        with self._lock:
            self.connections += connections
            self.encrypted += encrypted
            self.ended += ended
            return self.connections - self.ended

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may go away whenever it likes."""


class _Conversation(socketserver.StreamRequestHandler):
    server: Server
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self._standing = self.server.count(connections=1)
        self._encrypted = self._logged_in = False
        if self.server.tls and "STARTTLS" not in self.server.extensions:
            self._encrypt()
        else:
            super().setup()

    def handle(self) -> None:
        self._special: Replies = {}
        self._mails = 0
        if self._standing > self.server.most_at_once:
            self._say("421 too many connections")
            return
        if not self._say(self.server.replies.get("greeting", "220 ready")):
            return
        while line := self.rfile.readline():
            command = line.decode().strip()
            word = command.split()[0].upper()
            self.server.commands.append(command)
            if word == "RCPT":
                self._recipient = command.partition("<")[2].partition(">")[0]
                self._special = self.server.for_recipient(self._recipient)
            if word == "DATA":
                self.server.on_data()
            reply = self._reply(word, self._usual(word, command))
            if not self._say(reply) or word == "QUIT":
                return
            if word == "STARTTLS" and reply.startswith("220"):
                self._encrypt()
            self._logged_in |= word == "AUTH" and reply.startswith("235")
            if re.match(r"(\(drip\))?354", reply) and not self._take_message():
                return

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        if self._encrypted:
            self.request.close()  # the server itself knows only the socket within
        self.server.count(ended=1)

    def _reply(self, word: str, usual: str) -> str:
        if word == "MAIL" and self._logged_in:
            return usual
        return self._special.get(word, self.server.replies.get(word, usual))

    def _usual(self, word: str, command: str) -> str:
        if word == "EHLO":
            offered = [word for word in self.server.extensions if word != "STARTTLS" or not self._encrypted]
            return "\n".join(f"250-{line}" for line in ["loopback", *offered]) + "\n250 HELP"
        if word == "AUTH":
            given = base64.b64decode(command.split()[2]).decode()
            return "235 welcome" if given == "\0user\0password" else "535 wrong password"
        return {"DATA": "354 go on", "STARTTLS": "220 go on", "QUIT": "221 bye"}.get(word, "250 ok")

    def _encrypt(self) -> None:
        assert self.server.tls
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self._encrypted = True
        self.server.count(encrypted=1)
        super().setup()

    def _take_message(self) -> bool:
        if "cut" in self._special:
            self.rfile.read(int(self._special["cut"]))
            return False
        if "too big" in self._special:
            self.rfile.read(int(self._special["too big"]))
            self._say("552 too big")
            return False
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        if not line:
            return False
        if lines:
            self.server.received.append(b"".join(lines))
            self.server.recipients.append(self._recipient)
        self._mails += 1
        if not self._say(self._reply(".", "250 accepted")) or self.server.hang_up_after_mail:
            return False
        return self._mails != self.server.mails_a_connection

    def _say(self, reply: str) -> bool:
        """Answer; False where the conversation is over."""
        if reply == HANG_UP:
            return False
        if reply == SILENCE:
            self.server.over.wait()
            return False
        answer = reply.removeprefix(DRIP).replace("\n", "\r\n").encode("latin-1") + b"\r\n"
        if reply.startswith(DRIP):
            for byte in answer:
                self.wfile.write(bytes([byte]))
                if self.server.over.wait(DRIP_SECONDS):
                    return False
        else:
            self.wfile.write(answer)
        return not reply.startswith("421")


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
            server.over.set()
            server.shutdown()
            thread.join()
