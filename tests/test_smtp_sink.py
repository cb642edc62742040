"""The sink is the judge of other tests, so it is judged first."""

import smtplib
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from tests.processes import smtp_sink


def test_what_the_sink_accepted_is_on_the_disk_with_its_envelope(tmp_path: Path) -> None:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "Dots"
    message.set_content("first\n.\n..two dots\n")
    with smtp_sink(tmp_path / "sink") as sink:
        with smtplib.SMTP("127.0.0.1", sink.port) as client:
            client.sendmail("from@example.org", ["a@example.org", "b@example.org"], message.as_bytes())
            client.sendmail("from@example.org", ["c@example.org"], message.as_bytes())
        assert [(mail["sender"], mail["recipients"]) for mail in sink.mails()] == [
            ("from@example.org", ["a@example.org", "b@example.org"]),
            ("from@example.org", ["c@example.org"]),
        ]
        assert [sink.content(mail) for mail in sink.mails()] == [message.as_bytes()] * 2


def test_a_message_whose_last_dot_never_came_is_not_kept(tmp_path: Path) -> None:
    with smtp_sink(tmp_path / "sink") as sink:
        client = smtplib.SMTP("127.0.0.1", sink.port)
        client.ehlo()
        client.mail("from@example.org")
        client.rcpt("a@example.org")
        client.docmd("DATA")
        client.send(b"Subject: cut\r\n\r\nno end")
        client.close()
        with smtplib.SMTP("127.0.0.1", sink.port) as again:
            again.sendmail("from@example.org", ["b@example.org"], b"Subject: whole\r\n\r\nend\r\n")
        assert [mail["recipients"] for mail in sink.mails()] == [["b@example.org"]]
