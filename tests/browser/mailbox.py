"""The reader's inbox in browser tests: mails as they were sent, opened, and their links followed."""

import re
from email.message import EmailMessage

from django.core import mail
from django.utils import timezone
from playwright.sync_api import Page, Route

from newsletter import outbox
from newsletter.delivery import draining
from tests.mails import opened, parts

INBOX = "https://mail.example/inbox/"


def next_mail() -> EmailMessage:
    """Send what somebody asked for and return the one mail that it was."""
    mail.outbox.clear()
    assert outbox.send_pending(now=timezone.now()) == 1
    return opened(mail.outbox[0].message().as_bytes())


def next_digest() -> EmailMessage:
    """Send the editions that are due and return the one mail that it was."""
    mail.outbox.clear()
    assert draining.drain(now=timezone.now()).accepted == 1
    return opened(mail.outbox[0].message().as_bytes())


def open_in_browser(page: Page, message: EmailMessage) -> None:
    """Show the HTML part as a mail program on the web does: on a site that is not ours."""
    _text, html = parts(message)

    def answer(route: Route) -> None:
        body = html if route.request.url == INBOX else ""
        route.fulfill(body=body, content_type="text/html; charset=utf-8")

    page.route(f"{INBOX.removesuffix('inbox/')}**", answer)
    page.goto(INBOX)


def link_in(message: EmailMessage, page: str) -> str:
    """The first link of that kind in the text of a mail."""
    text, _html = parts(message)
    found = re.search(rf"https?://[^/\s]+/{page}/[A-Za-z0-9_.-]+/", text)
    assert found is not None, text
    return found[0]
