"""Every way a mail server can fail a mail, many times each: what the answer or the silence proves.

The faults and their rows in the table of docs/promises.md are checked against each other.
"""

import random
import re
import ssl
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from django.test.utils import override_settings

from newsletter.transport.carrier import Letter
from newsletter.transport.outcomes import Accepted, NoAnswer, Outcome, Refused, TransportDown
from newsletter.transport.smtp import SmtpCarrier
from tests.newsletter.smtp_script import DRIP, HANG_UP, SILENCE, Replies, Server, smtp_server
from tests.newsletter.test_smtp_carrier import carrier, hand_over, letter

TIMES = 20
PROMISES = Path(__file__).resolve().parents[2] / "docs" / "promises.md"
BIG = (
    b"Subject: big\r\n\r\n" + b"x" * 76 + b"\r\n" + (b"y" * 76 + b"\r\n") * 200_000
)  # more than a kernel buffers


class Fault(NamedTuple):
    row: str  # of the documented table
    replies: Replies
    outcome: Outcome


def now(reason: str) -> Refused:
    return Refused(temporary=True, reason=reason)


def for_good(reason: str) -> Refused:
    return Refused(temporary=False, reason=reason)


def to_all(reason: str) -> Refused:
    return Refused(temporary=True, reason=reason, to_all=True)


BEFORE, AFTER = "before the whole mail had left", "after the whole mail had left"
ENDED = "the server ended the connection"
NOT_SMTP = "the server answered what is not SMTP"
UNASKED = "the server answered what was not asked"
OTHER_4XX = "any other 4xx"
OTHER_5XX = "any other 5xx"
NO_LOGIN = "454, 530, 534, 535, 538 at any point: too fast, or it wants a login or encryption"
MISUNDERSTOOD = "500, 502, 503: it did not understand"
CLOSING = "421 at any point, which ends the connection"
EARLY_END = "the connection breaks before the whole mail has left"
LATE_END = "the connection breaks after the whole mail has left"
EARLY_NONSENSE = "it answers nonsense before the whole mail has left"
LATE_NONSENSE = "it answers nonsense after the whole mail has left"
EARLY_SILENCE = "no answer within EMAIL_TIMEOUT, and the mail has not left in whole"
LATE_SILENCE = "no answer within EMAIL_TIMEOUT, and the whole mail has left"
TAKEN = "2xx after the final dot"

