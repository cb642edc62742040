"""Links in mails: who they belong to, and everything that must not open them."""

import re

import pytest
from django.test.utils import override_settings

from newsletter.tokens import link_token, subscriber_for
from tests.factories import make_subscriber

pytestmark = pytest.mark.django_db


def test_a_link_leads_back_to_its_reader() -> None:
    reader, _other = make_subscriber(), make_subscriber()
    token = link_token("preferences", reader.handle, reader.secret)
    assert subscriber_for("preferences", token) == reader
    assert token == link_token("preferences", reader.handle, reader.secret)


def test_a_link_of_one_purpose_opens_no_other() -> None:
    reader = make_subscriber()
    assert subscriber_for("preferences", link_token("unsubscribe", reader.handle, reader.secret)) is None
    assert subscriber_for("unsubscribe", link_token("preferences", reader.handle, reader.secret)) is None


def test_a_changed_character_anywhere_opens_nothing() -> None:
    reader = make_subscriber()
    token = link_token("unsubscribe", reader.handle, reader.secret)
    for position in range(len(token) - 1):  # the last one carries four unused bits
        other = "A" if token[position] != "A" else "B"
        assert subscriber_for("unsubscribe", token[:position] + other + token[position + 1 :]) is None


@pytest.mark.parametrize(
    "token", ["", ".", "a", "a.b", "\0." + "A" * 22, "é." + "A" * 22, "A" * 10_000, "a.b.c"]
)
def test_nonsense_opens_nothing(token: str) -> None:
    make_subscriber()
    assert subscriber_for("preferences", token) is None


def test_a_new_secret_revokes_the_links() -> None:
    reader = make_subscriber()
    token = link_token("preferences", reader.handle, reader.secret)
    reader.secret = "another"
    reader.save()
    assert subscriber_for("preferences", token) is None


def test_links_survive_a_change_of_key_while_the_old_one_is_a_fallback() -> None:
    reader = make_subscriber()
    with override_settings(SECRET_KEY="the old key"):
        token = link_token("unsubscribe", reader.handle, reader.secret)
    with override_settings(SECRET_KEY="the new key", SECRET_KEY_FALLBACKS=["the old key"]):
        assert subscriber_for("unsubscribe", token) == reader
    with override_settings(SECRET_KEY="the new key"):
        assert subscriber_for("unsubscribe", token) is None


def test_a_link_fits_in_a_header_and_shows_no_address() -> None:
    reader = make_subscriber(email="someone@example.org")
    token = link_token("unsubscribe", reader.handle, reader.secret)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{20,60}", token)
    assert "someone" not in token
