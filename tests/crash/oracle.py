"""One verdict over a run: the ledger against what the mail server itself wrote down. Pure.

The ledger is what we say; the other side's own log is what happened. The verdict has every figure, and a
sentence for each promise that does not hold.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

SETTLED = ("accepted", "rejected", "skipped", "expired", "in_doubt")
MAY_HAVE_LEFT = ("accepted", "in_doubt")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger. `gates` and `returns` count how often it became handoff, and pending after that:
    each gate but the last must have been given back by a refusal, or by a sender that had sent nothing."""

    delivery: str  # its public id, which stands in the mail's Message-ID
    reader: str
    edition: int
    state: str
    gates: int = 0
    returns: int = 0


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that the other side took: for which address, of which delivery ("" where it does not say)."""

    reader: str
    delivery: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every figure of a run, and what is wrong with it: one sentence each, none where all promises held."""

    owed: int
    planned: int
    states: dict[str, int]
    arrived: int
    doubt_allowed: int
    faults: tuple[str, ...] = field(default=())

    @property
    def holds(self) -> bool:
        return not self.faults

    def __str__(self) -> str:
        states = ", ".join(f"{self.states[name]} {name}" for name in sorted(self.states))
        told = f"{self.owed} owed, {self.planned} planned, {states}; {self.arrived} at the mail server"
        return "\n  ".join([f"{told}; at most {self.doubt_allowed} may be in doubt", *self.faults])


def judge(rows: Sequence[Row], mails: Sequence[Mail], *, owed: int, doubt_at_most: int) -> Verdict:
    """Compare the ledger after a run with the mails that arrived.

    `owed` is how many readers were to get one mail each, `doubt_at_most` how many rows the kills may have
    left in doubt.
    """
    states = Counter(row.state for row in rows)
    faults = [
        *_left_out(rows, owed),
        *_unsettled(rows),
        *_gated_twice(rows),
        *_unrecorded(rows, mails),
        *_twice(rows, mails),
        *_never_arrived(rows, mails),
    ]
    if states["in_doubt"] > doubt_at_most:
        faults.append(f"{states['in_doubt']} are in doubt, {doubt_at_most} may be")
    return Verdict(owed, len(rows), dict(states), len(mails), doubt_at_most, tuple(faults))


def _left_out(rows: Sequence[Row], owed: int) -> Iterable[str]:
    readers = Counter((row.reader, row.edition) for row in rows)
    twice = sorted(reader for (reader, _), times in readers.items() if times > 1)
    if twice:
        yield f"planned twice: {_some(twice)}"
    if len(readers) != owed:
        yield f"{owed} were owed a mail, {len(readers)} have a row"


def _unsettled(rows: Sequence[Row]) -> Iterable[str]:
    open_rows = [f"{row.reader} {row.state}" for row in rows if row.state not in SETTLED]
    if open_rows:
        yield f"not settled: {_some(open_rows)}"


def _gated_twice(rows: Sequence[Row]) -> Iterable[str]:
    again = [row.reader for row in rows if row.gates - row.returns > 1]
    if again:
        yield f"passed the gate again without a refusal: {_some(again)}"


def _unrecorded(rows: Sequence[Row], mails: Sequence[Mail]) -> Iterable[str]:
    """Mails that arrived although the ledger knows nothing of them, or says that they did not leave."""
    known = {row.delivery: row for row in rows}
    strange = [mail.reader for mail in mails if mail.delivery not in known]
    if strange:
        yield f"arrived without a row: {_some(strange)}"
    theirs = [mail.reader for mail in mails if mail.delivery in known]
    wrong = [
        mail.reader for mail in mails if mail.delivery in known and known[mail.delivery].reader != mail.reader
    ]
    if wrong:
        yield f"arrived at somebody else than the row's reader: {_some(wrong)} of {len(theirs)}"
    denied = [
        f"{row.reader} {row.state}"
        for mail in mails
        if (row := known.get(mail.delivery)) and row.state not in MAY_HAVE_LEFT
    ]
    if denied:
        yield f"arrived, and the ledger says otherwise: {_some(denied)}"


def _twice(rows: Sequence[Row], mails: Sequence[Mail]) -> Iterable[str]:
    edition_of = {row.delivery: row.edition for row in rows}
    counts = Counter((mail.reader, edition_of.get(mail.delivery)) for mail in mails)
    twice = sorted(reader for (reader, _), times in counts.items() if times > 1)
    if twice:
        yield f"arrived twice: {_some(twice)}"


def _never_arrived(rows: Sequence[Row], mails: Sequence[Mail]) -> Iterable[str]:
    arrived = {mail.delivery for mail in mails}
    lost = [row.reader for row in rows if row.state == "accepted" and row.delivery not in arrived]
    if lost:
        yield f"accepted, and never arrived: {_some(lost)}"


def _some(names: Sequence[str]) -> str:
    """How many, and the first few."""
    return f"{len(names)} ({', '.join(names[:5])}{', …' if len(names) > 5 else ''})"