FAULTS = {
    "rcpt-later": Fault(OTHER_4XX, {"RCPT": "450 full"}, now("RCPT was answered 450 full")),
    "rcpt-never": Fault(OTHER_5XX, {"RCPT": "550 who?"}, for_good("RCPT was answered 550 who?")),
    "rcpt-named": Fault(
        OTHER_5XX,
        {"RCPT": "550 5.1.1 <reader@example.org>: unknown"},
        for_good("RCPT was answered 550 5.1.1 <(address)>: unknown"),
    ),
    "rcpt-never-354": Fault(
        OTHER_5XX, {"RCPT": "550 who?", "DATA": "354 go on"}, for_good("RCPT was answered 550 who?")
    ),
    "rcpt-never-503": Fault(
        OTHER_5XX,
        {"RCPT": "550-who\n550 is it?", "DATA": "503 RCPT first"},
        for_good("RCPT was answered 550 who is it?"),
    ),
    "rcpt-login": Fault(NO_LOGIN, {"RCPT": "530 log in"}, to_all("RCPT was answered 530 log in")),
    "rcpt-closing": Fault(CLOSING, {"RCPT": "421 bye"}, now("RCPT was answered 421 bye")),
    "rcpt-end": Fault(EARLY_END, {"RCPT": HANG_UP}, now(f"{ENDED} {BEFORE}")),
    "rcpt-nonsense": Fault(EARLY_NONSENSE, {"RCPT": "¿qué?"}, now(f"{NOT_SMTP} {BEFORE}")),
    "data-later": Fault(OTHER_4XX, {"DATA": "451 busy"}, now("DATA was answered 451 busy")),
    "data-never": Fault(OTHER_5XX, {"DATA": "554 no"}, for_good("DATA was answered 554 no")),
    "data-misunderstood": Fault(MISUNDERSTOOD, {"DATA": "503 what?"}, now("DATA was answered 503 what?")),
    "data-closing": Fault(CLOSING, {"DATA": "421 bye"}, now("DATA was answered 421 bye")),
    "data-end": Fault(EARLY_END, {"DATA": HANG_UP}, now(f"{ENDED} {BEFORE}")),
    "data-250": Fault(EARLY_NONSENSE, {"DATA": "250 ok"}, now(f"the server answered DATA with 250 {BEFORE}")),
    "data-twice": Fault(EARLY_NONSENSE, {"DATA": "354 go on\n250 ok"}, now(f"{UNASKED} {BEFORE}")),
    "dot-later": Fault(OTHER_4XX, {".": "452 disk full"}, now("the final dot was answered 452 disk full")),
    "dot-never": Fault(OTHER_5XX, {".": "554 spam"}, for_good("the final dot was answered 554 spam")),
    "dot-throttled": Fault(
        NO_LOGIN, {".": "454 too fast"}, to_all("the final dot was answered 454 too fast")
    ),
    "dot-closing": Fault(CLOSING, {".": "421 bye"}, now("the final dot was answered 421 bye")),
    "dot-end": Fault(LATE_END, {".": HANG_UP}, NoAnswer(f"{ENDED} {AFTER}")),
    "body-end": Fault(LATE_END, {"cut": "20"}, NoAnswer(AFTER)),
    "dot-nonsense": Fault(LATE_NONSENSE, {".": "queued!"}, NoAnswer(f"{NOT_SMTP} {AFTER}")),
    "dot-354": Fault(
        LATE_NONSENSE, {".": "354 go on"}, NoAnswer(f"the server answered the final dot with 354 {AFTER}")
    ),
    "dot-long": Fault(TAKEN, {".": "250-it\n250-is\n250-taken\n250 now"}, Accepted()),
    "dot-251": Fault(TAKEN, {".": "251 taken and sent on"}, Accepted()),
    "dot-slow": Fault(TAKEN, {".": f"{DRIP}250 ok"}, Accepted()),
    "fine": Fault(TAKEN, {}, Accepted()),
}
NO_ANSWER = "no answer came within 4 seconds"
SILENT = {
    "rcpt-silent": Fault(EARLY_SILENCE, {"RCPT": SILENCE}, now(f"{NO_ANSWER} {BEFORE}")),
    "data-silent": Fault(EARLY_SILENCE, {"DATA": SILENCE}, now(f"{NO_ANSWER} {BEFORE}")),
    "data-slow": Fault(EARLY_SILENCE, {"DATA": DRIP + "354 " + "slow " * 40}, now(f"{NO_ANSWER} {BEFORE}")),
    "dot-silent": Fault(LATE_SILENCE, {".": SILENCE}, NoAnswer(f"{NO_ANSWER} {AFTER}")),
    "dot-too-slow": Fault(
        LATE_SILENCE, {".": DRIP + "250 " + "slow " * 40}, NoAnswer(f"{NO_ANSWER} {AFTER}")
    ),
}
# What the server does with every mail, whoever it is to.
TO_EVERYBODY = {
    "mail-later": Fault("4xx or 5xx to MAIL", {"MAIL": "451 later"}, to_all("MAIL was answered 451 later")),
    "mail-never": Fault(
        "4xx or 5xx to MAIL", {"MAIL": "550 go away"}, to_all("MAIL was answered 550 go away")
    ),
    "mail-closing": Fault(CLOSING, {"MAIL": "421 enough"}, now("MAIL was answered 421 enough")),
    "mail-end": Fault(EARLY_END, {"MAIL": HANG_UP}, now(f"{ENDED} {BEFORE}")),
    "mail-nonsense": Fault(EARLY_NONSENSE, {"MAIL": "25O ok"}, now(f"{NOT_SMTP} {BEFORE}")),
}


