"""Topics that readers follow."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Topic(models.Model):
    """What a reader can follow. Phrases and arXiv categories decide which papers belong to it."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80, unique=True)
    description = models.CharField(max_length=300, blank=True)
    phrases = ArrayField(
        models.CharField(max_length=120),
        default=list,
        blank=True,
        help_text="One phrase a line. 'reward model ^0.5' counts half; without a weight a phrase counts 1.",
    )
    categories = ArrayField(
        models.CharField(max_length=20),
        default=list,
        blank=True,
        help_text="arXiv categories whose papers belong here, for example cs.CL.",
    )
    position = models.PositiveSmallIntegerField(default=100, help_text="Smaller numbers come first.")
    is_active = models.BooleanField(default=True)
    accepts_unvoted = models.BooleanField(
        default=False,
        help_text="Papers under this topic may enter an edition though no source of attention knows them.",
    )

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name
