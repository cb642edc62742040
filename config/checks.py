"""What `manage.py check --deploy` says about a newsletter that would run but should not go out like this."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from newsletter.transport.providers import provider_of


@register(Tags.security, deploy=True)
def newsletter_can_go_out(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.NEWSLETTER_POSTAL_ADDRESS:
        found.append(
            Warning(
                "NEWSLETTER_POSTAL_ADDRESS is not set: most laws want it in every mail", id="running.W001"
            )
        )
    if settings.EMAIL_BACKEND == "newsletter.filemail.EmailBackend":
        found.append(
            Warning("mails are written into files: set EMAIL_URL or EMAIL_BACKEND", id="running.W002")
        )
    if settings.CELERY_BROKER_URL == "memory://":
        found.append(Warning("REDIS_URL is not set: workers would hear of nothing", id="running.W003"))
    if settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        found.append(
            Warning("DEFAULT_FROM_EMAIL is not set: mails from localhost are refused", id="running.W004")
        )
    if settings.EMAIL_BACKEND.startswith("anymail.") and not getattr(settings, "ANYMAIL_WEBHOOK_SECRET", ""):
        found.append(
            Warning(
                "ANYMAIL_WEBHOOK_SECRET is not set: anybody could tell us that mails bounced",
                id="running.W005",
            )
        )
    return found


@register(Tags.compatibility)
def provider_can(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What the chosen provider cannot do, so that nobody believes the promises hold with it in full."""
    provider = provider_of(settings.EMAIL_BACKEND)
    found: list[CheckMessage] = []
    if provider is None:
        return found
    if provider.unsubscribe:
        found.append(
            Warning(
                f"{provider.name} {provider.unsubscribe}",
                hint="The link in the mail works; the button of mail programs may not lead here.",
                id="running.W011",
            )
        )
    if not provider.metadata:
        found.append(
            Warning(
                f"{provider.name} takes no metadata, so what it tells later settles no mail in doubt",
                id="running.W012",
            )
        )
    if not provider.webhook:
        found.append(
            Warning(
                f"{provider.name} does not tell what became of mails: bounces and complaints stay unknown",
                id="running.W013",
            )
        )
    return found
