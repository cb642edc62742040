"""Which way out a sender takes, by EMAIL_BACKEND."""

from django.conf import settings

from newsletter.transport.batch import BatchCarrier
from newsletter.transport.carrier import Carrier
from newsletter.transport.providers import provider_of
from newsletter.transport.single import SingleCarrier
from newsletter.transport.smtp import SmtpCarrier

SMTP = "django.core.mail.backends.smtp.EmailBackend"


def carrier() -> Carrier:
    """A new carrier for the mail server or provider of the settings."""
    if settings.EMAIL_BACKEND == SMTP:
        return SmtpCarrier()
    provider = provider_of(settings.EMAIL_BACKEND)
    if provider is not None and provider.batch is not None:
        return BatchCarrier()
    return SingleCarrier()
