"""Readers, what they chose, the day's editions, and the ledger that says what became of each mail."""

import secrets
import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from newsletter.weekdays import EVERY_DAY
from papers.models import Paper, Topic


def new_handle() -> str:
    """A random name for links, so that neither address nor row number stands in a URL (128 bits)."""
    return secrets.token_urlsafe(16)


def default_zone() -> str:
    """The zone of readers who chose none: the one of the installation."""
    return str(settings.TIME_ZONE)


class TopicMix(models.Model):
    """A distinct choice. Readers who chose the same share one row, so their digest is composed once."""

    class WhenEmpty(models.TextChoices):
        SKIP = "skip", "send nothing"
        TOP = "top", "send the overall top papers"

    key = models.CharField(max_length=600, unique=True, help_text="The whole choice as canonical text.")
    slug = models.CharField(max_length=32, unique=True, default=new_handle)
    length = models.PositiveSmallIntegerField(default=10)
    language = models.CharField(max_length=10, default="en")
    when_empty = models.CharField(max_length=4, choices=WhenEmpty, default=WhenEmpty.SKIP)
    topics = models.ManyToManyField(Topic, through="MixTopic", related_name="mixes")

    class Meta:
        verbose_name_plural = "topic mixes"

    def __str__(self) -> str:
        return self.key


class MixTopic(models.Model):
    """A topic in a mix, and how much of it."""

    class Weight(models.TextChoices):
        LESS = "less", "less"
        NORMAL = "normal", "normal"
        MORE = "more", "more"

    mix = models.ForeignKey(TopicMix, on_delete=models.CASCADE, related_name="choices")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")
    weight = models.CharField(max_length=6, choices=Weight, default=Weight.NORMAL)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mix", "topic"], name="one_weight_per_mix_and_topic")]

    def __str__(self) -> str:
        return f"{self.topic} ({self.weight})"


class Subscriber(models.Model):
    """A reader: an address, a choice, and whether it may be mailed."""

    class State(models.TextChoices):
        PENDING = "pending", "asked, not confirmed"
        ACTIVE = "active", "active"
        UNSUBSCRIBED = "unsubscribed", "unsubscribed"
        SUPPRESSED = "suppressed", "bounced or complained"

    email = models.EmailField(help_text="As it is mailed.")
    email_key = models.CharField(max_length=320, unique=True, help_text="As addresses are compared by.")
    state = models.CharField(max_length=12, choices=State, default=State.PENDING, db_index=True)
    mix = models.ForeignKey(TopicMix, on_delete=models.PROTECT, related_name="subscribers")
    handle = models.CharField(max_length=32, unique=True, default=new_handle)
    secret = models.CharField(max_length=32, default=new_handle, help_text="Part of the links' signatures.")
    origin = models.CharField(max_length=20, default="form", help_text="form, import or admin.")
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    active_from = models.DateTimeField(
        null=True, blank=True, help_text="What was due before, by their hour and days, is not owed."
    )
    unsubscribed_at = models.DateTimeField(null=True, blank=True)
    timezone = models.CharField(max_length=64, default=default_zone, help_text="Such as Europe/Berlin.")
    hour = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Local hour, 0 to 23; empty: as soon as the edition is out."
    )
    weekdays = models.PositiveSmallIntegerField(
        default=EVERY_DAY,
        help_text="Local days with mail: 1 Monday, 2 Tuesday, 4 Wednesday … 64 Sunday, added up.",
    )
    paused_until = models.DateField(null=True, blank=True, help_text="The first local day with mail again.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(hour=None) | Q(hour__lte=23), name="hour_of_a_day"),
            models.CheckConstraint(
                condition=Q(weekdays__gte=1, weekdays__lte=EVERY_DAY), name="some_day_with_mail"
            ),
        ]
        indexes = [
            # With the days, so that those who have days off are found without reading all others.
            models.Index(
                fields=["timezone", "hour", "weekdays"],
                condition=Q(state="active"),
                name="subscriber_by_local_hour",
            ),
        ]

    def __str__(self) -> str:
        return self.email


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


