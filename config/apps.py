from django.apps import AppConfig


class RunningConfig(AppConfig):
    name = "config"
    label = "running"

    def ready(self) -> None:
        # With Django comes the Celery app, or tasks queued from a view would go to Celery's default broker.
        from config import celery, checks  # noqa: F401
