"""Papers under topics, what they are matched by, and filing all of them anew."""

from django.db import models
from django.db.models import Q

from papers.models.papers import Paper
from papers.models.topics import Topic


class PaperTopic(models.Model):
    """A paper filed under a topic: by matching, with score and evidence, or by an editor, for good."""

    class Decision(models.TextChoices):
        MATCHED = "matched", "matched"
        ADDED = "added", "added by an editor"
        REMOVED = "removed", "removed by an editor"

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="filings")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="filings")
    score = models.FloatField()
    evidence = models.JSONField(default=list, help_text="The terms that matched, best first.")
    decision = models.CharField(max_length=10, choices=Decision, default=Decision.MATCHED)
    editor = models.ForeignKey(
        "auth.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["paper", "topic"], name="one_filing_per_paper_and_topic")
        ]
        indexes = [models.Index(fields=["topic", "-score"], name="filing_by_topic_and_score")]

    def __str__(self) -> str:
        return f"{self.paper_id} under {self.topic_id}"


class LearnedWeights(models.Model):
    """Weights that topics are matched by (`papers.topics.weights`), learned here. The newest row is in use.

    A row is written once and never changed, so that every process may keep what it has read.
    """

    learned_at = models.DateTimeField()
    weights = models.JSONField(
        help_text="Models, offsets and where they come from; see papers.topics.weights."
    )
    figures = models.JSONField(help_text="What was measured before it was put to use.")

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "learned weights"

    def __str__(self) -> str:
        return f"learned at {self.learned_at}"


class FilingRun(models.Model):
    """A wish to file all papers anew, and how far that has come. The newest wish takes over from older ones.

    Written by `papers.topics.refiling` alone. It stands here before anybody is told of it, so nothing that
    dies can lose it.
    """

    class Outcome(models.TextChoices):
        DONE = "done", "done"
        SUPERSEDED = "superseded", "superseded by a newer wish"

    reason = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    moved_at = models.DateTimeField(null=True, blank=True, help_text="When the last chunk was filed.")
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    total = models.PositiveIntegerField(help_text="Papers there were when it was asked for.")
    done = models.PositiveIntegerField(default=0)
    done_through = models.BigIntegerField(default=0, help_text="Number of the last paper that was filed.")
    changed = models.PositiveIntegerField(default=0, help_text="Filings written or removed.")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["id"], condition=Q(finished_at=None), name="filing_run_unfinished"),
        ]

    def __str__(self) -> str:
        return f"filing of {self.asked_at:%Y-%m-%d %H:%M}: {self.reason}"

    @property
    def of(self) -> int:
        """How many papers there are to file, as far as is known: more may come in while it runs."""
        return max(self.total, self.done)