def faulty(names: list[str]) -> list[Letter]:
    """A letter for each name; the address says what is to happen to it."""
    return [letter(f"{name}.{place}@example.org") for place, name in enumerate(names)]


def play(server: Server, faults: dict[str, Fault]) -> None:
    server.for_recipient = lambda recipient: faults[recipient.partition(".")[0]].replies


def same_end(found: Outcome, expected: Outcome) -> bool:
    """Equal, or both without an answer for a reason whose exact words depend on the kernel's timing."""
    if isinstance(expected, NoAnswer) and expected.reason == AFTER:
        return isinstance(found, NoAnswer) and found.reason.endswith(AFTER)
    return found == expected


@pytest.mark.parametrize("extensions", [["PIPELINING", "8BITMIME"], []], ids=["pipelining", "one by one"])
def test_each_answer_gives_its_letter_the_documented_end(extensions: list[str]) -> None:
    names = [name for name in FAULTS for _ in range(TIMES)]
    random.Random(1).shuffle(names)
    with smtp_server() as server, carrier(server, lines=10) as way:
        server.extensions = extensions
        play(server, FAULTS)
        outcomes = hand_over(way, faulty(names))
    assert len(outcomes) == len(names)
    wrong = {
        address: outcome
        for address, outcome in outcomes.items()
        if not same_end(outcome, FAULTS[address.partition(".")[0]].outcome)
    }
    assert wrong == {}
    # The server is the judge: accepted letters are there, and refused ones only where it had them whole.
    whole = {name for name, fault in FAULTS.items() if fault.outcome == Accepted() or name.startswith("dot")}
    assert sorted(server.recipients) == sorted(a for a in outcomes if a.partition(".")[0] in whole)


def test_each_silence_gives_its_letter_the_documented_end() -> None:
    names = [name for name in SILENT for _ in range(10)]
    with smtp_server() as server, carrier(server, lines=50, EMAIL_TIMEOUT=4) as way:
        play(server, SILENT)
        outcomes = hand_over(way, faulty(names))
    assert outcomes == {
        f"{name}.{place}@example.org": SILENT[name].outcome for place, name in enumerate(names)
    }


@pytest.mark.parametrize("name", TO_EVERYBODY)
def test_what_meets_every_letter_gives_each_the_documented_end(name: str) -> None:
    fault = TO_EVERYBODY[name]
    with smtp_server(**fault.replies) as server, carrier(server) as way:
        outcomes = hand_over(way, faulty(["any"] * TIMES))
    assert list(outcomes.values()) == [fault.outcome] * TIMES
    assert server.received == []


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "encrypted"])
def test_a_mail_that_breaks_off_half_way_has_certainly_not_been_taken(
    tls: bool, trusted: ssl.SSLContext
) -> None:
    with smtp_server() as server:
        server.for_recipient = lambda recipient: {"cut": "100000"}
        server.tls = trusted if tls else None
        with carrier(server, EMAIL_USE_SSL=tls) as way:
            outcomes = hand_over(way, [letter(f"reader{n}@example.org", BIG) for n in range(8)])
    for outcome in outcomes.values():
        assert isinstance(outcome, Refused)
        assert (outcome.temporary, outcome.to_all) == (True, False)
        assert outcome.reason.startswith("the connection broke") or outcome.reason.startswith(ENDED)
        assert outcome.reason.endswith(BEFORE)
    assert len(outcomes) == 8


def test_a_refusal_in_the_middle_of_a_mail_is_an_answer() -> None:
    with smtp_server() as server:
        server.for_recipient = lambda recipient: {"too big": "100000"}
        with carrier(server) as way:
            outcomes = hand_over(way, [letter(f"reader{n}@example.org", BIG) for n in range(8)])
    assert set(outcomes.values()) == {for_good("the final dot was answered 552 too big")}


