"""Sending: the ledger's sender and the plain Django loop, same digests, readers and mail server, in turns."""

from contextlib import AbstractContextManager
from email import message_from_bytes, policy
from email.message import EmailMessage

from benchmarks import ledger, plain
from benchmarks.comparison import Comparison, same, same_text, timed
from benchmarks.counting import Counting, counting, everybody_got_one
from benchmarks.sink import Tally
from newsletter.models import Edition, Subscriber

# Each mail has its own, whoever sends it; Content-Type holds the boundary.
OWN_HEADERS = {"date", "message-id", "content-type"}


def sink() -> AbstractContextManager[Counting[Tally]]:
    """The counting mail server; Django's mail goes there while it lasts."""
    return counting("benchmarks.sink", Tally, mail=_by_smtp)


def _by_smtp(port: int) -> dict[str, object]:
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": "",
        "EMAIL_HOST_PASSWORD": "",
        "EMAIL_USE_TLS": False,
        "EMAIL_USE_SSL": False,
    }


def compare(edition: Edition, *, rounds: int) -> Comparison:
    """Time both in turns, after one round that does not count. Raises Different if they differ."""
    readers = Subscriber.objects.filter(state=Subscriber.State.ACTIVE)
    number, mixes = readers.count(), readers.values("mix").distinct().count()
    plain_times, our_times = [], []
    with plain.templates(), sink() as server:
        for _ in range(rounds + 1):
            plain_times.append(timed(lambda: plain.send(edition)))
            expected = server.tally()
            ledger.start_again(edition)
            our_times.append(timed(lambda: ledger.send(edition)))
            check(number, expected, server.tally())
    size = expected.size / number / 1000
    title = f"Sending {number:,} mails of {mixes} mixes to one SMTP server, {size:.0f} KB a mail"
    return Comparison(title, number, plain_times[1:], our_times[1:])


def check(number: int, plain_tally: Tally, our_tally: Tally) -> None:
    """Everybody got one mail from each sender, and the kept ones are the same mails."""
    everybody_got_one(number, plain_tally, our_tally)
    same("kept mails", sorted(plain_tally.kept), sorted(our_tally.kept))
    for address, content in plain_tally.kept.items():
        check_mail(address, _parsed(content), _parsed(our_tally.kept[address]))


def check_mail(address: str, one: EmailMessage, other: EmailMessage) -> None:
    same(f"headers to {address}", _headers(one), _headers(other))
    same(f"parts to {address}", _types(one), _types(other))
    for a, b in zip(one.walk(), other.walk(), strict=True):
        assert isinstance(a, EmailMessage) and isinstance(b, EmailMessage)
        if not a.is_multipart():
            same_text(f"the {a.get_content_type()} part to {address}", _content(a), _content(b))


def _parsed(content: str) -> EmailMessage:
    # Kept as latin-1, so this gives back the very bytes.
    return message_from_bytes(content.encode("latin-1"), policy=policy.default)


def _headers(mail: EmailMessage) -> dict[str, str]:
    # Stripped: where Django folds a long subject, a space is left in front of it.
    known = {name.lower(): str(value).strip() for name, value in mail.items()}
    return {name: value for name, value in known.items() if name not in OWN_HEADERS}


def _types(mail: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in mail.walk()]


def _content(part: EmailMessage) -> str:
    return str(part.get_content()).replace("\r\n", "\n")
