"""What all processes must remember."""

from django.db import models


class Mark(models.Model):
    """What all processes must remember, by name: when a chore was done, when a source may be asked."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()
    position = models.BigIntegerField(default=0, help_text="How far a chore has come.")

    def __str__(self) -> str:
        return self.name