class WeightChange(models.Model):
    """A topic that a reader weighed anew by a link in a mail, kept so that it can be seen and undone."""

    OFF = "off"
    WEIGHTS = [(OFF, "off"), *MixTopic.Weight.choices]

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="weight_changes")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="+", help_text="What moved them.")
    before = models.CharField(max_length=6, choices=WEIGHTS)
    after = models.CharField(max_length=6, choices=WEIGHTS)
    changed_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-changed_at", "-id"]

    def __str__(self) -> str:
        return f"{self.topic}: {self.before} to {self.after}"


class Edition(models.Model):
    """One day's issue: a frozen, ordered list of papers. Dated in UTC, unique by date."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        HELD = "held", "held"
        FROZEN = "frozen", "frozen"
        SENDING = "sending", "sending"
        CLOSED = "closed", "closed"
        CLOSED_WITH_IN_DOUBT = "closed_with_in_doubt", "closed, some mails in doubt"
        EMPTY = "empty", "empty"
        CANCELLED = "cancelled", "cancelled"
        MISSED = "missed", "missed"

    SENDABLE = (State.FROZEN, State.SENDING)
    # Released: what the public sees, and what windows are made of.
    PRINTED = (*SENDABLE, State.CLOSED, State.CLOSED_WITH_IN_DOUBT)

    date = models.DateField(unique=True)
    number = models.PositiveIntegerField(null=True, blank=True, help_text="The 'No.' in the dateline.")
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    candidate_count = models.PositiveIntegerField(null=True, blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="A word from the editor, printed on top of every mail.")
    sources = models.JSONField(
        default=list, blank=True, help_text="[{source, verdict, text}]: how its sources were read before it."
    )
    released_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Since when it may be sent: frozen, and approved where that is asked.",
    )
    revision = models.PositiveSmallIntegerField(
        default=0, help_text="Counts the withdrawals since it was frozen."
    )
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_because = models.TextField(blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True)
    awaited_from = models.DateTimeField(
        null=True, blank=True, help_text="Since when its sources keep it waiting."
    )
    held_because = models.TextField(blank=True)
    papers = models.ManyToManyField(Paper, through="EditionPaper", related_name="editions")

    class Meta:
        ordering = ["-date"]

    def __str__(self) -> str:
        return f"Edition of {self.date}"

    @property
    def broken_sources(self) -> list[dict[str, str]]:
        """Those that were stale or had failed when it was frozen or held."""
        return [state for state in self.sources if state["verdict"] in ("stale", "failed")]


class EditionPaper(models.Model):
    """A paper in an edition, with everything its card shows, so that the edition can be replayed."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="entries")
    # One edition at most: nobody can be sent a paper twice.
    paper = models.OneToOneField(Paper, on_delete=models.PROTECT, related_name="entry")
    rank = models.PositiveSmallIntegerField()
    score = models.FloatField()
    terms = models.JSONField(help_text="The trending score term by term.")
    matches = models.JSONField(help_text="[{topic, name, score, evidence}], best first.")
    card = models.JSONField(help_text="What the card shows: title, abstract, counts, dates.")
    removed_in = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The revision of the edition that no longer has it."
    )

    class Meta:
        ordering = ["rank"]
        constraints = [
            models.UniqueConstraint(fields=["edition", "rank"], name="one_paper_per_edition_and_rank")
        ]

    def __str__(self) -> str:
        return f"{self.rank}. {self.paper_id}"


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


class Pace(models.Model):
    """How many mails left lately, whoever sent them, by slices of one unit of time; see `delivery.pacing`.

    The row "all" counts nothing: until its moment, the mail server or provider wants no mail at all.
    """

    unit = models.CharField(max_length=3, primary_key=True)  # s, m, h, d or all
    newest = models.BigIntegerField(default=0, help_text="The number of the newest slice.")
    counts = ArrayField(models.IntegerField(), default=list, help_text="By slice, newest first.")
    until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.unit


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


class Suppression(models.Model):
    """An address that must never be mailed again, kept as a keyed hash so that it survives erasure."""

    address_hash = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.reason} {self.address_hash[:8]}"
