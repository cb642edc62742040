"""The way to a plain mail server: several connections, each with one letter under way, served by one thread.

Django's SMTP backend opens each connection (see `smtp_dialing`); from then on its socket is driven here, so
that many letters travel at once and every silence has one meaning (see `smtp_line`, `smtp_verdicts`).
"""

import re
import selectors
from collections.abc import Sequence
from email.utils import parseaddr
from math import inf
from time import monotonic
from types import TracebackType
from typing import Self

from django.conf import settings
from django.core.mail.message import sanitize_address
from django.utils import timezone

from newsletter.failpoints import failpoint
from newsletter.mail import Print
from newsletter.transport.carrier import Letter
from newsletter.transport.outcomes import Outcome, TransportDown
from newsletter.transport.smtp_dialing import Dialer
from newsletter.transport.smtp_line import END, Enveloped, Line

# Answers that come so soon after the first one come with it: one commit then records them all.
TOGETHER_SECONDS = 0.004
GOODBYE_SECONDS = 1.0  # how long all servers together have to answer our QUIT
# A server that refused one more connection is asked again after this time, as long as others stand.
DIAL_AGAIN_SECONDS = 30.0


class SmtpCarrier:
    """NEWSLETTER_SMTP_CONNECTIONS lines to the server of the EMAIL_* settings; see `Carrier`."""

    def __init__(self) -> None:
        self._most = settings.NEWSLETTER_SMTP_CONNECTIONS
        self._timeout = float(settings.EMAIL_TIMEOUT)
        self._mail = f"MAIL FROM:<{_sender()}>\r\n".encode("ascii")
        self._selector = selectors.DefaultSelector()
        self._dialer = Dialer()
        self._idle: list[Line] = []
        self._busy: dict[Line, Letter] = {}
        self._writing: set[Line] = set()
        self._dial_after = 0.0
        self._printed: Print | None = None  # what the last letter prepared is a copy of
        self._dotted = False

    @property
    def at_once(self) -> int:
        """Letters worth preparing together: while some travel, the next ones wait."""
        return 2 * self._most

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._dialer.close()
        for line in list(self._busy):
            self._drop(line)
        self._say_goodbye()
        self._selector.close()

    def prepare(self, letter: Letter) -> None:
        """Build the mail's bytes; raises ValueError where the address cannot stand in a mail."""
        address = letter.reader.email
        if not re.fullmatch(r"[!-;=?-~]+", address):
            raise ValueError(f"{address!r} is no plain ASCII address")
        content = letter.printed.wire(letter.reader, public_id=letter.public_id, now=timezone.now())
        # Mails of one print differ in addresses and tokens only, and no line begins with their dots: looking
        # for such lines in each mail would cost more than all the rest of its way out.
        if letter.printed is not self._printed:
            self._printed, self._dotted = letter.printed, b"\r\n." in content
        body = stuffed(content) if self._dotted else content + END
        letter.content = Enveloped(f"RCPT TO:<{address}>\r\n".encode("ascii"), body)

    def room(self, letters: Sequence[Letter]) -> int:
        """How many of these letters have an open line waiting for them; see `Carrier`."""
        self._drop_those_that_hung_up()
        self._take_dialed(wait=0)
        wanted = min(self._most, len(self._busy) + len(letters))
        missing = wanted - len(self._idle) - len(self._busy) - self._dialer.dialing
        alone = not self._idle and not self._busy
        if missing > 0 and (alone or monotonic() >= self._dial_after):
            self._dialer.dial(missing)
        if alone and wanted:
            self._wait_for_first()
        return min(len(self._idle), len(letters))

    def carry(self, letters: Sequence[Letter]) -> None:
        """Begin to hand over letters for which there was room."""
        failpoint("carry-started")
        deadline = monotonic() + self._timeout
        for letter in letters:
            line = self._idle.pop()
            self._busy[line] = letter
            line.start(letter.content, deadline=deadline)
            self._watch(line)

    def answers(self) -> list[tuple[Letter, Outcome]]:
        """Wait until at least one letter under way has its outcome; see `Carrier`."""
        done: list[tuple[Letter, Outcome]] = []
        until = inf
        while self._busy:
            # Letters are begun in the order of their deadlines, so the first one's comes first.
            first = next(iter(self._busy)).deadline
            ready = self._selector.select(max(0.0, min(first, until) - monotonic()))
            for key, _ in ready:
                self._advance(key.data, done)
            if not ready:
                self._give_up_late_ones(done)
            if done and until == inf:
                until = monotonic() + TOGETHER_SECONDS
            elif done and (not ready or monotonic() >= until):
                break
        return done

    def _advance(self, line: Line, done: list[tuple[Letter, Outcome]]) -> None:
        if line not in self._busy:
            if not line.is_quiet():
                self._drop(line)
            return
        line.advance()
        self._watch(line)
        self._take_outcome(line, done)

    def _give_up_late_ones(self, done: list[tuple[Letter, Outcome]]) -> None:
        now = monotonic()
        for line in [line for line in self._busy if line.deadline <= now]:
            line.give_up(f"no answer came within {self._timeout:g} seconds")
            self._take_outcome(line, done)

    def _take_outcome(self, line: Line, done: list[tuple[Letter, Outcome]]) -> None:
        if line.outcome is None:
            return
        done.append((self._busy.pop(line), line.outcome))
        line.forget()
        if line.over:
            self._drop(line)
            return
        self._watch(line)
        self._idle.append(line)

    def _watch(self, line: Line) -> None:
        """Be told when a line that has more to say can say it, and only then."""
        if line.wants_to_write == (line in self._writing):
            return
        self._writing ^= {line}
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.wants_to_write else 0)
        self._selector.modify(line.sock, events, line)

    def _drop(self, line: Line) -> None:
        self._selector.unregister(line.sock)
        self._busy.pop(line, None)
        self._writing.discard(line)
        if line in self._idle:
            self._idle.remove(line)
        line.close()

    def _drop_those_that_hung_up(self) -> None:
        for line in [line for line in self._idle if not line.is_quiet()]:
            self._drop(line)

    def _take_dialed(self, *, wait: float) -> Exception | None:
        """Take what the dialer has; the last failure is returned."""
        failure = None
        while (found := self._dialer.result(wait=wait)) is not None:
            wait = 0
            if isinstance(found, Exception):
                failure = found
                self._dial_after = monotonic() + DIAL_AGAIN_SECONDS
                continue
            line = Line(found, self._mail)
            self._selector.register(line.sock, selectors.EVENT_READ, line)
            self._idle.append(line)
        return failure

    def _wait_for_first(self) -> None:
        end = monotonic() + self._timeout
        failure: Exception | None = None
        while not self._idle:
            left = end - monotonic()
            if left <= 0 or not self._dialer.dialing:
                why = failure or f"no connection was opened within {self._timeout:g} seconds"
                raise TransportDown(f"the mail server cannot be reached: {why}") from failure
            failure = self._take_dialed(wait=left) or failure

    def _say_goodbye(self) -> None:
        """End the idle connections as SMTP wants it: a server must not think that we broke off."""
        for line in self._idle:
            line.say_quit()
        end = monotonic() + GOODBYE_SECONDS
        for line in self._idle:
            line.wait_for_end(max(0.01, end - monotonic()))
            line.close()
        self._idle.clear()


def stuffed(content: bytes) -> bytes:
    """A mail as it stands after DATA: dots at the start of a line doubled, and the final dot."""
    content = content.replace(b"\r\n.", b"\r\n..")
    start = b"." if content.startswith(b".") else b""
    end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
    return b"".join((start, content, end))


def _sender() -> str:
    """The address of DEFAULT_FROM_EMAIL, its domain in ASCII."""
    return parseaddr(sanitize_address(settings.DEFAULT_FROM_EMAIL, "utf-8"))[1]
