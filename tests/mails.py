"""Opening mails in tests, with Python's own e-mail parser."""

import email
import re
from email.message import EmailMessage
from email.policy import default
from html import unescape


def opened(wire: bytes) -> EmailMessage:
    """The mail, which must be without defects."""
    found = email.message_from_bytes(wire, policy=default)
    assert isinstance(found, EmailMessage)
    assert not found.defects and not any(part.defects for part in found.walk())
    return found


def parts(message: EmailMessage) -> tuple[str, str]:
    """The text and the HTML of an opened mail."""
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert isinstance(text, EmailMessage) and isinstance(html, EmailMessage)
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return str(text.get_content()).replace("\r\n", "\n"), str(html.get_content()).replace("\r\n", "\n")


def links(html: str, path: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]*)"', html) if path in link]
