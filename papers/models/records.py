"""What each source says of a paper: the facts, and the attention it was seen to get."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from papers.models.papers import Paper


class SourceRecord(models.Model):
    """What one source says of one paper, kept so that the paper can be folded anew from all its sources.

    One row per source and identity (arXiv id, or else title), joined fact by fact from all records of it
    (see `papers.folding`), so the order of imports cannot matter.
    """

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="records")
    source = models.CharField(max_length=20)
    identity = models.CharField(
        max_length=80, help_text="'arxiv:2604.13074', or 'title:' and the hash of the title key."
    )
    arxiv_id = models.CharField(max_length=32, null=True, blank=True, db_index=True)  # noqa: DJ001
    title_keys = ArrayField(models.TextField(), help_text="Every title this source gave it, normalised.")
    payload = models.JSONField(help_text="Each fact with its rank; see papers.folding.")
    list_days = ArrayField(models.DateField(), default=list)
    first_read_on = models.DateField(help_text="UTC date of the first import, or --listed-on.")
    decided_by_editor = models.BooleanField(default=False, help_text="A curator chose this row's paper.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "identity"], name="one_record_per_source_and_identity")
        ]
        indexes = [GinIndex(fields=["title_keys"], name="source_record_by_title_key")]

    def __str__(self) -> str:
        return f"{self.source} {self.identity}"


class Observation(models.Model):
    """Upvotes, comments and stars of one paper at one moment, as one source told them."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="observations")
    source = models.CharField(max_length=20)
    identity = models.CharField(
        max_length=80,
        blank=True,
        help_text="Of the source record that told it, so that it follows that record.",
    )
    observed_at = models.DateTimeField(null=True, blank=True)
    upvotes = models.PositiveIntegerField(null=True, blank=True)
    num_comments = models.PositiveIntegerField(null=True, blank=True)
    github_stars = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["paper", "source", "identity", "observed_at"],
                condition=Q(observed_at__isnull=False),
                name="one_observation_per_source_and_moment",
            ),
            models.UniqueConstraint(
                fields=["paper", "source", "identity", "upvotes", "num_comments", "github_stars"],
                condition=Q(observed_at__isnull=True),
                nulls_distinct=False,
                name="one_undated_observation_per_content",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.paper_id} at {self.observed_at}"
