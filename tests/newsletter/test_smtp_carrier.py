"""The SMTP carrier against real servers on loopback: lines, encryption, login, and the bytes that arrive."""

import email
import itertools
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from email.utils import parseaddr, parsedate_to_datetime
from time import monotonic
from typing import Any

import pytest
from django.conf import settings
from django.test.utils import override_settings

from newsletter.mail import Press
from newsletter.transport.carrier import Letter
from newsletter.transport.outcomes import Accepted, Outcome, Refused
from newsletter.transport.smtp import SmtpCarrier, stuffed
from newsletter.transport.smtp_line import Enveloped
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.newsletter.smtp_script import Server, smtp_server
from tests.processes import ROOT, wait_until

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
    given = {**server.settings, "EMAIL_TIMEOUT": 20, "NEWSLETTER_SMTP_CONNECTIONS": lines, **options}
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


def everybody(number: int) -> dict[str, Outcome]:
    return {letter.reader.email: Accepted() for letter in letters(number)}


def wait_for_lines(way: SmtpCarrier, number: int) -> None:
    wait_until(lambda: way.room(letters(number)) == number, 20, "all connections are open")


def test_every_letter_arrives_once_and_whole() -> None:
    with smtp_server() as server, carrier(server) as way:
        wait_for_lines(way, 4)
        assert hand_over(way, letters(100)) == everybody(100)
        assert sorted(server.recipients) == sorted(everybody(100))
        assert set(server.received) == {MAIL.replace(b"\r\n.", b"\r\n..")}
        assert server.connections == 4
        assert way.answers() == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n..\r\na\r\n.b.\r\n", b"..\r\n...\r\na\r\n..b.\r\n.\r\n"),
    ],
)
def test_a_mail_ends_at_its_own_dot_only(content: bytes, expected: bytes) -> None:
    assert stuffed(content) == expected


@pytest.mark.django_db
def test_digests_arrive_as_they_were_printed() -> None:
    dotted, plain = make_topic(slug="dotted"), make_topic(slug="plain")
    papers = [(make_paper(title="...dots"), [dotted]), (make_paper(title="no dots"), [plain])]
    press = Press([make_edition(date=date(2026, 11, 20), papers=papers)])
    readers = [make_subscriber(topics={topic: "normal"}) for topic in (dotted, plain, dotted, dotted)]
    prints = {mix: press.print(mix) for mix in {reader.mix for reader in readers}}
    digests = [Letter(n, f"id{n}", prints[reader.mix], reader) for n, reader in enumerate(readers)]
    sender = "Zeitung <rund@bücher.example>"
    with smtp_server() as server, carrier(server, lines=1, DEFAULT_FROM_EMAIL=sender) as way:
        for digest in digests:
            way.prepare(digest)
        assert len(hand_over(way, digests)) == 4
    for digest, content in zip(digests, server.received, strict=True):
        moment = parsedate_to_datetime(str(email.message_from_bytes(content)["Date"]))
        wire = digest.printed.wire(digest.reader, public_id=digest.public_id, now=moment)
        assert content == wire
        assert b"\r\n." not in wire  # so nothing is to be doubled, which would take longer than all the rest
    mail, rcpt, data = server.commands[1:4]
    assert mail == "MAIL FROM:<rund@xn--bcher-kva.example>"
    assert (rcpt, data) == (f"RCPT TO:<{readers[0].email}>", "DATA")


@pytest.mark.parametrize(
    "address", ["jürgen@example.org", "a b@example.org", "a>b@example.org", "a@b\r\nDATA"]
)
def test_an_address_that_cannot_stand_in_a_command_is_refused_before_the_gate(address: str) -> None:
    with (
        smtp_server() as server,
        carrier(server) as way,
        pytest.raises(ValueError, match="is no plain ASCII"),
    ):
        way.prepare(letter(address))


@pytest.mark.parametrize("starttls", [False, True], ids=["from the first byte", "STARTTLS"])
def test_mails_go_out_encrypted_and_logged_in_as_the_settings_say(
    starttls: bool, trusted: ssl.SSLContext
) -> None:
    options = {
        "EMAIL_USE_TLS" if starttls else "EMAIL_USE_SSL": True,
        "EMAIL_HOST_USER": "user",
        "EMAIL_HOST_PASSWORD": "password",
    }
    with smtp_server(MAIL="530 log in first") as server:
        server.tls = trusted
        server.extensions += ["AUTH PLAIN", *(["STARTTLS"] if starttls else [])]
        with carrier(server, **options) as way:
            wait_for_lines(way, 4)
            assert hand_over(way, letters(50)) == everybody(50)
    assert sorted(server.recipients) == sorted(everybody(50))
    assert server.connections == server.encrypted == 4


