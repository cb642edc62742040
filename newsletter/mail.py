"""An edition's digests as messages: subject, text and HTML, headers. Sends nothing.

A `Press` is made once per edition. It renders each card once, whatever the number of mixes; a mix's digest
is a list of those fragments (`Print`), and a reader's mail is that list with two links and an address.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from html import escape
from typing import Any, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from newsletter.digest import Choice, Composer, Digest, Entry, Item, Match
from newsletter.fragments import Fragment, Piece, cut, fill, fragment, join, mark, plain
from newsletter.models import Edition, EditionPaper, TopicMix
from newsletter.tokens import link_token
from papers.templatetags.newsprint import compact, short_day
from papers.trending import explain

HOLES = ("preheader", "count", "followed", "mix", "preferences", "unsubscribe")
EVIDENCE_SHOWN = 3
# Gmail clips a message at 102 KB.
MAX_WIRE_BYTES = 100_000
MAX_TITLE, MAX_BYLINE = 300, 120  # characters; real titles have fewer
MAX_SUBJECT_TITLE = 150
READERS_OWN_BYTES = 2_000  # headers and links


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail as somebody would get it; without a subscriber, its personal links lead to the front page."""

    subject: str
    text: str
    html: str


class Addressee(Protocol):
    """What a mail needs to know of its reader."""

    email: str
    handle: str
    secret: str


class WireMessage:
    """A finished message; stands where Django's backends expect `EmailMessage.message()` to give one."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\n") -> bytes:
        return self._content if linesep == "\r\n" else self._content.replace(b"\r\n", linesep.encode())


class DigestMessage(EmailMultiAlternatives):
    """A digest for Django's mail API. Providers read its attributes; SMTP takes the bytes made ahead."""

    wire: bytes = b""
    metadata: dict[str, str]

    def message(self) -> WireMessage:  # type: ignore[override]  # all that backends call is as_bytes
        return WireMessage(self.wire)


class Print:
    """One mix's digest, ready but for the reader's own links."""

    def __init__(
        self, press: "Press", digest: Digest, subject: str, text: list[Piece], html: list[Piece]
    ) -> None:
        self.digest = digest
        self.subject = subject
        self._press = press
        self._text = text
        self._html = html
        self._head = press.mix_headers(subject)

    @property
    def size(self) -> int:
        """About how many bytes a reader's mail has."""
        known = (piece for piece in (*self._text, *self._html) if isinstance(piece, Fragment))
        return len(self._head) + READERS_OWN_BYTES + sum(len(piece.wire) for piece in known)

    def parts(self, subscriber: Addressee | None) -> tuple[Fragment, Fragment]:
        """Return the text and the HTML part for this reader."""
        if subscriber is None:
            links = {"preferences": plain("-"), "unsubscribe": plain("-")}
        else:
            links = {
                purpose: plain(link_token(purpose, subscriber.handle, subscriber.secret))
                for purpose in ("preferences", "unsubscribe")
            }
        text, html = fill(self._text, links), fill(self._html, links)
        return _whole(text), _whole(html)

    def message(self, subscriber: Addressee, *, public_id: str, now: datetime) -> DigestMessage:
        """Return the mail for this reader; `public_id` names its row in the ledger.

        Raises ValueError where the address cannot stand in a header.
        """
        if not re.fullmatch(r"[!-~]+", subscriber.email):
            raise ValueError(f"{subscriber.email!r} is no plain ASCII address")
        text, html = self.parts(subscriber)
        press = self._press
        headers = {
            "Date": format_datetime(now.astimezone(UTC)),
            "Message-ID": message_id(public_id),
            **press.headers,
            "List-Unsubscribe": press.unsubscribe_header(subscriber),
        }
        message = DigestMessage(
            self.subject, text.text, settings.DEFAULT_FROM_EMAIL, [subscriber.email], headers=headers
        )
        message.attach_alternative(html.text, "text/html")
        message.metadata = {"delivery_id": public_id}
        message.wire = self._wire(subscriber, headers, text.wire, html.wire)
        return message

    def _wire(self, subscriber: Addressee, headers: Mapping[str, str], text: bytes, html: bytes) -> bytes:
        lines = [f"{name}: {value}" for name, value in headers.items()]
        own = "\r\n".join([f"To: {subscriber.email}", *lines, ""]).encode("ascii")
        boundary = self._press.boundary
        part = (
            b"\r\n--"
            + boundary
            + b'\r\nContent-Type: text/%s; charset="utf-8"\r\n'
            + (b"Content-Transfer-Encoding: quoted-printable\r\n\r\n")
        )
        return b"".join(
            (
                self._head,
                own,
                b"\r\n",
                part % b"plain",
                text,
                part % b"html",
                html,
                b"\r\n--",
                boundary,
                b"--\r\n",
            )
        )


