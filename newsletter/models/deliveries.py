"""The ledger that says what became of each digest, and the moments it was planned at."""

import uuid

from django.db import models
from django.db.models import Q

from newsletter.models.editions import Edition
from newsletter.models.mixes import TopicMix
from newsletter.models.readers import Subscriber


class Slot(models.Model):
    """A moment at which an edition came due to the readers of one zone and hour, and was planned for them."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="slots")
    timezone = models.CharField(max_length=64)
    hour = models.PositiveSmallIntegerField(null=True, blank=True)
    due_at = models.DateTimeField()
    planned_at = models.DateTimeField()
    planned = models.PositiveIntegerField(default=0, help_text="Readers who got a row.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["edition", "timezone", "hour", "due_at"],
                name="one_slot_per_zone_hour_and_moment",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.edition_id} at {self.due_at} for {self.timezone}"


class Delivery(models.Model):
    """The ledger: one subscriber and one window of editions, at most one mail, and what became of it.

    A window is the editions dated from `first_on` to `last_on`; the last is `edition`. Of one subscriber, no
    two windows that cover their editions overlap.
    """

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        CLAIMED = "claimed", "claimed by a sender"
        HANDOFF = "handoff", "being handed over"
        ACCEPTED = "accepted", "accepted"
        REJECTED = "rejected", "rejected"
        SKIPPED = "skipped", "skipped"
        EXPIRED = "expired", "expired"
        IN_DOUBT = "in_doubt", "in doubt"

    SETTLED = (State.ACCEPTED, State.REJECTED, State.SKIPPED, State.EXPIRED, State.IN_DOUBT)

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, help_text="Travels in the mail's metadata.")
    # Planning a million rows is what each index and check costs a million times, so PostgreSQL does not look
    # for what these point to. Editions and mixes are never deleted; a reader who is erased in the moment of
    # planning leaves a row that no sender can claim, and that expires. The indexes below begin with these.
    edition = models.ForeignKey(
        Edition, on_delete=models.PROTECT, related_name="deliveries", db_index=False, db_constraint=False
    )
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="deliveries", db_index=False, db_constraint=False
    )
    mix = models.ForeignKey(
        TopicMix, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    first_on = models.DateField()
    last_on = models.DateField()
    due_at = models.DateTimeField(help_text="The reader's own moment.")
    expires_at = models.DateTimeField(help_text="Not sent any more from then on.")
    covers = models.BooleanField(
        default=True, help_text="The window went out or still may: its editions are not owed again."
    )
    revision = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The revision of the edition that was handed over."
    )
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    reason = models.TextField(blank=True)
    token = models.UUIDField(null=True, blank=True, help_text="The sender that holds the claim.")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True, help_text="Not before, after a temporary refusal.")
    message_id = models.CharField(max_length=200, blank=True)
    planned_at = models.DateTimeField()
    handed_over_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True, help_text="What the provider told later.")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            # `last_on` is the date of `edition`, and those are unique: this is one row for each reader and
            # edition, and finds a reader's windows as well.
            models.UniqueConstraint(
                fields=["subscriber", "last_on"], name="one_delivery_per_subscriber_and_last_edition"
            )
        ]
        indexes = [
            models.Index(
                fields=["edition", "expires_at", "first_on", "mix", "id"],
                condition=Q(state="pending"),
                name="delivery_pending",
            ),
            models.Index(fields=["edition"], name="delivery_edition"),
            models.Index(fields=["message_id"], condition=~Q(message_id=""), name="delivery_message_id"),
            models.Index(
                fields=["lease_until"], condition=Q(state__in=["claimed", "handoff"]), name="delivery_leased"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edition_id} to {self.subscriber_id}: {self.state}"
