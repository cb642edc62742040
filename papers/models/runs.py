"""Readings of sources and imports of files."""

from django.db import models
from django.db.models import Q


class SourceRun(models.Model):
    """One reading of a source or import of a file: what came, what it changed, how it ended."""

    class Verdict(models.TextChoices):
        OK = "ok", "ok"
        QUIET = "quiet", "quiet: its calendar says none are due"
        STALE = "stale", "stale"
        PARTIAL = "partial", "partial"
        FAILED = "failed", "failed"

    source = models.CharField(max_length=20)
    target = models.CharField(max_length=500, help_text="File name, or the list day that was asked for.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    read_count = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    rejected_count = models.PositiveIntegerField(default=0)
    rejects = models.JSONField(default=list, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    message = models.TextField(blank=True)
    day = models.DateField(
        null=True, blank=True, help_text="The list day that was read, or the date that the feed bears."
    )
    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="Nobody else asks this source before; renewed while it runs."
    )
    retry_at = models.DateTimeField(null=True, blank=True, help_text="Not to be fetched again before.")

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["source", "target", "-started_at"], name="source_run_by_target"),
            models.Index(fields=["source"], condition=Q(finished_at=None), name="source_run_under_way"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.target}"
