from anymail.signals import tracking
from django.apps import AppConfig


class NewsletterConfig(AppConfig):
    name = "newsletter"
    verbose_name = "Newsletter"

    def ready(self) -> None:
        # Here, because it needs the models.
        from newsletter.events import on_tracking

        tracking.connect(on_tracking, dispatch_uid="newsletter.events")
