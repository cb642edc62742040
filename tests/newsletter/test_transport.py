"""Digests through a provider's API (Anymail, on a loopback server), and what a kept connection may do."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test.utils import override_settings
from django.utils import timezone

from newsletter.delivery import planning, sending
from newsletter.mail import Press
from newsletter.models import Delivery, Edition
from newsletter.transport.outcomes import Accepted
from newsletter.transport.single import SingleCarrier
from tests.factories import make_edition, make_paper, make_subscriber
from tests.newsletter.letters import make_letters
from tests.newsletter.smtp_script import smtp_server
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

# "a@example.org" stands for whoever the mail is to.
TAKEN = {"ErrorCode": 0, "Message": "OK", "To": "a@example.org", "MessageID": "MESSAGE-ID"}
INVALID = "Error parsing 'To': Illegal email address 'a@example.org'."
INACTIVE = (
    "You tried to send to a recipient that has been marked as inactive.\n"
    "Found inactive addresses: a@example.org.\n"
    "Inactive recipients are ones that have generated a hard bounce or a spam complaint."
)


class Provider(ThreadingHTTPServer):
    """Answers like Postmark, or with the status and body it was given; status 0 hangs up."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.status, self.body = status, body
        self.received: list[dict[str, Any]] = []

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "EMAIL_BACKEND": "anymail.backends.postmark.EmailBackend",
            "ANYMAIL": {
                "POSTMARK_SERVER_TOKEN": "for-tests",
                "POSTMARK_API_URL": f"http://127.0.0.1:{self.server_address[1]}/",
            },
        }


class _Request(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received.append(asked)
        if not self.server.status:
            self.close_connection = True
            return
        body = json.dumps(self.server.body).replace("a@example.org", asked["To"])
        answer = body.replace("MESSAGE-ID", f"provider-{asked['To']}")
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on stderr."""


@contextmanager
def provider(status: int, body: dict[str, Any]) -> Iterator[Provider]:
    with Provider(status, body) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with override_settings(**server.settings):
                yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def edition() -> Edition:
    return make_edition(date=date(2026, 11, 20), papers=[(make_paper(title="The first"), [])])


def send(edition: Edition) -> sending.SendReport:
    planning.plan(edition, now=timezone.now())
    return sending.Sender(edition).run()


def test_the_provider_gets_the_whole_mail_and_names_it(edition: Edition) -> None:
    make_subscriber(email="ada@example.org")
    with provider(200, TAKEN) as server:
        assert send(edition) == sending.SendReport(digests=1, accepted=1)
        assert send(edition) == sending.SendReport()
    row = Delivery.objects.get()
    assert (row.state, row.message_id) == ("accepted", "provider-ada@example.org")
    [asked] = server.received
    assert (asked["To"], asked["Subject"]) == ("ada@example.org", "The first")
    assert asked["Metadata"] == {"delivery_id": str(row.public_id)}
    names = {header["Name"] for header in asked["Headers"]}
    assert {"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Auto-Submitted"} <= names
    assert "Unsubscribe: " in asked["TextBody"] and "<h1" in asked["HtmlBody"]


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (422, {"ErrorCode": 300, "Message": INVALID}, "rejected"),
        (422, {"ErrorCode": 406, "Message": INACTIVE}, "rejected"),
        (422, {"ErrorCode": 300, "Message": "Invalid metadata content."}, "rejected"),
        (422, {"ErrorCode": 406, "Message": "What is this?"}, "in_doubt"),
        (500, {"ErrorCode": 1, "Message": "oops"}, "in_doubt"),
        (0, {}, "in_doubt"),
    ],
)
def test_an_answer_about_one_mail_ends_that_mail_and_not_the_run(
    edition: Edition, status: int, body: dict[str, Any], state: str
) -> None:
    for _ in range(2):
        make_subscriber()
    with provider(status, body) as server:
        assert send(edition).stopped == ""
    assert set(Delivery.objects.values_list("state", "attempts")) == {(state, 1)}
    assert len(server.received) == 2


@pytest.mark.parametrize("status", [401, 402, 403, 429])
def test_a_wrong_key_or_too_many_mails_ends_the_run_and_costs_nobody_the_mail(
    edition: Edition, status: int
) -> None:
    for _ in range(3):
        make_subscriber()
    with provider(status, {"ErrorCode": 10, "Message": "no"}) as server:
        reason = f"the provider answered {status}"
        assert send(edition).stopped == f"the mail server or provider refuses everything: {reason}"
        assert list(Delivery.objects.order_by("pk").values_list("state", "reason")) == [
            *(("pending", reason), ("pending", ""), ("pending", ""))
        ]
        server.status, server.body = 200, TAKEN
        Delivery.objects.update(next_at=None)
        assert send(edition).accepted == 3
    assert len(server.received) == 4


def test_a_connection_that_the_server_closed_after_a_mail_costs_no_certainty(
    edition: Edition,
) -> None:
    printed = Press([edition]).print(make_subscriber().mix)
    assert printed is not None
    with smtp_server() as server, override_settings(**server.settings), SingleCarrier() as way:
        server.hang_up_after_mail = True
        for letter in make_letters(printed, ["a@example.org", "b@example.org", "c@example.org"]):
            way.prepare(letter)
            assert way.room([letter]) == 1
            way.carry([letter])
            assert way.room([letter]) == 0
            assert way.answers() == [(letter, Accepted())]
            wait_until(way._line.was_hung_up, 5, "the server ended the connection")
    assert len(server.received) == 3
