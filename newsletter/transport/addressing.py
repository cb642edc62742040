"""Addresses for Anymail without its parsing, which for a thousand readers costs more than all else in a call.

Ours are checked when they come in, and again when a letter is prepared: one plain address each, no names.
"""

from collections.abc import Sequence
from typing import Any

from anymail.exceptions import AnymailInvalidAddress
from anymail.utils import EmailAddress
from django.utils.module_loading import import_string


def take_as_checked(backend: Any, payload: str) -> None:
    """Let this backend of Anymail build its calls (`payload` names the class) from addresses as they are."""
    known: Any = import_string(payload)
    attributes = tuple(
        (name, combiner, _addresses if name == "to" else converter)
        for name, combiner, converter in known.base_message_attrs
    )
    quick = type(known.__name__, (known,), {"base_message_attrs": attributes})
    backend.build_message_payload = lambda message, defaults: quick(message, defaults, backend)


def _addresses(addresses: Sequence[str]) -> list[EmailAddress]:
    found = []
    for address in addresses:
        local, _, domain = address.rpartition("@")
        one = EmailAddress(username=local, domain=domain)
        # Whoever is written in another way would be sent a mail without their links.
        if not (local and domain) or one.addr_spec != address:
            raise AnymailInvalidAddress(f"{address!r} is not one plain address")
        found.append(one)
    return found
