"""Papers, folded from all that their sources say."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from papers.models.topics import Topic


class Paper(models.Model):
    """One paper: the fold of everything its sources said, and what editors decided about it.

    Bibliographic columns are recomputed from `SourceRecord` rows by `papers.ingest` and by nothing else;
    unknown is NULL. The editor's columns are written by the admin alone.
    """

    arxiv_id = models.CharField("arXiv id", max_length=32, unique=True, null=True, blank=True)
    arxiv_version = models.PositiveSmallIntegerField(null=True, blank=True)
    title = models.TextField()
    title_key = models.TextField(db_index=True, help_text="The title as papers are compared by.")
    title_hash = models.CharField(
        max_length=16, db_index=True, help_text="Names a paper without arXiv id in URLs."
    )
    abstract = models.TextField(null=True, blank=True)  # noqa: DJ001  unknown is NULL
    authors = ArrayField(models.TextField(), null=True, blank=True)
    author_count = models.PositiveIntegerField(null=True, blank=True)
    organization_slug = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    organization_name = models.CharField(max_length=300, null=True, blank=True)  # noqa: DJ001
    published_on = models.DateField(null=True, blank=True)
    published_inferred = models.BooleanField(
        default=False, help_text="The year was not written; we worked it out."
    )
    categories = ArrayField(models.CharField(max_length=40), null=True, blank=True)
    primary_category = models.CharField(max_length=40, null=True, blank=True)  # noqa: DJ001
    keywords = ArrayField(models.TextField(), null=True, blank=True)
    ai_summary = models.TextField(null=True, blank=True)  # noqa: DJ001
    github_url = models.URLField(max_length=500, null=True, blank=True)  # noqa: DJ001
    project_url = models.URLField(max_length=500, null=True, blank=True)  # noqa: DJ001
    thumbnail_url = models.URLField(max_length=500, null=True, blank=True)  # noqa: DJ001
    doi = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    journal_ref = models.TextField(null=True, blank=True)  # noqa: DJ001
    comment = models.TextField(null=True, blank=True)  # noqa: DJ001
    submitted_by = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    withdrawn = models.BooleanField(default=False)
    listed_on = models.DateField(null=True, blank=True, db_index=True)
    from_archive = models.BooleanField(
        default=False, help_text="No source told a list day; the one here is the day of the import."
    )
    needs_review = models.BooleanField(
        default=False, help_text="Shares its title with several papers and waits for a curator to merge it."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    # The latest known counts, so that lists need no join; the history is in Observation.
    upvotes = models.PositiveIntegerField(null=True, blank=True)
    num_comments = models.PositiveIntegerField(null=True, blank=True)
    github_stars = models.PositiveIntegerField(null=True, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True)
    trending_score = models.FloatField(default=0, db_index=True)
    trending_terms = models.JSONField(default=list, blank=True)

    # The editor's.
    pinned = models.BooleanField(default=False, help_text="Leads the next edition.")
    boost = models.FloatField(default=0, help_text="From -1 to 1, added to the trending score.")
    hidden = models.BooleanField(default=False, help_text="Never enters an edition and is not listed.")
    editor_note = models.TextField(blank=True)

    topics = models.ManyToManyField(Topic, through="PaperTopic", related_name="papers")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(boost__gte=-1, boost__lte=1), name="paper_boost_between_-1_and_1"
            )
        ]
        # The few that lists leave out: whoever counts need not read all papers for them.
        indexes = [models.Index(fields=["id"], condition=Q(hidden=True), name="paper_hidden")]

    def __str__(self) -> str:
        return self.title
