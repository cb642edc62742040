"""What each provider that Anymail knows can do for us. Pure: a table, read from Anymail 15.2's own source.

A provider gets many readers in one call only where all of this holds, for one reader of many as for all:

- its templates work in the mail's own body, not only in templates stored with it beforehand;
- the delivery id goes along as metadata of each reader;
- each reader's List-Unsubscribe header goes along;
- its answer says of each reader whether the mail was taken, or refuses the whole call.
"""

import re
from dataclasses import dataclass, field
from typing import Any

_BACKEND = re.compile(r"anymail\.backends\.(\w+)\.EmailBackend")


@dataclass(frozen=True, slots=True)
class Batch:
    """How one call carries many readers."""

    limit: int  # readers in a call
    hole: str  # what stands in the body for a value; `{}` is its name
    payload: str  # Anymail's class that builds its calls
    # Its headers of one reader replace the common ones instead of joining them.
    own_headers_replace: bool = False
    # The list in its answer that has one entry a reader; without it, none is missing by accident.
    counted_in: str = ""
    # The only HTTP status that means "taken", where Anymail reads none of the answer but that it is a 2xx.
    taken_with: int = 0
    extra: dict[str, Any] = field(default_factory=dict)  # Anymail's esp_extra


@dataclass(frozen=True, slots=True)
class Provider:
    """One of Anymail's providers. `single_because` says why each reader is a call of its own."""

    name: str
    batch: Batch | None = None
    single_because: str = ""
    metadata: bool = True  # its events bring our delivery id back
    merge_headers: bool = True
    webhook: bool = True
    unsubscribe: str = ""  # what is wrong with our own List-Unsubscribe header, if anything
    tags: int | None = None  # how many a mail may have; None for any number
    # Its template language is looked for in every mail, so it might read one in a paper's text.
    reads: bool = False


_BACKENDS = "anymail.backends"
_STORED = "its templates must be stored with it beforehand"

PROVIDERS = {
    "amazon_ses": Provider("Amazon SES", single_because=_STORED, merge_headers=False),
    "brevo": Provider("Brevo", single_because=_STORED, reads=True),
    "mailersend": Provider(
        "MailerSend",
        single_because="it takes neither metadata nor headers of one reader, and its bulk call answers later",
        metadata=False,
        merge_headers=False,
        unsubscribe="takes own headers, and so List-Unsubscribe, from Enterprise accounts only",
        reads=True,
    ),
    "mailgun": Provider(
        "Mailgun", batch=Batch(1000, "%recipient.{}%", f"{_BACKENDS}.mailgun.MailgunPayload")
    ),
    "mailjet": Provider(
        "Mailjet",
        batch=Batch(
            50,
            "[[var:{}]]",
            f"{_BACKENDS}.mailjet.MailjetPayload",
            own_headers_replace=True,
            counted_in="Messages",
        ),
        tags=1,
    ),
    "mailtrap": Provider("Mailtrap", single_because=_STORED, tags=1),
    "mandrill": Provider("Mandrill", single_because="it takes no headers of one reader", merge_headers=False),
    "postal": Provider(
        "Postal",
        single_because="it has no templates",
        metadata=False,
        merge_headers=False,
        tags=1,
    ),
    "postmark": Provider("Postmark", single_because=_STORED, tags=1),
    "resend": Provider("Resend", single_because="it has no templates"),
    "scaleway": Provider(
        "Scaleway", single_because="it has no templates", merge_headers=False, webhook=False
    ),
    "sendgrid": Provider(
        "SendGrid",
        batch=Batch(
            1000,
            "-reader.{}-",
            f"{_BACKENDS}.sendgrid.SendGridPayload",
            taken_with=202,
            extra={"merge_field_format": "-reader.{}-"},
        ),
    ),
    "sparkpost": Provider(
        "SparkPost",
        single_because="its answer does not tell which readers it refused",
        unsubscribe="ignores our List-Unsubscribe header and sets its own",
        tags=1,
        reads=True,
    ),
    "unisender_go": Provider(
        "Unisender Go",
        batch=Batch(500, "{{{{{}}}}}", f"{_BACKENDS}.unisender_go.UnisenderGoPayload"),
        unsubscribe="takes our List-Unsubscribe header only from accounts that its support approved",
    ),
}


def provider_of(backend: str) -> Provider | None:
    """The provider behind an EMAIL_BACKEND; None for a mail server, files, or one that is not Anymail's."""
    found = _BACKEND.fullmatch(backend)
    return PROVIDERS.get(found[1]) if found else None
