"""Mails to one reader that are no digests: to confirm, to open the preferences, to move."""

from django.db import models

from newsletter.models.mixes import TopicMix
from newsletter.models.readers import Subscriber
from newsletter.weekdays import EVERY_DAY


class OutboxMail(models.Model):
    """A mail that was asked for, or tells of a change; sent ahead of digests. Its token is stored hashed."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "confirm the subscription"
        PREFERENCES = "preferences", "link to the preferences"
        PRIVATE = "private", "link for an hour, to export, erase or move"
        MOVE = "move", "confirm the new address"
        MOVED = "moved", "word to the old address that mail goes elsewhere now"

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        HANDOFF = "handoff", "being handed over"
        ACCEPTED = "accepted", "accepted"
        REJECTED = "rejected", "rejected"
        IN_DOUBT = "in_doubt", "in doubt"

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="outbox")
    kind = models.CharField(max_length=12, choices=Kind)
    mix = models.ForeignKey(
        TopicMix,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The choice that confirming puts in force.",
    )
    timezone = models.CharField(
        max_length=64,
        blank=True,
        help_text="With hour and days what confirming puts in force too; empty: the reader's time stays.",
    )
    hour = models.PositiveSmallIntegerField(null=True, blank=True)
    weekdays = models.PositiveSmallIntegerField(default=EVERY_DAY)
    to = models.EmailField(blank=True, help_text="Where it goes, if not to the reader's address.")
    to_key = models.CharField(
        max_length=320, blank=True, db_index=True, help_text="As addresses are compared."
    )
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    token_hash = models.CharField(max_length=64, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.kind} to {self.subscriber_id}"
