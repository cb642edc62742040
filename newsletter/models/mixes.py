"""What readers choose: topics and how much of each. Readers who chose the same share one mix."""

from django.db import models

from newsletter.models.handles import new_handle
from papers.models import Topic


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
