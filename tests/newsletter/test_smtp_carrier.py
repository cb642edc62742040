"""The SMTP carrier against real servers on loopback: lines, encryption, login, and the bytes that arrive."""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.test.utils import override_settings

from newsletter.transport.carrier import Letter
from newsletter.transport.outcomes import Accepted, Outcome
from newsletter.transport.smtp import SmtpCarrier, stuffed
from newsletter.transport.smtp_line import Enveloped
from tests.newsletter.smtp_script import Server

MAIL = b"From: a@example.org\r\nSubject: one\r\n\r\n.dot\r\ntext\r\n"
_numbers = itertools.count(1)


class Reader:
    handle, secret = "handle", "secret"

    def __init__(self, email: str) -> None:
        self.email = email


def letter(address: str = "reader@example.org", content: bytes = MAIL) -> Letter:
    """A letter as `prepare` leaves it."""
    made = Letter(key=next(_numbers), public_id="id", printed=None, reader=Reader(address))  # type: ignore[arg-type]
    made.content = Enveloped(b"RCPT TO:<%s>\r\n" % address.encode(), stuffed(content))
    return made


@contextmanager
def carrier(server: Server, *, lines: int = 4, **options: Any) -> Iterator[SmtpCarrier]:
    given = {**server.settings, "NEWSLETTER_SMTP_CONNECTIONS": lines, **options}
    with override_settings(**given), SmtpCarrier() as made:
        yield made


def hand_over(way: SmtpCarrier, letters: Iterable[Letter]) -> dict[str, Outcome]:
    """Each address's outcome, with as many letters under way as there is room for; each comes back once."""
    left, outcomes = list(letters), {}
    under_way: set[int] = set()
    while left or under_way:
        if left and (room := way.room(left)):
            going, left = left[:room], left[room:]
            under_way |= {letter.key for letter in going}
            way.carry(going)
        for letter, outcome in way.answers():
            under_way.remove(letter.key)
            assert letter.reader.email not in outcomes
            outcomes[letter.reader.email] = outcome
    return outcomes


def letters(number: int) -> list[Letter]:
    return [letter(f"reader{place}@example.org") for place in range(number)]


def test_every_letter_arrives_once_and_whole() -> None:
    from tests.newsletter.smtp_script import smtp_server

    with smtp_server() as server, carrier(server) as way:
        assert hand_over(way, letters(100)) == {
            f"reader{place}@example.org": Accepted() for place in range(100)
        }
        assert sorted(server.recipients) == sorted(f"reader{place}@example.org" for place in range(100))
        assert set(server.received) == {MAIL.replace(b"\r\n.", b"\r\n..")}
        assert server.connections == 4
