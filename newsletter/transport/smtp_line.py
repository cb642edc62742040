"""One open connection to a mail server: one mail after the other goes out, and each gets its outcome.

Nothing here waits: `advance` writes and reads what is possible now. All bytes given to the kernel count as
sent, whether or not they ever arrive.
"""

import re
import ssl
from contextlib import suppress
from typing import NamedTuple

from newsletter.failpoints import armed, failpoint
from newsletter.transport.outcomes import Accepted, NoAnswer, Outcome, Refused
from newsletter.transport.smtp_dialing import Opened
from newsletter.transport.smtp_verdicts import CLOSING, Step, is_refusal, refusal, unanswered, wanted

READ = 65_536  # bytes
LONGEST_TALK = 100_000  # bytes of all answers to one letter; RFC 5321 allows 512 a line
TLS_RECORD = 16_384  # bytes
DOT = b".\r\n"
_REPLY = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?")
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
        self.over = False  # no further mail may go this way
        self.outcome: Outcome | None = None
        self.deadline = 0.0
        self._connection = opened.connection
        self._mail = mail
        self._pipelining = opened.connection.has_extn("pipelining")
        self._tls = isinstance(self.sock, ssl.SSLSocket)
        self._unclean = False  # the server may still hold a recipient of the mail before
        self._heard = bytearray()
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
        say = [(Step.MAIL, self._mail), (Step.RCPT, mail.recipient), (Step.DATA, b"DATA\r\n")]
        if self._unclean:
            say.insert(0, (Step.RSET, b"RSET\r\n"))
        self._unclean = True
        if self._pipelining:
            self._awaited = [step for step, _ in say]
            self._say(b"".join([command for _, command in say]))
        else:
            self._unsaid = say
            self._say_next()

    def advance(self) -> None:
        """Write and read what is possible now; `outcome` is set when all is known."""
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
        if self._heard:
            self.over = True  # said more than was asked: no later answer could be trusted
        self.outcome = None
        self._out = self._body = b""
        self._kept = 0  # bytes of what is going out that have certainly not left
        self._in_body = False
        self._awaited, self._unsaid = [], []
        self._refused: Refused | None = None
        self._texts: list[str] = []
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
        """Wait until the server ends the connection, or for so long."""
        with suppress(OSError):
            self.sock.settimeout(seconds)
            while self.sock.recv(READ):
                pass

    def close(self) -> None:
        with suppress(OSError):
            self._connection.close()

    @property
    def _dot_left(self) -> bool:
        return self._in_body and self._kept < len(DOT)

    def _say_next(self) -> None:
        step, command = self._unsaid.pop(0)
        self._awaited = [step]
        self._say(command)

    def _say(self, data: bytes) -> None:
        self._out = data
        self._kept = len(data)
        self._write()

    def _say_body(self, body: bytes) -> None:
        self._awaited = [Step.DOT]
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
            self._out = memoryview(self._out)[sent:]
            self._kept = min(self._kept, len(self._out))
            if self._in_body and not self._out:
                failpoint("body-sent")

    def _hear(self, data: bytes) -> None:
        self._heard += data
        self._heard_bytes += len(data)
        while self.outcome is None and (end := self._heard.find(b"\n")) >= 0:
            line = bytes(self._heard[:end]).rstrip(b"\r")
            del self._heard[: end + 1]
            found = _REPLY.fullmatch(line)
            if found is None:
                self._fail("the server answered what is not SMTP")
                return
            if len(self._texts) < 3:
                self._texts.append(_plain(found[3] or b""))
            if found[2] != b"-":
                text, self._texts = " ".join(self._texts), []
                self._answer(int(found[1]), text)
        if self._heard_bytes > LONGEST_TALK:
            self._fail("the server answered without an end")

    def _answer(self, code: int, text: str) -> None:
        if not self._awaited:
            self._fail("the server answered what was not asked")
            return
        step = self._awaited.pop(0)
        too_early = step is Step.DOT and not self._dot_left
        if is_refusal(code) and (code == CLOSING or step is not Step.RSET):
            self._refused = self._refused or refusal(step, code, text)
            self._unsaid = []
            if code == CLOSING or too_early:  # in both cases nothing more is to be sent on this connection
                self.over, self.outcome = True, self._refused
                return
        elif too_early and wanted(step, code):
            self.over, self.outcome = True, NoAnswer("the server took the mail before all of it had left")
            return
        elif not wanted(step, code):
            self._fail(f"the server answered {step} with {code}")
            return
        self._go_on(step, code)

    def _go_on(self, step: Step, code: int) -> None:
        if step is Step.DOT:
            self._unclean = False
            self.outcome = self._refused or Accepted()
        elif step is Step.DATA and wanted(step, code):
            self._send_mail()
        elif self._unsaid:
            self._say_next()
        elif self._refused and not self._awaited:
            self.outcome = self._refused

    def _send_mail(self) -> None:
        if self._heard:  # it would be read as the answer to the mail
            self._fail("the server answered what was not asked")
            return
        # A server may ask for the mail of which it refused the recipient (RFC 2920): it gets an empty one.
        self._say_body(DOT if self._refused else self._body)

    def _fail(self, why: str) -> None:
        """No sensible answer came, and none can be waited for."""
        self.over = True
        self.outcome = self.outcome or self._refused or unanswered(why, dot_left=self._dot_left)


def _plain(text: bytes) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text.decode("latin-1"))


def _words(error: OSError) -> str:
    return f"the connection broke ({error.strerror or type(error).__name__})"