def test_a_server_that_ends_each_connection_after_a_few_mails_gets_all_of_them() -> None:
    with smtp_server() as server, carrier(server) as way:
        server.mails_a_connection = 3
        outcomes = hand_over(way, faulty(["any"] * 60))
    later = [outcome for outcome in outcomes.values() if outcome != Accepted()]
    # A letter that was begun just as the connection ended is refused for now.
    assert set(later) <= {
        now(f"{ENDED} {BEFORE}"),
        now(f"the connection broke (Connection reset by peer) {BEFORE}"),
        now(f"the connection broke (Broken pipe) {BEFORE}"),
    }
    assert len(server.received) == 60 - len(later)
    assert server.connections >= len(server.received) / 3


OPENINGS = {
    "greeting refused": {"greeting": "554 no"},
    "greeting refused for now": {"greeting": "421 busy"},
    "hung up at once": {"greeting": HANG_UP},
    "no greeting": {"greeting": SILENCE},
    "a greeting that is not SMTP": {"greeting": "HTTP/1.1 400 Bad Request"},
    "hello refused": {"EHLO": "550 no", "HELO": "550 no"},
    "hello hung up": {"EHLO": HANG_UP},
    "login refused": {"AUTH": "535 wrong password"},
    "login hung up": {"AUTH": HANG_UP},
    "no encryption": {"STARTTLS": "454 no certificate"},
    "no sensible encryption": {"STARTTLS": "220 but nothing follows"},
}


@pytest.mark.parametrize("name", OPENINGS)
def test_a_connection_that_cannot_be_opened_stops_everything_before_the_gate(name: str) -> None:
    with smtp_server(**OPENINGS[name]) as server:
        options = {"EMAIL_TIMEOUT": 0.3 if name == "no greeting" else 5}
        if "login" in name:
            server.extensions.append("AUTH PLAIN")
            options |= {"EMAIL_HOST_USER": "user", "EMAIL_HOST_PASSWORD": "password"}
        if "encryption" in name:
            server.extensions.append("STARTTLS")
            options["EMAIL_USE_TLS"] = True
        with carrier(server, **options) as way:
            for _ in range(3):
                with pytest.raises(TransportDown, match=r"^the mail server cannot be reached: "):
                    way.room([letter()] * 2)
    assert not any(command.startswith("MAIL") for command in server.commands)


def test_nobody_listening_stops_everything_before_the_gate() -> None:
    with smtp_server() as server:
        settings = server.settings
    with override_settings(**settings), SmtpCarrier() as way:
        for _ in range(TIMES):
            with pytest.raises(TransportDown, match=r"^the mail server cannot be reached: .*refused"):
                way.room([letter()])


def test_a_certificate_nobody_vouches_for_stops_everything_before_the_gate() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with smtp_server() as server:
        server.tls = context
        with (
            carrier(server, EMAIL_USE_SSL=True) as way,
            pytest.raises(TransportDown, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            way.room([letter()])


def test_the_table_of_the_docs_and_the_faults_here_are_the_same() -> None:
    section = PROMISES.read_text().split("## When the mail server answers otherwise\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| (?!-|mail server)(.+?) \| (\w.*?) \|", section, re.MULTILINE))
    found: dict[str, set[str]] = {}
    for fault in [*FAULTS.values(), *SILENT.values(), *TO_EVERYBODY.values()]:
        found.setdefault(fault.row, set()).add(becomes(fault.outcome))
    assert {row: {state} for row, state in rows.items() if row != "no connection can be opened"} == found
    assert rows["no connection can be opened"] == "stays pending"


def becomes(outcome: Outcome) -> str:
    """The documented state."""
    match outcome:
        case Accepted():
            return "accepted"
        case NoAnswer():
            return "in doubt"
        case Refused(temporary=False):
            return "rejected"
        case Refused(to_all=True):
            return "pending, no try lost"
    return "pending"
