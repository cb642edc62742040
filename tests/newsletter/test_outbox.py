"""The mails somebody asked for: what they say, and what becomes of them, answer or no answer."""

import email
import re
import threading
from collections.abc import Sequence
from datetime import date, timedelta
from email.policy import default

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core import mail as sent
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend as EmailBackend
from django.db import connection
from django.test.utils import override_settings
from django.utils import timezone

from newsletter import outbox, signup, staying
from newsletter.addresses import parse_address
from newsletter.delivery import sending
from newsletter.mixes import mix_for
from newsletter.models import OutboxMail, Subscriber
from newsletter.signup import Outcome
from newsletter.tokens import link_token
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic
from tests.newsletter.smtp_script import HANG_UP, smtp_server
from tests.pages import faults_of

pytestmark = pytest.mark.django_db


def ask(email: str = "ada@example.org", **topics: str) -> None:
    mix = mix_for({make_topic(slug=slug): weight for slug, weight in topics.items()})
    signup.request_subscription(parse_address(email), mix, now=timezone.now())


def token_in(text: str) -> str:
    found = re.search(r"/confirm/([A-Za-z0-9_-]+)/", text)
    assert found is not None
    return found[1]


def states() -> list[tuple[str, str]]:
    return list(OutboxMail.objects.order_by("id").values_list("state", "reason"))


@override_settings(SITE_URL="https://papers.example.org/")
def test_the_mailed_link_confirms() -> None:
    ask(agents="normal")
    assert outbox.send_pending(now=timezone.now()) == 1
    assert states() == [("accepted", "")]
    token = token_in(str(sent.outbox[0].body))
    assert f"https://papers.example.org/confirm/{token}/" in str(sent.outbox[0].body)
    assert OutboxMail.objects.filter(token_hash__contains=token).count() == 0
    assert signup.confirm(token, now=timezone.now()).outcome is Outcome.CONFIRMED


def test_both_parts_of_the_confirmation_say_the_same_and_hold_no_words_of_a_visitor() -> None:
    ask("free.money.at.evil.example@example.org", agents="normal", theory="normal")
    outbox.send_pending(now=timezone.now())
    message = sent.outbox[0]
    assert isinstance(message, EmailMultiAlternatives)
    html = str(message.alternatives[0][0])
    for part in (str(message.body), html):
        assert "Agents" in part and "Theory" in part and "10 papers" in part
        assert "money" not in part
        assert token_in(part) == token_in(str(message.body))
    assert faults_of(html) == []
    assert "<" not in str(message.body) and "&" not in str(message.body)
    assert message.subject == "Confirm your subscription to Paper Round"
    assert message.to == ["free.money.at.evil.example@example.org"]
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_a_topic_that_an_editor_named_with_markup_stays_text() -> None:
    mix = mix_for({make_topic(slug="odd", name="Q&A <b>and</b> more"): "normal"})
    signup.request_subscription(parse_address("ada@example.org"), mix, now=timezone.now())
    outbox.send_pending(now=timezone.now())
    message = sent.outbox[0]
    assert isinstance(message, EmailMultiAlternatives)
    assert "* Q&A <b>and</b> more" in str(message.body)
    assert "Q&amp;A &lt;b&gt;and&lt;/b&gt; more" in str(message.alternatives[0][0])


def test_the_link_mail_leads_to_the_readers_preferences() -> None:
    reader = make_subscriber(email="ada@example.org")
    signup.request_preferences_link(parse_address("ada@example.org"), now=timezone.now())
    outbox.send_pending(now=timezone.now())
    body = str(sent.outbox[0].body)
    assert f"/preferences/{link_token('preferences', reader.handle, reader.secret)}/" in body
    assert f"/unsubscribe/{link_token('unsubscribe', reader.handle, reader.secret)}/" in body
    assert sent.outbox[0].subject == "Your preferences for Paper Round"
    assert isinstance(sent.outbox[0], EmailMultiAlternatives)
    assert faults_of(str(sent.outbox[0].alternatives[0][0])) == []


def test_nothing_waits_nothing_is_sent() -> None:
    assert outbox.send_pending(now=timezone.now()) == 0


