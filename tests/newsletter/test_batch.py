"""Many readers in one call: everybody's own links and ids, nobody else's, and each answer to its letter."""

import html
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.utils import timezone

from newsletter.mail.merging import _NOTHING
from newsletter.transport.batch import BatchCarrier
from newsletter.transport.choosing import carrier
from newsletter.transport.outcomes import Accepted, NoAnswer, Refused
from newsletter.transport.providers import PROVIDERS
from newsletter.transport.single import SingleCarrier
from tests.newsletter.letters import HOSTILE, delivered, make_letters, make_print, readers
from tests.provider_server import ProviderServer

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning"),  # SendGrid
]

BATCHING = sorted(name for name, provider in PROVIDERS.items() if provider.batch)
Ask = Callable[[str], ProviderServer]


@pytest.fixture
def ask(settings: Any) -> Iterator[Ask]:
    """A provider's server; asking it by name puts it into the settings."""
    settings.EMAIL_TIMEOUT = 10
    with ProviderServer() as server:

        def named(provider: str) -> ProviderServer:
            for name, value in server.settings(provider).items():
                setattr(settings, name, value)
            return server

        yield named


def test_these_providers_take_many_readers_in_one_call() -> None:
    assert BATCHING == ["mailgun", "mailjet", "sendgrid", "unisender_go"]


@pytest.mark.parametrize("provider", BATCHING)
def test_one_call_brings_everybody_their_own_mail(ask: Ask, provider: str) -> None:
    server = ask(provider)
    letters = make_letters(make_print(HOSTILE), ["ada@example.org", "Ben.Two@example.org", "c+d@example.org"])
    with BatchCarrier() as batch:
        known = delivered(batch, letters)
    assert {type(outcome) for outcome in known.values()} == {Accepted} and len(known) == 3
    [call] = server.calls
    assert [mail.to for mail in call.mails] == [letter.reader.email for letter in letters]
    for letter, mail in zip(letters, call.mails, strict=True):
        alone = letter.printed.message(letter.reader, public_id=letter.public_id, now=timezone.now())
        assert mail.delivery_id == letter.public_id
        assert mail.subject.replace(_NOTHING, "") == alone.subject
        assert mail.text.replace(_NOTHING, "") == alone.body
        assert html.unescape(mail.html) == html.unescape(str(alone.alternatives[0][0]))
        # A provider gives a mail its own Date and Message-ID.
        expected = {
            name.lower(): value
            for name, value in alone.extra_headers.items()
            if name not in ("Date", "Message-ID")
        }
        assert {name: mail.headers.get(name) for name in expected} == expected


@pytest.mark.parametrize("provider", BATCHING)
def test_nothing_of_a_reader_is_in_what_another_gets(ask: Ask, provider: str) -> None:
    server = ask(provider)
    letters = make_letters(make_print(), readers(4))
    with BatchCarrier() as batch:
        delivered(batch, letters)
    [call] = server.calls
    for mail in call.mails:
        got = f"{mail.subject}{mail.text}{mail.html}{mail.headers}"
        for letter in letters:
            theirs = [
                letter.reader.email,
                letter.public_id,
                *letter.printed.merge_data(letter.reader).values(),
            ]
            found = {text for text in theirs if text in got}
            own = set(theirs[2:]) if letter.reader.email == mail.to else set()
            assert found == own
    # Nor in what all of them share, as it was sent; and nobody is told of the others by a copy.
    shared = "".join([*call.mails[0].template.values(), *call.mails[0].common.values()])
    assert [letter.reader.email for letter in letters if letter.reader.email in shared] == []
    raw = call.raw.decode().casefold()
    assert [word for word in ('"cc"', '"bcc"', "&cc=", "&bcc=", "expose") if word in raw] == []


@pytest.mark.parametrize("provider", BATCHING)
def test_addresses_that_are_not_parsed_again_make_the_call_that_anymail_makes_of_them(
    ask: Ask, provider: str
) -> None:
    server = ask(provider)
    letters = make_letters(
        make_print(), ["ada@example.org", "Ben.O'Two+x@sub.example.org", "_c=@example.org"]
    )
    with BatchCarrier() as batch, get_connection() as anymails_own:
        delivered(batch, letters)
        assert anymails_own.send_messages([batch._message(letters)]) == 1
    ours, theirs = server.calls
    assert ours.mails == theirs.mails
    assert ours.path == theirs.path


@pytest.mark.parametrize("address", ["a@b@example.org", "a..b@example.org@", "@example.org"])
def test_an_address_that_could_be_read_in_two_ways_is_sent_nothing(ask: Ask, address: str) -> None:
    server = ask("mailgun")
    with BatchCarrier() as batch:
        known = delivered(batch, make_letters(make_print(), ["ada@example.org", address, "ben@example.org"]))
    assert known.pop(address) == Refused(temporary=False, reason="the provider does not take this address")
    assert {type(outcome) for outcome in known.values()} == {Accepted}
    assert sorted(mail.to for mail in server.taken) == ["ada@example.org", "ben@example.org"]


