"""What papers are searched by."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F

from papers.models.papers import Paper


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
