"""The table of providers agrees with the Anymail installed, and a system check names what they lack."""

import importlib
import inspect
import pkgutil
from typing import Any

import anymail.backends
import pytest
from anymail.backends.base import BasePayload
from django.core.checks import run_checks
from django.core.mail import get_connection

from config.environment import PROVIDER_KEYS
from newsletter.transport.providers import PROVIDERS, provider_of
from newsletter.transport.single import SingleCarrier
from tests.newsletter.letters import HOSTILE, make_letters, make_print

# Amazon's needs a package that is not installed here; the others are no providers.
NOT_READ = {"amazon_ses", "base", "base_requests", "console", "sendinblue", "test"}


def payload_of(name: str) -> type[BasePayload]:
    module = importlib.import_module(f"anymail.backends.{name}")
    [found] = [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, BasePayload) and kind.__module__ == module.__name__
    ]
    return found


def can(name: str, feature: str) -> bool:
    """Whether Anymail does anything about a feature for a provider; the base class refuses them all."""
    method = f"set_{feature}"
    return getattr(payload_of(name), method) is not getattr(BasePayload, method)


def test_every_provider_that_anymail_brings_is_in_the_table() -> None:
    brought = {module.name for module in pkgutil.iter_modules(anymail.backends.__path__)}
    assert set(PROVIDERS) == (brought - NOT_READ) | {"amazon_ses"} == set(PROVIDER_KEYS)


@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - NOT_READ))
def test_the_table_says_what_anymail_does(name: str) -> None:
    provider = PROVIDERS[name]
    assert (provider.metadata, provider.merge_headers) == (can(name, "metadata"), can(name, "merge_headers"))
    webhooks = {
        module.name for module in pkgutil.iter_modules(importlib.import_module("anymail.webhooks").__path__)
    }
    assert provider.webhook == (name in webhooks)
    if provider.batch:
        assert can(name, "merge_data") and can(name, "merge_metadata") and can(name, "merge_headers")


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_provider_batches_or_says_why_not(name: str) -> None:
    provider = PROVIDERS[name]
    assert bool(provider.batch) != bool(provider.single_because)


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning")  # SendGrid
@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - NOT_READ))
def test_anymail_builds_a_digest_for_every_provider_and_none_reads_a_paper_as_its_template(
    settings: Any, name: str
) -> None:
    settings.EMAIL_BACKEND = f"anymail.backends.{name}.EmailBackend"
    for key in PROVIDER_KEYS[name]:
        setattr(settings, f"ANYMAIL_{name.upper()}_{key}", "http://127.0.0.1:9/" if key == "API_URL" else "1")
    [letter] = make_letters(make_print(HOSTILE), ["ada@example.org"])
    SingleCarrier().prepare(letter)
    backend = get_connection()
    payload = backend.build_message_payload(letter.content, backend.send_defaults)
    payload.get_request_params(backend.api_url)
    assert hasattr(letter.content, "metadata") == PROVIDERS[name].metadata
    shown = f"{letter.content.subject}{letter.content.body}{letter.content.alternatives[0][0]}"
    assert ("[[var:unsubscribe]]" in shown) == (not PROVIDERS[name].reads)


def test_what_is_not_anymails_has_no_entry() -> None:
    assert provider_of("newsletter.filemail.EmailBackend") is None
    assert provider_of("django.core.mail.backends.smtp.EmailBackend") is None
    assert provider_of("anymail.backends.test.EmailBackend") is None
    assert provider_of("anymail.backends.mailgun.EmailBackend") is PROVIDERS["mailgun"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("mailgun", []),
        ("postmark", []),
        (
            "sparkpost",
            [("running.W011", "SparkPost ignores our List-Unsubscribe header and sets its own")],
        ),
        (
            "mailersend",
            [
                (
                    "running.W011",
                    "MailerSend takes own headers, and so List-Unsubscribe, from Enterprise accounts only",
                ),
                (
                    "running.W012",
                    "MailerSend takes no metadata, so what it tells later settles no mail in doubt",
                ),
            ],
        ),
        (
            "scaleway",
            [
                (
                    "running.W013",
                    "Scaleway does not tell what became of mails: bounces and complaints stay unknown",
                )
            ],
        ),
    ],
)
def test_the_check_names_what_the_provider_cannot_do(
    settings: Any, name: str, found: list[tuple[str, str]]
) -> None:
    settings.EMAIL_BACKEND = f"anymail.backends.{name}.EmailBackend"
    ours = [message for message in run_checks() if str(message.id).startswith("running.W01")]
    assert [(message.id, message.msg) for message in ours] == found
