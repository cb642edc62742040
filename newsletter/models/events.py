"""What mail providers tell of a mail after it has left."""

from django.db import models

from newsletter.models.deliveries import Delivery


class Event(models.Model):
    """What the mail provider told later, in Anymail's words."""

    event_id = models.CharField(max_length=200, unique=True)
    event_type = models.CharField(max_length=20)
    timestamp = models.DateTimeField(null=True, blank=True)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.SET_NULL, null=True, blank=True, related_name="events"
    )
    reject_reason = models.CharField(max_length=40, blank=True)
    description = models.TextField(blank=True)
    received_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"