def test_a_refused_letter_leaves_nothing_behind_for_the_next() -> None:
    with smtp_server() as server, carrier(server, lines=1) as way:
        server.for_recipient = lambda recipient: {"DATA": "451 busy"} if "reader0" in recipient else {}
        outcomes = hand_over(way, letters(3))
    assert list(outcomes.values())[1:] == [Accepted(), Accepted()]
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    first, second, third = (
        [f"MAIL FROM:<{sender}>", f"RCPT TO:<reader{place}@example.org>", "DATA"] for place in range(3)
    )
    assert server.commands[1:] == [*first, "RSET", *second, *third, "QUIT"]


def test_where_the_server_takes_fewer_connections_there_are_fewer() -> None:
    with smtp_server() as server, carrier(server, lines=10) as way:
        server.most_at_once = 3
        assert hand_over(way, letters(60)) == everybody(60)
        wait_until(lambda: server.ended == 7, 20, "seven connections were refused")
        assert hand_over(way, letters(60)) == everybody(60)
    assert server.connections == 10  # those seven were not tried again at once


def test_connections_that_the_server_ended_between_two_letters_are_replaced() -> None:
    with smtp_server() as server, carrier(server, lines=1) as way:
        server.hang_up_after_mail = True
        for place in range(5):
            assert hand_over(way, [letter(f"reader{place}@example.org")]).popitem()[1] == Accepted()
            line = way._idle[0]
            wait_until(lambda line=line: not line.is_quiet(), 20, "the server ended the connection")
    assert (len(server.received), server.connections) == (5, 5)


def test_an_answer_that_came_while_this_process_did_not_run_is_still_the_answer() -> None:
    with smtp_server() as server, carrier(server, lines=1) as way:
        given = letter()
        assert way.room([given]) == 1
        way.carry([given])
        [line] = way._busy
        while not server.received:
            select.select([line.sock], [], [])
            line.advance()
        if line.outcome is None:
            select.select([line.sock], [], [])
        line.deadline = monotonic() - 1
        assert way.answers() == [(given, Accepted())]


def peeked(connection: socket.socket) -> bytes:
    select.select([connection], [], [])
    return connection.recv(1_000, socket.MSG_PEEK)


def test_no_mail_is_begun_after_its_time_is_over() -> None:
    with smtp_server() as server, carrier(server, lines=1) as way:
        given = letter()
        assert way.room([given]) == 1
        way.carry([given])
        [line] = way._busy
        wait_until(lambda: b"354" in peeked(line.sock), 20, "the server asks for the mail")
        line.deadline = monotonic() - 1
        reason = "the time was over before the whole mail had left"
        assert way.answers() == [(given, Refused(temporary=True, reason=reason))]
    assert server.received == []


CARRY_ONE = """
import sys
from django import setup
setup()
from newsletter.transport.smtp import SmtpCarrier
from tests.newsletter.test_smtp_carrier import letter
with SmtpCarrier() as way:
    given = [letter()]
    way.carry(given[:way.room(given)])
    way.answers()
"""


@pytest.mark.parametrize(
    ("place", "commands", "whole"),
    [("carry-started", 1, 0), ("body-half-sent", 4, 0), ("body-sent", 4, 1), ("elsewhere", 5, 1)],
)
def test_a_test_may_kill_the_process_at_each_place(place: str, commands: int, whole: int) -> None:
    with smtp_server() as server:
        given = {"EMAIL_URL": f"smtp://127.0.0.1:{server.server_address[1]}", "NEWSLETTER_FAILPOINT": place}
        given |= {"EMAIL_BACKEND": "", "NEWSLETTER_SMTP_CONNECTIONS": "1"}
        process = subprocess.run([sys.executable, "-c", CARRY_ONE], env={**os.environ, **given}, cwd=ROOT)
        wait_until(lambda: server.ended == 1, 20, "the connection ended")
    assert process.returncode == (0 if place == "elsewhere" else -signal.SIGKILL)
    assert (len(server.commands), len(server.received)) == (commands, whole)


def test_a_carrier_that_is_left_in_the_middle_completes_no_letter() -> None:
    with smtp_server() as server:
        with carrier(server, lines=3) as way:
            given = letters(3)
            room = way.room(given)
            way.carry(given[:room])
        wait_until(lambda: server.ended == server.connections, 20, "all connections ended")
        assert server.received == []


def test_there_is_room_for_one_letter_a_connection() -> None:
    with smtp_server() as server, carrier(server, lines=3) as way:
        wait_for_lines(way, 3)
        assert way.room(letters(10)) == 3
        given = letters(3)
        way.carry(given)
        assert way.room(letters(5)) == 0
        assert way.room([]) == 0