def test_at_most_the_limit_is_sent_oldest_first() -> None:
    for number in range(3):
        ask(f"reader{number}@example.org")
    assert outbox.send_pending(now=timezone.now(), limit=2) == 2
    assert [message.to for message in sent.outbox] == [["reader0@example.org"], ["reader1@example.org"]]
    assert outbox.send_pending(now=timezone.now(), limit=2) == 1
    assert outbox.send_pending(now=timezone.now(), limit=2) == 0


def test_who_was_suppressed_or_left_meanwhile_is_not_mailed() -> None:
    ask("bounced@example.org")
    Subscriber.objects.update(state="suppressed")
    ask("left@example.org")
    staying.unsubscribe(Subscriber.objects.get(email="left@example.org").pk, now=timezone.now())
    reader = make_subscriber(email="reader@example.org")
    signup.request_preferences_link(parse_address("reader@example.org"), now=timezone.now())
    Subscriber.objects.filter(pk=reader.pk).update(state="unsubscribed")
    assert outbox.send_pending(now=timezone.now()) == 0
    assert states() == [
        ("rejected", "suppressed"),
        ("rejected", "unsubscribed afterwards"),
        ("rejected", "no longer a reader"),
    ]


@pytest.mark.django_db(transaction=True)
def test_the_mail_goes_over_smtp_and_parses() -> None:
    ask(agents="normal")
    with smtp_server() as server, override_settings(**server.settings):
        assert outbox.send_pending(now=timezone.now()) == 1
    message = email.message_from_bytes(server.received[0], policy=default)
    assert (message["To"], message["Auto-Submitted"]) == ("ada@example.org", "auto-generated")
    parts = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    assert parts == ["text/plain", "text/html"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("replies", "state", "reason"),
    [
        ({"RCPT": "550 no such user"}, "rejected", "SMTPRecipientsRefused 550"),
        ({"RCPT": "451 greylisted"}, "pending", "SMTPRecipientsRefused 451"),
        ({"MAIL": "421 too busy"}, "pending", "SMTPSenderRefused 421"),
        ({"end": "554 spam"}, "rejected", "SMTPDataError 554"),
        ({"end": "452 disk full"}, "pending", "SMTPDataError 452"),
        ({"end": HANG_UP}, "in_doubt", "SMTPServerDisconnected"),
        ({"MAIL": HANG_UP}, "in_doubt", "SMTPServerDisconnected"),
    ],
)
def test_each_answer_of_the_server_has_its_state(replies: dict[str, str], state: str, reason: str) -> None:
    ask()
    with smtp_server(**replies) as server, override_settings(**server.settings):
        assert outbox.send_pending(now=timezone.now()) == 0
    assert states() == [(state, reason)]


@pytest.mark.django_db(transaction=True)
def test_a_temporary_refusal_is_tried_again_later_with_a_fresh_link_and_not_for_ever() -> None:
    ask()
    now = timezone.now()
    with smtp_server(end="452 disk full") as server, override_settings(**server.settings):
        outbox.send_pending(now=now)
        outbox.send_pending(now=now)
        assert len(server.received) == 1
        first = OutboxMail.objects.get().token_hash
        for _ in range(10):
            now += timedelta(hours=2)
            outbox.send_pending(now=now)
    assert len(server.received) == outbox.MAX_ATTEMPTS
    assert OutboxMail.objects.get().token_hash != first
    assert states() == [("rejected", "SMTPDataError 452, 6 times")]


@pytest.mark.django_db(transaction=True)
def test_a_server_that_cannot_be_reached_leaves_every_mail_waiting() -> None:
    ask()
    with smtp_server() as server:
        gone = server.settings
    with override_settings(**gone):
        assert outbox.send_pending(now=timezone.now()) == 0
    assert states() == [("pending", "")]
    assert OutboxMail.objects.get().attempts == 0


