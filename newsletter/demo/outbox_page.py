"""Makes a folder of `.eml` files browsable: an index, and each mail's HTML part as a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.template.loader import render_to_string

from newsletter.mixes import topics_in_words
from newsletter.models import Delivery

PAGES = "pages"


@dataclass(frozen=True, slots=True)
class Row:
    """One mail as the index lists it; links are relative to the index."""

    to: str
    subject: str
    topics: str  # what the reader chose, in words; "" for a mail that is no digest
    sent: str
    eml: str
    html: str
    text: str
    kilobytes: int


def write_index(folder: Path) -> Path:
    """Write `index.html` and the pages for every `.eml` in `folder`, latest first; return the index."""
    pages = folder / PAGES
    pages.mkdir(parents=True, exist_ok=True)
    mails = [(path, _read(path)) for path in sorted(folder.glob("*.eml"), reverse=True)]
    topics = _topics_of([str(mail["Message-ID"]) for _, mail in mails])
    rows = [_row(path, mail, pages, topics.get(str(mail["Message-ID"]), "")) for path, mail in mails]
    index = folder / "index.html"
    index.write_text(render_to_string("newsletter/outbox_index.html", {"rows": rows}), encoding="utf-8")
    return index


def _read(path: Path) -> EmailMessage:
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)  # noqa: S101  for the type checker: the default policy makes these
    return mail


def _topics_of(message_ids: Sequence[str]) -> dict[str, str]:
    """What the readers of these digests chose, by Message-ID, as the ledger knows it."""
    rows = Delivery.objects.filter(message_id__in=message_ids).select_related("mix")
    return {row.message_id: topics_in_words(row.mix) for row in rows.prefetch_related("mix__choices__topic")}


def _row(path: Path, mail: EmailMessage, pages: Path, topics: str) -> Row:
    parts = {}
    for kind, suffix in (("html", "html"), ("plain", "txt")):
        body = mail.get_body((kind,))
        page = pages / f"{path.stem}.{suffix}"
        page.write_text(body.get_content() if body else "", encoding="utf-8")
        parts[kind] = f"{PAGES}/{page.name}"
    return Row(
        to=str(mail["To"]),
        subject=str(mail["Subject"]),
        topics=topics,
        sent=f"{parsedate_to_datetime(str(mail['Date'])):%d %b %H:%M}" if mail["Date"] else "",
        eml=path.name,
        html=parts["html"],
        text=parts["plain"],
        kilobytes=round(path.stat().st_size / 1024),
    )
