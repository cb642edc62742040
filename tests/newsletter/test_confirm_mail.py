"""The mail that asks for confirmation says the whole choice, in its text and in its HTML."""

import pytest
from django.utils import timezone

from newsletter.mixes import mix_for
from newsletter.models import OutboxMail, TopicMix
from newsletter.outbox import compose
from newsletter.signup import request_subscription
from newsletter.times import Times
from tests.factories import make_subscriber, make_topic
from tests.newsletter.test_signup import ADA, FRIDAY
from tests.pages import faults_of, words_of

pytestmark = pytest.mark.django_db


def asked(mix: TopicMix, times: Times | None) -> tuple[str, str, str]:
    """Subject, text, and the words of the HTML, of the mail that asks Ada to confirm this."""
    request_subscription(ADA, mix, times=times, now=timezone.now())
    message = compose(OutboxMail.objects.get(), "token")
    html = str(message.alternatives[0][0])
    assert faults_of(html) == []
    return str(message.subject), " ".join(str(message.body).split()), words_of(html)


def test_the_mail_to_a_new_reader_says_topics_length_and_times() -> None:
    mix = mix_for(
        {make_topic(name="Agents"): "normal", make_topic(name="Speech & audio"): "normal"}, length=5
    )
    subject, text, html = asked(mix, Times("Europe/Berlin", 7, FRIDAY))
    assert subject == "Confirm your subscription to Paper Round"
    wish = "* Agents * Speech & audio Every Friday at 07:00 (Europe/Berlin) at most 5 papers a mail"
    assert f"What you would get: {wish} To say yes, open this page" in text
    when = "When Every Friday at 07:00 (Europe/Berlin)"
    assert f"Topics Agents , Speech & audio {when} Length at most 5 papers a mail" in html


def test_the_mail_to_a_reader_says_the_times_that_stay() -> None:
    make_subscriber(email=ADA.email, hour=6, timezone="Asia/Tokyo")
    subject, text, html = asked(mix_for({}), None)
    assert subject == "Confirm your new choice for Paper Round"
    assert "the day’s most noticed, whatever their topic Every day at 06:00 (Asia/Tokyo)" in text
    assert "Topics the day’s most noticed, whatever their topic When Every day at 06:00 (Asia/Tokyo)" in html