@pytest.mark.django_db(transaction=True)
def test_a_server_that_refuses_us_costs_no_mail_an_attempt_and_ends_the_run() -> None:
    for number in range(3):
        ask(f"reader{number}@example.org")
    now = timezone.now()
    with smtp_server(MAIL="530 log in first") as server, override_settings(**server.settings):
        for _ in range(outbox.MAX_ATTEMPTS + 1):
            assert outbox.send_pending(now=now) == 0
            now += timedelta(hours=2)
        server.replies.clear()
        assert outbox.send_pending(now=now) == 3
    assert [state for state, _ in states()] == ["accepted"] * 3


@pytest.mark.django_db(transaction=True)
def test_one_bad_address_does_not_hold_up_the_others() -> None:
    for number in range(3):
        ask(f"reader{number}@example.org")
    with smtp_server(end="554 spam") as server, override_settings(**server.settings):
        outbox.send_pending(now=timezone.now(), limit=1)
        server.replies.clear()
        assert outbox.send_pending(now=timezone.now()) == 2
    assert [state for state, _ in states()] == ["rejected", "accepted", "accepted"]


@override_settings(EMAIL_TIMEOUT=900)
def test_what_a_killed_sender_left_is_in_doubt_and_never_sent_again() -> None:
    ask()
    now = timezone.now()
    OutboxMail.objects.update(state="handoff", handed_over_at=now - timedelta(minutes=29))
    outbox.send_pending(now=now)
    assert states() == [("handoff", "")]
    outbox.send_pending(now=now + timedelta(minutes=2))
    assert states() == [("in_doubt", "the sender ended before it heard an answer")]
    assert sent.outbox == []


@pytest.mark.django_db(transaction=True)
def test_the_handover_is_committed_before_the_first_byte_leaves() -> None:
    ask()
    seen: list[str] = []

    def look() -> None:
        seen.append(OutboxMail.objects.get().state)
        connection.close()

    with smtp_server() as server, override_settings(**server.settings):
        server.on_data = look
        outbox.send_pending(now=timezone.now())
    assert (seen, states()) == (["handoff"], [("accepted", "")])


@pytest.mark.django_db(transaction=True)
def test_four_senders_at_once_send_each_mail_once() -> None:
    for number in range(12):
        ask(f"reader{number}@example.org")
    counts: list[int] = []

    def run() -> None:
        counts.append(outbox.send_pending(now=timezone.now()))
        connection.close()

    with smtp_server() as server, override_settings(**server.settings):
        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    addressed = sorted(str(email.message_from_bytes(raw, policy=default)["To"]) for raw in server.received)
    assert addressed == sorted(f"reader{number}@example.org" for number in range(12))
    assert sum(counts) == 12


@pytest.mark.django_db(transaction=True)
def test_each_mail_has_the_moment_at_which_it_was_claimed() -> None:
    for number in range(2):
        ask(f"reader{number}@example.org")
    with smtp_server() as server, override_settings(**server.settings):
        outbox.send_pending(now=timezone.now())
    assert len(set(OutboxMail.objects.values_list("handed_over_at", flat=True))) == 2


class OutOfTime(EmailBackend):
    """The soft time limit of the task comes while a mail is on its way."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        raise SoftTimeLimitExceeded


@override_settings(EMAIL_BACKEND="tests.newsletter.test_outbox.OutOfTime")
def test_the_time_limit_of_the_task_ends_the_run_and_leaves_one_mail_in_doubt() -> None:
    for number in range(2):
        ask(f"reader{number}@example.org")
    with pytest.raises(SoftTimeLimitExceeded):
        outbox.send_pending(now=timezone.now())
    reason = "the time of the task was over before there was an answer"
    assert states() == [("in_doubt", reason), ("pending", "")]


@override_settings(EMAIL_BACKEND="tests.newsletter.test_outbox.OutOfTime")
def test_the_time_limit_of_the_task_ends_a_sender_and_leaves_one_digest_in_doubt() -> None:
    edition = make_edition(date=date(2026, 11, 20), papers=[(make_paper(), [])], state="sending")
    rows = [make_delivery(edition, make_subscriber()) for _ in range(2)]
    with pytest.raises(SoftTimeLimitExceeded):
        sending.Sender(edition).run()
    assert [type(row).objects.get(pk=row.pk).state for row in rows] == ["in_doubt", "pending"]
