"""One run of one sender: claim, print, prepare, gate, hand over, record.

A loop over a `Carrier`. While letters are on their way, the next are printed and prepared; one commit records
all answers that have come and opens the gate for the letters that fit on the lines that are free.
"""

import logging
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import takewhile
from math import inf
from time import monotonic, sleep

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from newsletter.delivery import brakes, rate, recording
from newsletter.delivery.ledger import Claimed, Ledger
from newsletter.delivery.pausing import PAUSED
from newsletter.delivery.printing import PrintRoom
from newsletter.delivery.recording import MAX_ATTEMPTS, Change
from newsletter.failpoints import failpoint
from newsletter.models import Edition, Subscriber
from newsletter.transport.carrier import Carrier, Letter
from newsletter.transport.choosing import carrier
from newsletter.transport.outcomes import NoAnswer, Outcome, Refused, TransportDown

__all__ = ["MAX_ATTEMPTS", "SendReport", "Sender"]
logger = logging.getLogger(__name__)

FIRST_CLAIM, MOST_CLAIMED = 100, 500
# Claims hold about as many rows as go out in so many seconds: far less than a lease.
CLAIM_SECONDS = 5
# How long a sender waits for a database that went away, and how often in a row it may fail.
PATIENCE, FAILURES = 30, 5
# How long a run waits for the rate; longer, and it ends: another run goes on.
LONGEST_WAIT = 60
LOST = (OperationalError, InterfaceError)  # the database went away, or broke a tie between two senders
COUNTED = {"accepted": "accepted", "rejected": "rejected", "in_doubt": "in_doubt", "pending": "postponed"}


@dataclass(slots=True)
class SendReport:
    """What one run did. Counts are mails, `digests` the mixes that were composed."""

    digests: int = 0
    accepted: int = 0
    rejected: int = 0
    skipped: int = 0
    expired: int = 0
    postponed: int = 0
    in_doubt: int = 0
    out_of_time: bool = False  # mails may still wait that could go now
    stopped: str = ""  # why the run ended early, "" where it did not
    for_all: bool = False  # what stopped it would stop every edition now


class _Halted(Exception):
    """Going on with this edition would only be refused; the message says by whom."""


class _Refused(Exception):
    """The other side refuses every mail; the message says why."""


