"""One open connection to a mail server: one mail after the other goes out, and each gets its outcome.

Nothing here waits: `advance` writes and reads what is possible now. All bytes given to the kernel count as
sent, whether or not they ever arrive.
"""

import re
import ssl
from contextlib import suppress
from socket import IPPROTO_TCP, TCP_NODELAY
from time import monotonic
from typing import NamedTuple

from newsletter.failpoints import armed, failpoint
from newsletter.transport.outcomes import Accepted, NoAnswer, Outcome, Refused
from newsletter.transport.smtp_dialing import Opened
from newsletter.transport.smtp_verdicts import CLOSING, Step, is_refusal, refusal, unanswered, wanted

READ = 4_096  # bytes
LONGEST_TALK = 100_000  # bytes of all answers to one letter; RFC 5321 allows 512 a line
TLS_RECORD = 16_384  # bytes
LINES_KEPT = 3  # of an answer, for the reason of a refusal
END = b".\r\n"
_REPLY = re.compile(rb"([2-5][0-9][0-9])([ -]|\r?$)")
RSET, MAIL, RCPT, DATA, DOT = Step
_NOTHING = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Enveloped(NamedTuple):
    """A letter as a line sends it."""

    recipient: bytes  # the whole RCPT command
    body: bytes  # dot-stuffed, with the final dot


