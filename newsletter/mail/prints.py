"""One mix's digest, and every form in which a reader's mail of it leaves: bytes, message, template."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from newsletter.digest import Digest
from newsletter.fragments import Fragment, plain_wire, split_text
from newsletter.mail.headers import checked_address, date_of
from newsletter.mail.merging import Neutral
from newsletter.mail.messages import Addressee, DigestMessage
from newsletter.tokens import PURPOSES, link_token

READERS_OWN_BYTES = 2_000  # headers
TOKEN_BYTES = 60  # at most, with the soft break behind it
_PART = (
    b"\r\n--%s\r\n"
    b'Content-Type: text/%s; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)
_NO_LINKS = dict.fromkeys(PURPOSES, "-")
_NEUTRAL = Neutral(())


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all mails of a window share besides their text."""

    boundary: bytes
    host: str
    headers: Mapping[str, str]
    headers_wire: bytes
    unsubscribe_prefix: str  # a URL, up to the token


class Print:
    """One mix's digest, ready but for the reader's own links. Holds no other print, so it can be let go."""

    def __init__(
        self,
        digest: Digest,
        subject: str,
        head: bytes,
        envelope: Envelope,
        *,
        text: Sequence[Fragment],
        html: Sequence[Fragment],
    ) -> None:
        """`text` and `html` are the pieces of these parts, in which only a reader's own tokens are holes."""
        self.digest = digest
        self.subject = subject
        self._head = head
        self._envelope = envelope
        self._text = text
        self._html = html
        # What stands in front of each hole, and the hole's name, in turn.
        self._runs = _body(envelope.boundary, text, html)
        self._holes = self._runs[1::2]

    @property
    def size(self) -> int:
        """About how many bytes a reader's mail has."""
        tokens = len(self._holes) - self._holes.count(b"")
        return len(self._head) + READERS_OWN_BYTES + sum(map(len, self._runs[::2])) + TOKEN_BYTES * tokens

    def wire(self, reader: Addressee, *, public_id: str, now: datetime) -> bytes:
        """Return the whole mail for this reader, with CRLF, its dots not doubled.

        `public_id` names its row in the ledger. Raises ValueError where the address cannot stand in a header.
        """
        tokens = self.merge_data(reader)
        wires = {name.encode(): plain_wire(token) for name, token in tokens.items()} | {b"": b""}
        runs = self._runs.copy()
        runs[1::2] = [wires[name] for name in self._holes]
        own = (
            f"To: {reader.email}\r\n"
            f"Date: {date_of(int(now.timestamp()))}\r\n"
            f"Message-ID: <{public_id}@{self._envelope.host}>\r\n"
            f"List-Unsubscribe: <{self._envelope.unsubscribe_prefix}{tokens['unsubscribe']}/>\r\n"
        )
        return b"".join([self._head, own.encode("ascii"), self._envelope.headers_wire, *runs])

    def message(
        self, reader: Addressee, *, public_id: str, now: datetime, neutral: bool = False
    ) -> DigestMessage:
        """Return the same mail for Django's mail API. Raises ValueError as `wire` does.

        `neutral` is for providers that look for merge syntax in every mail: they find none in it.
        """
        wire = self.wire(reader, public_id=public_id, now=now)
        tokens = self.merge_data(reader)
        subject, text, html = self._texts(tokens, _NEUTRAL if neutral else None)
        headers = {
            "Date": date_of(int(now.timestamp())),
            "Message-ID": f"<{public_id}@{self._envelope.host}>",
            **self._envelope.headers,
            "List-Unsubscribe": self.unsubscribe_header(reader),
        }
        message = DigestMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [reader.email], headers=headers)
        message.attach_alternative(html, "text/html")
        message.metadata = {"delivery_id": public_id}
        message.wire = wire
        return message

    def merged(self, mark: Callable[[str], str]) -> EmailMultiAlternatives:
        """Return this digest as a provider's template: `mark(name)` stands where `merge_data` is filled in.

        Nothing else in it is merge syntax to a provider. It has no recipients yet.
        """
        marks = {name: mark(name) for name in PURPOSES}
        subject, text, html = self._texts(marks, Neutral(marks.values()))
        message = EmailMultiAlternatives(
            subject, text, settings.DEFAULT_FROM_EMAIL, headers=dict(self._envelope.headers)
        )
        message.attach_alternative(html, "text/html")
        return message

    def merge_data(self, reader: Addressee) -> dict[str, str]:
        """The tokens of this reader's links, by name. Raises ValueError as `wire` does."""
        checked_address(reader.email)
        return {name: link_token(name, reader.handle, reader.secret) for name in PURPOSES}

    def unsubscribe_header(self, reader: Addressee) -> str:
        """The value of `List-Unsubscribe`. Raises ValueError as `wire` does."""
        checked_address(reader.email)
        token = link_token("unsubscribe", reader.handle, reader.secret)
        return f"<{self._envelope.unsubscribe_prefix}{token}/>"

    def parts(self, reader: Addressee | None) -> tuple[str, str]:
        """Return the text and the HTML part for this reader; for None, with links that lead nowhere."""
        links = _NO_LINKS
        if reader is not None:
            links = {name: link_token(name, reader.handle, reader.secret) for name in PURPOSES}
        return _filled(self._text, str, links), _filled(self._html, str, links)

    def _texts(self, links: Mapping[str, str], neutral: Neutral | None) -> tuple[str, str, str]:
        """Subject, text and HTML with these in place of the links' tokens, the rest made neutral."""
        in_text = neutral.text if neutral else str
        in_html = neutral.html if neutral else str
        text, html = _filled(self._text, in_text, links), _filled(self._html, in_html, links)
        return in_text(self.subject), text, html


def _body(boundary: bytes, text: Sequence[Fragment], html: Sequence[Fragment]) -> list[bytes]:
    """The body as it goes over the wire: bytes and names of holes in turn."""
    runs = [_PART % (boundary, b"plain"), b""]
    for piece in text:
        runs += piece.runs
    runs += (_PART % (boundary, b"html"), b"")
    for piece in html:
        runs += piece.runs
    runs += (b"\r\n--%s--\r\n" % boundary, b"")
    return runs


def _filled(pieces: Sequence[Fragment], neutral: Callable[[str], str], links: Mapping[str, str]) -> str:
    # Joined first: what is harmless at the end of one piece may be syntax with the next one's beginning.
    runs = split_text("".join(piece.text for piece in pieces))
    return "".join(links[run] if number % 2 else neutral(run) for number, run in enumerate(runs))