class Press:
    """Prints an edition's digests. `composed` counts the mixes it composed."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self.composed = 0
        self._rows: dict[int, EditionPaper] = {row.rank: row for row in edition.entries.order_by("rank")}
        self._composer = Composer([_entry(row) for row in self._rows.values()])
        self._cards: dict[tuple[int, str | None, bool], tuple[Fragment, Fragment]] = {}
        self._sections: dict[str, tuple[Fragment, Fragment]] = {}
        site = str(settings.SITE_URL).rstrip("/")
        self._site = site
        self._frame_context = {
            "edition": edition,
            "name": settings.NEWSLETTER_NAME,
            "postal_address": settings.NEWSLETTER_POSTAL_ADDRESS,
            "hole": {name: mark(name) for name in HOLES},
            "preferences_prefix": _prefix(site, "preferences", "x"),
            "unsubscribe_prefix": _prefix(site, "unsubscribe", "x"),
            "browser_prefix": _prefix(site, "digest", edition.date, "x"),
        }
        self._text_head, self._html_head = self._frame("head")
        self._text_foot, self._html_foot = self._frame("foot")
        host = urlsplit(site).hostname or "localhost"
        seed = f"{host}:{edition.pk}:{edition.date}"
        self.boundary = b"=_" + hashlib.sha256(seed.encode()).hexdigest()[:32].encode()
        self.headers = {
            "List-Id": f"<daily.{host}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
            "Feedback-ID": f"{edition.date}:daily:{host}"[:120],
        }

    def print(self, mix: TopicMix) -> Print | None:
        """Compose the digest of a mix; None where nothing in the edition matches it."""
        self.composed += 1
        choices = sorted(mix.choices.all(), key=lambda choice: (choice.topic.position, choice.topic.name))
        weights = {choice.topic.slug: choice.weight for choice in choices}
        top_when_empty = mix.when_empty == TopicMix.WhenEmpty.TOP
        digest = self._composer.compose(Choice(weights, mix.length, top_when_empty))
        if not digest.sections:
            return None
        names = [choice.topic.name for choice in choices]
        printed = self._assemble(digest, mix, names)
        while printed.size > MAX_WIRE_BYTES and len(digest.items) > 1:
            digest = digest.shortened()
            printed = self._assemble(digest, mix, names)
        return printed

    def unsubscribe_header(self, subscriber: Addressee) -> str:
        token = link_token("unsubscribe", subscriber.handle, subscriber.secret)
        return f"<{self._frame_context['unsubscribe_prefix']}{token}/>"

    def mix_headers(self, subject: str) -> bytes:
        """The headers that every mail of a mix shares, encoded."""
        name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
        # A title that looks like an encoded word must not be read as one.
        charset = "us-ascii" if subject.isascii() and "=?" not in subject else "utf-8"
        lines = [
            f"From: {formataddr((name, address), 'utf-8')}",
            f"Subject: {Header(subject, charset, header_name='Subject').encode(linesep=chr(13) + chr(10))}",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/alternative; boundary="{self.boundary.decode()}"',
            "",
        ]
        return "\r\n".join(lines).encode("ascii")

    def _assemble(self, digest: Digest, mix: TopicMix, topic_names: list[str]) -> Print:
        items = digest.items
        titles = [clipped(self._rows[item.rank].card["title"], MAX_TITLE) for item in items]
        subject = _subject(titles)
        number = len(items)
        values = {
            "preheader": f"Also today: {titles[1]}" if number > 1 else "One paper for you today",
            "count": f"{number} paper{'' if number == 1 else 's'} for you",
            "followed": _followed(topic_names),
            "mix": mix.slug,
        }
        text = fill(self._text_head, {name: fragment(value) for name, value in values.items()})
        html_values = {name: fragment(escape(value)) for name, value in values.items()}
        html = fill(self._html_head, html_values)
        first = items[0].rank
        for section in digest.sections:
            title = section.name or ("From the archive" if self._is_archive(section.items) else "Top papers")
            for part, piece in zip((text, html), self._section(title), strict=True):
                part.append(piece)
            for item in section.items:
                for part, piece in zip((text, html), self._card(item, lead=item.rank == first), strict=True):
                    part.append(piece)
        text += fill(self._text_foot, {name: fragment(value) for name, value in values.items()})
        html += fill(self._html_foot, html_values)
        return Print(self, digest, subject, fill(text, {}), fill(html, {}))

    def _is_archive(self, items: tuple[Item, ...]) -> bool:
        return all(self._rows[item.rank].card["from_archive"] for item in items)

    def _section(self, title: str) -> tuple[Fragment, Fragment]:
        if title not in self._sections:
            context = {"title": title, "underline": "-" * len(title)}
            self._sections[title] = _both("section", context)
        return self._sections[title]

    def _card(self, item: Item, *, lead: bool) -> tuple[Fragment, Fragment]:
        key = (item.rank, item.match.topic if item.match else None, lead)
        if key not in self._cards:
            row = self._rows[item.rank]
            context = {
                "card": {**row.card, "title": clipped(row.card["title"], MAX_TITLE)},
                "lead": lead,
                "facts": facts(row.card, beside=self.edition.date),
                "why": why(item.match, row.terms),
                "url": self._site + reverse("paper", args=[row.card["key"]]),
            }
            self._cards[key] = _both("card", context)
        return self._cards[key]

    def _frame(self, name: str) -> tuple[list[Piece], list[Piece]]:
        folder = "email/digest"
        text = render_to_string(f"{folder}/{name}.txt", self._frame_context)
        html = render_to_string(f"{folder}/{name}.html", self._frame_context)
        return cut(text), cut(html)


def preview(edition: Edition, mix: TopicMix, subscriber: Addressee | None = None) -> Preview:
    """Return the mail of this mix, sent to nobody; where nothing matches it says so."""
    printed = Press(edition).print(mix)
    if printed is None:
        words = "Nothing in this edition matches these topics, so no mail is sent."
        return Preview(
            "(no mail)", words, f'<!doctype html><html lang="en"><title>No mail</title><p>{words}</p></html>'
        )
    text, html = printed.parts(subscriber)
    return Preview(printed.subject, text.text, html.text)


def message_id(public_id: str) -> str:
    """The Message-ID of a delivery: made from its id, so that it is the same whenever it is asked for."""
    host = urlsplit(str(settings.SITE_URL)).hostname or "localhost"
    return f"<{public_id}@{host}>"


def facts(card: Mapping[str, Any], *, beside: date) -> str:
    """ "Sample Lab · 18 Nov · ▲ 61 · 4 comments · ★ 1.2k"; what is unknown is left out."""
    comments = card["num_comments"]
    parts = [
        clipped(card["byline"], MAX_BYLINE),
        short_day(card["published_on"], beside),
        f"▲ {compact(card['upvotes'])}" if card["upvotes"] is not None else "",
        f"{compact(comments)} comment{'' if comments == 1 else 's'}" if comments else "",
        f"★ {compact(card['github_stars'])}" if card["github_stars"] is not None else "",
    ]
    return " · ".join(part for part in parts if part)


def clipped(text: str, longest: int) -> str:
    """One line of at most `longest` characters, cut at a word where it must be."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rsplit(" ", 1)[0] + "…"