class Line:
    """A connection that Django opened: `start` a mail, `advance` until `outcome` is there, `forget` it."""

    def __init__(self, opened: Opened, mail: bytes) -> None:
        self.sock = opened.sock
        self.sock.setblocking(False)
        # Each write here is a whole turn of the conversation: nothing follows that it could be sent with.
        self.sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.over = False  # no further mail may go this way
        self.outcome: Outcome | None = None
        self.deadline = 0.0
        self._connection = opened.connection
        self._mail = mail
        self._pipelining = opened.connection.has_extn("pipelining")
        self._tls = isinstance(self.sock, ssl.SSLSocket)
        self._unclean = False  # the server may still hold a recipient of the mail before
        self._heard = b""  # the begun line of an answer
        self._unread = 0  # lines that came with the one that is being looked at
        self._broken = ""  # why nothing can be written any more
        self._out: memoryview | bytes = b""
        self._body = b""
        self._awaited: list[Step] = []
        self._unsaid: list[tuple[Step, bytes]] = []
        self.forget()

    @property
    def wants_to_write(self) -> bool:
        return bool(self._out)

    def start(self, mail: Enveloped, *, deadline: float) -> None:
        """Begin to hand over a mail; `deadline` is a moment of the monotonic clock."""
        self.deadline = deadline
        self._body = mail.body
        steps, commands = [MAIL, RCPT, DATA], [self._mail, mail.recipient, b"DATA\r\n"]
        if self._unclean:
            steps.insert(0, RSET)
            commands.insert(0, b"RSET\r\n")
        self._unclean = True
        if self._pipelining:
            self._awaited = steps
            self._say(b"".join(commands))
        else:
            self._unsaid = list(zip(steps, commands, strict=True))
            self._say_next()

    def advance(self) -> None:
        """Write and read what is possible now; `outcome` is set when all is known."""
        if self._out:
            self._write()
        while not self.over and self.outcome is None:
            try:
                data = self.sock.recv(READ)
            except _NOTHING:
                break
            except OSError as error:
                self._broken, data = self._broken or _words(error), b""
            if not data:
                self._fail(self._broken or "the server ended the connection")
                return
            self._hear(data)
            # A broken connection may still hold the server's last words.
            if len(data) < READ and not self._tls and not self._broken:
                break
        if self._broken:
            self._fail(self._broken)

    def give_up(self, why: str) -> None:
        """The deadline has passed: what is not answered now stays without an answer."""
        if self.outcome is None:
            self._fail(why)

    def forget(self) -> None:
        """Be ready for the next mail, once this one's outcome is taken."""
        if self._heard or self._unread:
            self.over = True  # said more than was asked: no later answer could be trusted
        self.outcome = None
        self._out = self._body = b""
        self._kept = 0  # bytes of what is going out that have certainly not left
        self._in_body = False
        self._awaited, self._unsaid = [], []
        self._refused: Refused | None = None
        self._texts: list[bytes] = []
        self._heard_bytes = 0

    def is_quiet(self) -> bool:
        """Tell whether the idle connection still stands: between two mails a server has nothing to say."""
        try:
            self.sock.recv(1)
        except _NOTHING:
            return True
        except OSError:
            return False
        return False

    def say_quit(self) -> None:
        with suppress(OSError):
            self.sock.send(b"QUIT\r\n")

    def wait_for_end(self, seconds: float) -> None:
        """Wait until the server said goodbye or ended the connection, or for so long."""
        with suppress(OSError):
            self.sock.settimeout(seconds)
            said = b""
            while b"\n" not in said and (more := self.sock.recv(READ)):
                said += more

    def close(self) -> None:
        with suppress(OSError):
            self._connection.close()

    @property
    def _dot_left(self) -> bool:
        return self._in_body and self._kept < len(END)

    def _say_next(self) -> None:
        step, command = self._unsaid.pop(0)
        self._awaited = [step]
        self._say(command)

    def _say(self, data: bytes) -> None:
        self._out = data
        self._kept = len(data)
        self._write()

    def _say_body(self, body: bytes) -> None:
        self._awaited = [DOT]
        self._in_body = True
        if armed("body-half-sent"):
            self._say(body[: len(body) // 2])
            failpoint("body-half-sent")
            body = bytes(self._out) + body[len(body) // 2 :]
        self._say(body)

    def _write(self) -> None:
        """Give the kernel what it takes; `_broken` says why it will never take more."""
        while self._out:
            # TLS may have sent a part of what it says it could not send yet, so it gets no more at a time
            # than one record, and that counts as sent from the start.
            piece = self._out[:TLS_RECORD] if self._tls else self._out
            if self._tls:
                self._kept = min(self._kept, len(self._out) - len(piece))
            try:
                sent = self.sock.send(piece)
            except _NOTHING:
                return
            except OSError as error:
                self._out, self._broken = b"", _words(error)
                return
            self._out = memoryview(self._out)[sent:] if sent < len(self._out) else b""
            self._kept = min(self._kept, len(self._out))
            if self._in_body and not self._out:
                failpoint("body-sent")

    def _hear(self, data: bytes) -> None:
        *lines, self._heard = (self._heard + data).split(b"\n")
        self._heard_bytes += len(data)
        self._unread = len(lines)
        for line in lines:
            if self.outcome is not None:
                return
            self._unread -= 1
            found = _REPLY.match(line)
            if found is None:
                self._fail("the server answered what is not SMTP")
                return
            if len(self._texts) < LINES_KEPT:
                self._texts.append(line[4:])
            if found[2] != b"-":
                self._answer(int(found[1]))
                self._texts = []
        if self._heard_bytes > LONGEST_TALK:
            self._fail("the server answered without an end")

    def _answer(self, code: int) -> None:
        if not self._awaited:
            self._fail("the server answered what was not asked")
            return
        step = self._awaited.pop(0)
        too_early = step is DOT and not self._dot_left
        if wanted(step, code):
            if too_early:
                self.over, self.outcome = True, NoAnswer("the server took the mail before all of it had left")
                return
        elif is_refusal(code) and (code == CLOSING or step is not RSET):
            self._refused = self._refused or refusal(step, code, _plain(b" ".join(self._texts)))
            self._unsaid = []
            if code == CLOSING or too_early:  # in both cases nothing more is to be sent on this connection
                self.over, self.outcome = True, self._refused
                return
        else:
            self._fail(f"the server answered {step} with {code}")
            return
        self._go_on(step, code)

    def _go_on(self, step: Step, code: int) -> None:
        if step is DOT:
            self._unclean = False
            self.outcome = self._refused or Accepted()
        elif step is DATA and wanted(step, code):
            self._send_mail()
        elif self._unsaid:
            self._say_next()
        elif self._refused and not self._awaited:
            self.outcome = self._refused

    def _send_mail(self) -> None:
        if monotonic() > self.deadline:  # this process slept: whoever swept up after it need not be wrong
            self._fail("the time was over")
            return
        if self._unread or self._heard:  # it would be read as the answer to the mail
            self._fail("the server answered what was not asked")
            return
        # A server may ask for the mail of which it refused the recipient (RFC 2920): it gets an empty one.
        self._say_body(END if self._refused else self._body)

    def _fail(self, why: str) -> None:
        """No sensible answer came, and none can be waited for."""
        self.over = True
        self.outcome = self.outcome or self._refused or unanswered(why, dot_left=self._dot_left)


def _plain(text: bytes) -> str:
    """A server's words, as far as they are printable ASCII."""
    words = text.replace(b"\r", b"").decode("latin-1")
    return "".join(character if " " <= character <= "~" else "?" for character in words)


def _words(error: OSError) -> str:
    return f"the connection broke ({error.strerror or type(error).__name__})"