@dataclass(slots=True)
class Sender:
    """One run of one process over one edition. It may be killed at any moment."""

    edition: Edition
    only: Subscriber | None = None
    clock: Callable[[], datetime] = timezone.now
    progress: Callable[[SendReport], None] | None = None
    report: SendReport = field(default_factory=SendReport)
    token: uuid.UUID = field(default_factory=uuid.uuid4)
    _ledger: Ledger = field(init=False)
    _prints: PrintRoom = field(init=False)
    _queue: deque[Claimed] = field(default_factory=deque)  # claimed, not yet prepared
    _ready: list[Letter] = field(default_factory=list)  # prepared, not yet gated
    _rows: dict[int, Claimed] = field(default_factory=dict)  # of the letters ready and under way
    _under_way: dict[int, Letter] = field(default_factory=dict)
    _changes: list[Change] = field(default_factory=list)  # known, not yet recorded
    _exhausted: bool = False
    _claims: "_Claims" = field(default_factory=lambda: _Claims())
    _unprinted: dict[tuple[date, int], str] = field(default_factory=dict)  # by window and mix, why
    _wait: float = 0.0  # seconds until the rate lets the next one go
    _failures: int = 0
    _fruitless: int = 0  # gates in a row that let nobody pass

    def __post_init__(self) -> None:
        self._ledger = Ledger(self.edition, self.only, self.token)
        self._prints = PrintRoom(self.edition)

    def run(self, *, seconds: float | None = None) -> SendReport:
        """Send what is pending, at most for `seconds`, and return what was done."""
        deadline = inf if seconds is None else monotonic() + seconds
        try:
            self._ensure_it_may_go()
            rate.ensure_open(now=self.clock())
            with carrier() as way:
                try:
                    self._work(way, deadline)
                finally:
                    self._wind_down(way)
        except _Halted as error:
            self.report.stopped = str(error)
        except (TransportDown, rate.Used, _Refused) as error:
            self.report.stopped, self.report.for_all = str(error), True
        except LOST as error:
            self.report.stopped = f"the database fails: {_one_line(error)}"
            if connection.in_atomic_block:
                raise
        finally:
            self._release()
            self.report.digests += self._prints.composed
        return self.report

    def _ensure_it_may_go(self) -> None:
        """Raise where mails wait and the gate is shut: each try would cost the rate, which others share."""
        if self._ledger.something_waits(now=self.clock()) and (stopped := self._ledger.stopped_by()):
            raise _Halted(stopped)

    def _work(self, way: Carrier, deadline: float) -> None:
        while True:
            self.report.out_of_time = monotonic() > deadline
            letters = [] if self.report.out_of_time else self._ready[: self._free(way)]
            self._turn(way, letters)
            if not self.report.out_of_time:
                self._fill(way)
            if self._under_way:
                self._hear(way)
            elif self.report.out_of_time or (self._exhausted and not self._ready and not self._queue):
                return
            elif self._wait:
                sleep(min(self._wait, max(0.0, deadline - monotonic())))

    def _free(self, way: Carrier) -> int:
        """How many of the letters that are ready may be gated now."""
        self._wait = 0.0
        if not self._ready:
            return 0
        # One window at a time: a gate compares what one press printed from, and each has its own moment.
        first_on = self._rows[self._ready[0].key].first_on
        room = way.room(
            list(takewhile(lambda letter: self._rows[letter.key].first_on == first_on, self._ready))
        )
        if not room:
            if not self._under_way:
                raise TransportDown("no line to the mail server or provider is free")
            return 0
        try:
            granted, self._wait = rate.take(room)
        except LOST as error:
            self._reconnect(error)
            return 0
        if self._wait > LONGEST_WAIT and not self._under_way:
            raise rate.Used(f"the rate is used up for {self._wait:.0f} seconds")
        return granted

    def _turn(self, way: Carrier, letters: Sequence[Letter]) -> None:
        """Record what is known, gate these letters in the same commit, and hand over those that passed."""
        if not letters and not self._changes:
            return
        rows = [self._rows[letter.key] for letter in letters]
        del self._ready[: len(letters)]
        printed = self._prints.printed_from(rows[0].first_on) if rows else ""
        began = monotonic()
        try:
            passed = self._ledger.turn(self._changes, rows, printed=printed, now=self.clock())
        except LOST as error:
            # Committed or not: no byte of these has left, so they wait again. The answers are still known.
            self._give_back(rows, "the database was away")
            self._reconnect(error)
            return
        self._failures = 0
        failed = any(change.state == "rejected" for change in self._changes)
        self._changes.clear()
        going = [letter for letter in letters if letter.key in passed]
        if going and monotonic() - began > settings.NEWSLETTER_LEASE_SECONDS:
            # Asleep for longer than a lease: others may have given these up meanwhile.
            self._give_back([self._rows[letter.key] for letter in going], "the sender slept")
        elif going:
            self._under_way |= {letter.key: letter for letter in going}
            way.carry(going)
        if failed:
            brakes.check(self.edition, now=self.clock())
        self._fruitless = 0 if passed else self._fruitless + bool(rows)
        if len(going) < len(letters):
            self._refused([row for row in rows if row.id not in passed])
        if self.progress:
            self.progress(self.report)

    def _refused(self, rows: Sequence[Claimed]) -> None:
        """See to rows that did not pass: readers who left, rows that are too late, or a stopped edition.

        Else the claim ran out or an edition changed: all claims are given back, to be taken and printed anew.
        """
        for row in rows:
            del self._rows[row.id]
        stopped = self._ledger.stopped_by()
        if stopped:
            raise _Halted(stopped)
        states = self._ledger.refuse(rows, now=self.clock())
        self.report.skipped += states.count("skipped")
        self.report.expired += states.count("expired")
        if set(states) - {"pending"}:
            self._fruitless = 0  # many may have left in a row; each is settled
        elif self._fruitless > FAILURES:
            raise _Halted("no mail passes the gate")
        if len(states) < len(rows) or "pending" in states:
            for letter in self._ready:
                del self._rows[letter.key]
            self._ready.clear()
            self._queue.clear()
            self._prints.start_again()
            self._ledger.release()
            self._exhausted = False

    def _hear(self, way: Carrier) -> None:
        """Wait for answers; raises where one of them was meant for every mail."""
        to_all: Refused | None = None
        for letter, outcome in way.answers():
            failpoint("answer-read")
            self._note(letter, outcome)
            if isinstance(outcome, Refused) and outcome.to_all:
                to_all = outcome
        if to_all is not None:
            if to_all.retry_after:
                rate.hold(to_all.retry_after, now=self.clock())
            raise _Refused(f"the mail server or provider refuses everything: {to_all.reason}")

    def _note(self, letter: Letter, outcome: Outcome) -> None:
        del self._under_way[letter.key]
        row = self._rows.pop(letter.key)
        change = recording.answered(row.id, row.attempts, outcome, now=self.clock())
        name = COUNTED[change.state]
        setattr(self.report, name, getattr(self.report, name) + 1)
        self._changes.append(change)

    def _fill(self, way: Carrier) -> None:
        """Prepare as many letters as the carrier can make use of; those that need no mail are settled."""
        while len(self._ready) < way.at_once and len(self._changes) < MOST_CLAIMED:
            if not self._queue and not self._claim(way.at_once):
                return
            self._prepare(self._queue.popleft(), way)

    def _prepare(self, row: Claimed, way: Carrier) -> None:
        if row.paused:
            self._skip(row, PAUSED, covers=False)
            return
        key = (row.first_on, row.mix_id)
        if key in self._unprinted:
            self._postpone(row, self._unprinted[key])
            return
        try:
            printed = self._prints.print(row)
        except (*LOST, SoftTimeLimitExceeded):
            raise
        except Exception as error:  # a mix may fail in any way, and must not keep the others
            logger.exception("%s: mix %s cannot be printed", self.edition, row.mix_id)
            self._unprinted[key] = f"cannot be printed: {type(error).__name__}: {_one_line(error)}"
            self._postpone(row, self._unprinted[key])
            return
        if printed is None:
            self._skip(row, "nothing matched", covers=True)
            return
        letter = Letter(row.id, row.public_id, printed, row)
        try:
            way.prepare(letter)
        except ValueError as error:
            self._skip(row, f"no mail can be addressed to this reader: {error}", covers=False)
            return
        self._rows[row.id] = row
        self._ready.append(letter)

    def _postpone(self, row: Claimed, reason: str) -> None:
        self.report.postponed += 1
        self._changes.append(recording.not_printed(row.id, row.attempts, reason, now=self.clock()))

    def _skip(self, row: Claimed, reason: str, *, covers: bool) -> None:
        self.report.skipped += 1
        self._changes.append(recording.skipped(row.id, row.attempts, reason, covers=covers))

    def _claim(self, at_once: int) -> bool:
        """Claim the next rows; False where none wait."""
        while not self._exhausted and not self._queue:
            try:
                rows = self._ledger.claim(self._claims.size(at_once), now=self.clock())
            except LOST as error:
                self._reconnect(error)
                continue
            self._prints.expect(rows)
            self._queue.extend(rows)
            self._exhausted = not rows
        return bool(self._queue)

    def _give_back(self, rows: Sequence[Claimed], reason: str) -> None:
        for row in rows:
            del self._rows[row.id]
            self._changes.append(recording.not_sent(row.id, row.attempts, reason))
        self._exhausted = False

    def _wind_down(self, way: Carrier) -> None:
        """Hear and record what is still under way."""
        try:
            while self._under_way and (known := way.answers()):
                for letter, outcome in known:
                    self._note(letter, outcome)
        finally:
            for letter in list(self._under_way.values()):
                self._note(letter, NoAnswer("the sender failed"))
            while self._changes:
                self._turn(way, [])

    def _release(self) -> None:
        try:
            self._ledger.release()
        except LOST as error:
            # Whatever is not given back comes free when its lease runs out.
            try:
                self._reconnect(error)
                self._ledger.release()
            except (*LOST, _Halted) as again:
                logger.warning("Claims stay until their lease runs out: %s", again)

    def _reconnect(self, error: Exception) -> None:
        """Wait for the database; raises where it stays away, or fails again and again."""
        if connection.in_atomic_block:
            raise error
        logger.warning("The database failed, the sender waits for it: %s", error)
        self._failures += 1
        until = monotonic() + PATIENCE
        while self._failures <= FAILURES:
            try:
                connection.close()
                connection.ensure_connection()
                return
            except OperationalError as again:
                error = again
                if monotonic() > until:
                    break
            sleep(0.2)
        raise _Halted(f"the database fails: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


@dataclass(slots=True)
class _Claims:
    """How many rows to claim: as many as go out in CLAIM_SECONDS."""

    _size: int = 0
    _at: float = 0.0

    def size(self, at_once: int) -> int:
        """The next claim's size; `at_once` is what the carrier can make use of together."""
        passed, self._at = monotonic() - self._at, monotonic()
        if not self._size:
            self._size = max(FIRST_CLAIM, at_once)
        else:
            fitting = int(self._size * CLAIM_SECONDS / max(passed, 0.001))
            self._size = max(10, min(fitting, max(MOST_CLAIMED, at_once)))
        return self._size
