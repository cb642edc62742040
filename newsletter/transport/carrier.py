"""What a sender asks of every way out: room for the next mails, bytes away, answers back."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from newsletter.mail import Addressee, Print
from newsletter.transport.outcomes import Outcome


@dataclass(slots=True)
class Letter:
    """One reader's mail on its way: which row it is, what is printed, and for whom."""

    key: int  # the Delivery's primary key
    public_id: str
    printed: Print
    reader: Addressee
    content: Any = None  # what `prepare` made; each carrier knows its own


class Carrier(Protocol):
    """One sender's way to the mail server or provider. Used as a context manager, by one thread.

    A sender prepares letters, asks `room` how many of them may pass the gate now, gates those and commits,
    gives exactly those that passed to `carry`, and reads `answers` until each letter has its one outcome.
    """

    @property
    def at_once(self) -> int:
        """How many prepared letters it can make use of at a time, for `room` and for those that follow."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def prepare(self, letter: Letter) -> None:
        """Build what can be built before the gate; raises ValueError where no mail can be addressed."""

    def room(self, letters: Sequence[Letter]) -> int:
        """How many of the first of these prepared letters may be gated now; 0 while all lines are busy.

        Makes sure that the other side can be reached; raises TransportDown where it cannot, or no longer.
        Never gives more than what one crash may leave in doubt: one letter a connection, or one API call.
        """

    def carry(self, letters: Sequence[Letter]) -> None:
        """Begin to hand over letters that have passed the gate. Never raises for what the other side does."""

    def answers(self) -> list[tuple[Letter, Outcome]]:
        """Wait until something is known of at least one letter under way, and return all that is known.

        Empty only where nothing is under way. Every letter carried comes back exactly once: at the latest
        when its timeout has passed.
        """
