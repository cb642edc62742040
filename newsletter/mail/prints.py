"""One mix's digest, and every form in which a reader's mail of it leaves: bytes, message, template."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from newsletter.digest import Digest
from newsletter.fragments import Fragment, Hole, Piece, fill, join, plain
from newsletter.mail.headers import checked_address, date_of, encoded
from newsletter.mail.merging import Neutral
from newsletter.mail.messages import Addressee, DigestMessage
from newsletter.tokens import PURPOSES, link_token

READERS_OWN_BYTES = 2_000  # headers and links
_PART = (
    b"\r\n--%s\r\n"
    b'Content-Type: text/%s; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)
_NO_LINKS = dict.fromkeys(PURPOSES, plain("-"))
_NEUTRAL = Neutral(())


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all mails of a window share besides their text."""

    boundary: bytes
    host: str
    headers: Mapping[str, str]
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
        text: Sequence[Piece],
        html: Sequence[Piece],
    ) -> None:
        self.digest = digest
        self.subject = subject
        self._head = head
        self._envelope = envelope
        self._text = text
        self._html = html
        self._frame: list[bytes] = []
        self._holes: list[tuple[int, str]] = []

    @property
    def size(self) -> int:
        """About how many bytes a reader's mail has."""
        pieces = [piece.wire for piece in (*self._text, *self._html) if isinstance(piece, Fragment)]
        return len(self._head) + READERS_OWN_BYTES + sum(map(len, pieces))

    def wire(self, reader: Addressee, *, public_id: str, now: datetime) -> bytes:
        """Return the whole mail for this reader, with CRLF, its dots not doubled.

        `public_id` names its row in the ledger. Raises ValueError where the address cannot stand in a header.
        """
        if not self._frame:
            self._make_frame()
        tokens = self.merge_data(reader)
        pieces = self._frame.copy()
        for place, name in self._holes:
            pieces[place] = b"%s=\r\n" % tokens[name].encode("ascii")
        pieces[1] = (
            f"To: {reader.email}\r\n"
            f"Date: {date_of(int(now.timestamp()))}\r\n"
            f"Message-ID: <{public_id}@{self._envelope.host}>\r\n"
            f"List-Unsubscribe: <{self._envelope.unsubscribe_prefix}{tokens['unsubscribe']}/>\r\n"
        ).encode("ascii")
        return b"".join(pieces)

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

    def parts(self, reader: Addressee | None) -> tuple[Fragment, Fragment]:
        """Return the text and the HTML part for this reader; for None, with links that lead nowhere."""
        links = _NO_LINKS
        if reader is not None:
            links = {name: plain(link_token(name, reader.handle, reader.secret)) for name in PURPOSES}
        return _whole(fill(self._text, links)), _whole(fill(self._html, links))

    def _texts(self, links: Mapping[str, str], neutral: Neutral | None) -> tuple[str, str, str]:
        """Subject, text and HTML with these in place of the links' tokens, the rest made neutral."""
        in_text = neutral.text if neutral else str
        in_html = neutral.html if neutral else str
        text, html = _filled(self._text, in_text, links), _filled(self._html, in_html, links)
        return in_text(self.subject), text, html

    def _make_frame(self) -> None:
        """Lay the mail out as bytes once: readers of a mix differ in the second piece and in the holes."""
        boundary = self._envelope.boundary
        frame = [self._head, b"", encoded(self._envelope.headers)]
        for kind, pieces in ((b"plain", self._text), (b"html", self._html)):
            run = [_PART % (boundary, kind)]
            for piece in pieces:
                if isinstance(piece, Fragment):
                    run.append(piece.wire)
                    continue
                frame.append(b"".join(run))
                self._holes.append((len(frame), piece.name))
                frame.append(b"")
                run = []
            frame.append(b"".join(run))
        frame.append(b"\r\n--%s--\r\n" % boundary)
        self._frame = frame


def _whole(pieces: Sequence[Piece]) -> Fragment:
    return join([piece for piece in pieces if isinstance(piece, Fragment)])


def _filled(pieces: Sequence[Piece], neutral: Callable[[str], str], links: Mapping[str, str]) -> str:
    # Joined first: what is harmless at the end of one piece may be syntax with the next one's beginning.
    runs = fill(pieces, {})
    return "".join(links[run.name] if isinstance(run, Hole) else neutral(run.text) for run in runs)
