"""The mail backend of development and the demo."""

import email
import email.policy
import re
from pathlib import Path

from django.core.mail import EmailMultiAlternatives

from newsletter.filemail import EmailBackend


def message(to: str) -> EmailMultiAlternatives:
    mail = EmailMultiAlternatives("Grüße", "Text.\n", "Paper Round <p@example.org>", [to])
    mail.attach_alternative("<p>HTML</p>", "text/html")
    return mail


def test_each_message_becomes_one_file_that_opens_as_mail_in_the_order_of_sending(tmp_path: Path) -> None:
    sent = EmailBackend(folder=tmp_path / "new").send_messages([message("a@example.org"), message("b/../c@x.org")])
    assert sent == 2
    files = sorted((tmp_path / "new").iterdir())
    shape = r"\d{8}T\d{6}\.\d{6}Z-(.+)-[0-9a-f]{8}\.eml"
    assert [re.fullmatch(shape, path.name)[1] for path in files] == ["a@example.org", "b_.._c@x.org"]
    opened = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]
    assert [(mail["to"], mail["subject"]) for mail in opened] == [
        ("a@example.org", "Grüße"),
        ("b/../c@x.org", "Grüße"),
    ]
    assert [part.get_content_type() for part in opened[0].iter_parts()] == ["text/plain", "text/html"]


def test_a_message_to_nobody_is_not_sent(tmp_path: Path) -> None:
    assert EmailBackend(folder=tmp_path).send_messages([EmailMultiAlternatives("s", "b", to=[])]) == 0
    assert list(tmp_path.iterdir()) == []
