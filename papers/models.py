"""Papers, the topics they are filed under, and the attention they were seen to get."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q


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


class Mark(models.Model):
    """What all processes must remember, by name: when a chore was done, when a source may be asked."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()
    position = models.BigIntegerField(default=0, help_text="How far a chore has come.")

    def __str__(self) -> str:
        return self.name


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


class PaperWords(models.Model):
    """What a paper is searched by. A trigger of the database writes it (migration 0004), nothing else does.

    A table of its own, for two reasons: counts change every hour and text seldom, so the indexes below are
    left alone when votes come in; and its rows are narrow, so a word that half of all papers have is counted
    without reading their abstracts.
    """

    paper = models.OneToOneField(Paper, on_delete=models.CASCADE, primary_key=True, related_name="words")
    day = models.DateField(null=True, help_text="When it was published, else listed.")
    is_listed = models.BooleanField(help_text="False where an editor has hidden the paper.")
    title = SearchVectorField()
    everything = SearchVectorField(help_text="Title A, keywords B, abstract C, authors and organisation D.")

    class Meta:
        indexes = [
            # New entries wait in a list that every search reads through, so it is short (kB; usually 4,096).
            # Without one, to save a paper would take five times as long.
            GinIndex(fields=["title"], name="paper_by_title_word", gin_pending_list_limit=256),
            GinIndex(fields=["everything"], name="paper_by_word", gin_pending_list_limit=256),
            models.Index(F("day").desc(nulls_last=True), F("paper").desc(), name="paper_words_newest_first"),
        ]

    def __str__(self) -> str:
        return f"words of {self.paper_id}"


class TitleWord(models.Model):
    """A word that some title has, in small letters: what a search with a slip in it may have meant.

    Written by the same trigger. Words are never taken out again; a search that was set right is tried before
    it is offered. Two transactions that meet the same new word at once may each keep it.
    """

    word = models.CharField(max_length=40)
    backwards = models.CharField(max_length=40)

    class Meta:
        indexes = [
            models.Index(fields=["word"], name="title_word_by_beginning", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["backwards"], name="title_word_by_end", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return self.word
