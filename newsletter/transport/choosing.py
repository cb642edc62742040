"""Which way out a sender takes, by EMAIL_BACKEND."""

from newsletter.transport.carrier import Carrier
from newsletter.transport.single import SingleCarrier


def carrier() -> Carrier:
    """A new carrier for the mail server or provider of the settings."""
    return SingleCarrier()
