"""The day's editions and the papers printed in them."""

from django.db import models

from papers.models import Paper


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
