"""How fast mails leave, over all senders."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


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
