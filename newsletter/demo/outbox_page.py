"""Makes a folder of `.eml` files browsable: an index, and each mail's HTML part as a page."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.template.loader import render_to_string

PAGES = "pages"


@dataclass(frozen=True, slots=True)
class Row:
    """One mail as the index lists it; links are relative to the index."""

    to: str
    subject: str
    sent: str
    eml: str
    html: str
    text: str
    kilobytes: int


def write_index(folder: Path) -> Path:
    """Write `index.html` and the pages for every `.eml` in `folder`, latest first; return the index."""
    pages = folder / PAGES
    pages.mkdir(parents=True, exist_ok=True)
    rows = [_row(path, pages) for path in sorted(folder.glob("*.eml"), reverse=True)]
    index = folder / "index.html"
    index.write_text(render_to_string("newsletter/outbox_index.html", {"rows": rows}), encoding="utf-8")
    return index


def _row(path: Path, pages: Path) -> Row:
    content = path.read_bytes()
    mail = message_from_bytes(content, policy=policy.default)
    parts = {}
    for kind, suffix in (("html", "html"), ("plain", "txt")):
        body = mail.get_body((kind,)) if isinstance(mail, EmailMessage) else None
        page = pages / f"{path.stem}.{suffix}"
        page.write_text(body.get_content() if body else "", encoding="utf-8")
        parts[kind] = f"{PAGES}/{page.name}"
    return Row(
        to=str(mail["To"]),
        subject=str(mail["Subject"]),
        sent=f"{parsedate_to_datetime(str(mail['Date'])):%d %b %H:%M}" if mail["Date"] else "",
        eml=path.name,
        html=parts["html"],
        text=parts["plain"],
        kilobytes=round(len(content) / 1024),
    )