def why(match: Match | None, terms: list[dict[str, Any]]) -> str:
    """Say in one line why a reader gets this paper: the topic, what matched, and the attention it got."""
    reasons = []
    if match:
        quoted = ", ".join(f"“{term}”" for term in match.evidence[:EVIDENCE_SHOWN])
        reasons.append(f"you follow {match.name}{f' ({quoted})' if quoted else ''}")
    attention = explain(terms, beside_counts=True)  # the facts above it show comments and stars
    if attention:
        reasons.append(attention)
    return f"Why: {'; '.join(reasons)}." if reasons else "Why: among the day’s top papers."


def _entry(row: EditionPaper) -> Entry:
    matches = (
        Match(match["topic"], match["name"], match["score"], tuple(match["evidence"]))
        for match in row.matches
    )
    return Entry(row.rank, tuple(matches))


def _subject(titles: list[str]) -> str:
    context = {"lead_title": clipped(titles[0], MAX_SUBJECT_TITLE), "others": len(titles) - 1}
    return " ".join(render_to_string("email/digest/subject.txt", context).split())


def _followed(names: list[str]) -> str:
    if not names:
        return "You follow the whole paper."
    return f"You follow {_listed(names)}."


def _listed(names: list[str]) -> str:
    """ "A, B and C"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _both(name: str, context: dict[str, Any]) -> tuple[Fragment, Fragment]:
    return (
        fragment(render_to_string(f"email/digest/{name}.txt", context)),
        fragment(render_to_string(f"email/digest/{name}.html", context)),
    )


def _whole(pieces: list[Piece]) -> Fragment:
    return join([piece for piece in pieces if isinstance(piece, Fragment)])


def _prefix(site: str, name: str, *arguments: object) -> str:
    """The URL of a page whose last argument is a token, up to that token."""
    path = reverse(name, args=arguments)
    return site + path.removesuffix("x/")
