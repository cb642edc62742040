"""Readers: where and when they are mailed, and what they changed by a link in a mail."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from newsletter.models.handles import new_handle
from newsletter.models.mixes import MixTopic, TopicMix
from newsletter.weekdays import EVERY_DAY
from papers.models import Paper, Topic


def default_zone() -> str:
    """The zone of readers who chose none: the one of the installation."""
    return str(settings.TIME_ZONE)


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
