"""Letters for tests of carriers: printed, prepared as a sender does it, and carried to their last answer."""

import uuid
from collections.abc import Sequence
from datetime import date

from newsletter.mail import Press, Print
from newsletter.models import Subscriber
from newsletter.transport.carrier import Carrier, Letter
from newsletter.transport.outcomes import Outcome
from tests.factories import make_edition, make_paper, make_subscriber

# Papers quote whatever they like; nothing of it may be a provider's template language.
HOSTILE = r"On {{preferences}} [[var:unsubscribe]] %recipient.unsubscribe% -reader.preferences- *|X|* <%y%>"


def make_print(title: str = "A paper") -> Print:
    """The digest of a new edition of one paper with this title."""
    reader = make_subscriber()
    edition = make_edition(date=date(2026, 11, 20), papers=[(make_paper(title=title), [])])
    printed = Press([edition]).print(reader.mix)
    assert printed is not None
    return printed


def make_letters(printed: Print, addresses: Sequence[str]) -> list[Letter]:
    """One letter a reader; they are not in the database, where nobody looks for them."""
    return [
        Letter(
            key=number,
            public_id=str(uuid.uuid4()),
            printed=printed,
            reader=Subscriber(email=address, handle=uuid.uuid4().hex, secret=uuid.uuid4().hex),
        )
        for number, address in enumerate(addresses)
    ]


def readers(number: int) -> list[str]:
    return [f"reader{place}@example.org" for place in range(number)]


def delivered(carrier: Carrier, letters: Sequence[Letter]) -> dict[str, Outcome]:
    """Carry all of them, as a sender does, and return what became of each by address."""
    known: dict[str, Outcome] = {}
    waiting = list(letters)
    for letter in waiting:
        carrier.prepare(letter)
    while waiting:
        number = carrier.room(waiting)
        assert number
        carrier.carry(waiting[:number])
        del waiting[:number]
        while found := carrier.answers():
            for letter, outcome in found:
                assert letter.reader.email not in known, "a letter came back twice"
                known[letter.reader.email] = outcome
    return known