def test_a_call_takes_the_letters_of_one_print_up_to_the_limit(ask: Ask) -> None:
    ask("mailjet")
    one = make_print()
    letters = make_letters(one, readers(60))
    twice = make_letters(one, ["ada@example.org", "ADA@example.org"])
    with BatchCarrier() as batch:
        for letter in (*letters, *twice):
            batch.prepare(letter)
        assert batch.at_once == 50
        assert batch.room(letters) == 50
        assert batch.room(letters[:7]) == 7
        assert batch.room(twice) == 1
        assert batch.room([]) == 0
        other = make_letters(letters[0].printed, ["x@example.org"])[0]
        batch.prepare(other)
        other.printed = object()  # type: ignore[assignment]  # compared only
        assert batch.room([*letters[:3], other]) == 3
        batch.carry(letters[:2])
        assert batch.room(letters[2:]) == 0
        assert len(batch.answers()) == 2
        assert batch.answers() == []


def test_each_answer_lands_on_its_letter(ask: Ask) -> None:
    server = ask("unisender_go")
    server.refused = {"reader1@example.org": "rejected", "reader2@example.org": "invalid"}
    server.refused["reader3@example.org"] = "failed"
    with BatchCarrier() as batch:
        known = delivered(batch, make_letters(make_print(), readers(5)))
    assert isinstance(known.pop("reader0@example.org"), Accepted)
    assert isinstance(known.pop("reader4@example.org"), Accepted)
    assert known == {
        "reader1@example.org": Refused(temporary=False, reason="the provider says: rejected"),
        "reader2@example.org": Refused(temporary=False, reason="the provider says: invalid"),
        "reader3@example.org": Refused(temporary=True, reason="the provider says: failed"),
    }


def test_whom_mailjet_reports_as_an_error_may_be_tried_again(ask: Ask) -> None:
    server = ask("mailjet")
    server.refused = {"reader1@example.org": "invalid"}
    with BatchCarrier() as batch:
        known = delivered(batch, make_letters(make_print(), readers(3)))
    assert known["reader1@example.org"] == Refused(temporary=True, reason="the provider says: failed")
    assert [mail.to for mail in server.taken] == ["reader0@example.org", "reader2@example.org"]


def test_whom_an_answer_leaves_out_is_in_doubt(ask: Ask) -> None:
    server = ask("mailjet")
    one = {"Status": "success", "To": [{"Email": "reader0@example.org", "MessageID": 1}]}
    server.break_next("status", body={"Messages": [one]}, taken=True)
    with BatchCarrier() as batch:
        known = delivered(batch, make_letters(make_print(), readers(2)))
    assert known == {
        "reader0@example.org": Accepted("1"),
        "reader1@example.org": NoAnswer("the provider's answer does not say what became of every mail"),
    }


@pytest.mark.parametrize("provider", ["mailgun", "sendgrid"])
def test_one_wrong_address_costs_the_others_of_its_call_nothing(ask: Ask, provider: str) -> None:
    server = ask(provider)
    server.refused = {"reader11@example.org": "invalid"}
    with BatchCarrier() as batch:
        known = delivered(batch, make_letters(make_print(), readers(40)))
    wrong = known.pop("reader11@example.org")
    assert wrong == Refused(temporary=False, reason="the provider refused this mail (400)")
    assert {type(outcome) for outcome in known.values()} == {Accepted}
    assert sorted(mail.to for mail in server.taken) == sorted(known)
    assert len(server.calls) == 11  # one call of all, and two for each halving


def test_calls_that_are_all_refused_end_the_run_and_cost_few_the_mail(ask: Ask) -> None:
    server = ask("mailgun")
    server.break_always("status", status=400, body={"message": "from parameter is not a valid address"})
    with BatchCarrier() as batch:
        known = delivered(batch, make_letters(make_print(), readers(64)))
    reason = "the provider refused this mail (400)"
    ours = Refused(temporary=True, reason=reason, to_all=True)
    assert [outcome == ours for outcome in known.values()].count(True) == 60
    assert len(server.calls) < 20


def test_what_was_refused_while_halves_waited_is_not_asked_any_more(ask: Ask) -> None:
    server = ask("mailgun")
    server.break_next("status", status=400)
    server.break_next("status", status=429, headers={"Retry-After": "30"})
    with BatchCarrier() as batch:
        known = delivered(batch, make_letters(make_print(), readers(8)))
    told = Refused(temporary=True, reason="the provider answered 429", to_all=True, retry_after=30)
    assert known == dict.fromkeys(readers(8), told)
    assert len(server.calls) == 2


def test_halves_that_might_outlast_their_lease_are_given_back(ask: Ask, settings: Any) -> None:
    settings.NEWSLETTER_LEASE_SECONDS = -1
    server = ask("mailgun")
    with BatchCarrier() as batch:
        known = delivered(batch, make_letters(make_print(), readers(2)))
    late = Refused(temporary=True, reason="the provider refused the call, and there was no time left")
    assert known == dict.fromkeys(readers(2), late)
    assert server.calls == []


def test_calls_go_over_one_kept_connection(ask: Ask) -> None:
    server = ask("mailjet")
    with BatchCarrier() as batch:
        delivered(batch, make_letters(make_print(), readers(120)))
    assert [len(call.mails) for call in server.calls] == [50, 50, 20]
    assert len({call.connection for call in server.calls}) == 1


def test_the_carrier_follows_the_settings(ask: Ask, settings: Any) -> None:
    ask("postmark")
    assert type(carrier()) is SingleCarrier
    with pytest.raises(ImproperlyConfigured):
        BatchCarrier()
    ask("mailgun")
    assert type(carrier()) is BatchCarrier
    settings.EMAIL_BACKEND = "newsletter.filemail.EmailBackend"
    assert type(carrier()) is SingleCarrier
