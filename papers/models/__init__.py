"""Papers, the topics they are filed under, and the attention they were seen to get."""

from papers.models.filings import FilingRun, LearnedWeights, PaperTopic
from papers.models.marks import Mark
from papers.models.papers import Paper
from papers.models.records import Observation, SourceRecord
from papers.models.runs import SourceRun
from papers.models.topics import Topic
from papers.models.words import PaperWords, TitleWord

__all__ = [
    "FilingRun",
    "LearnedWeights",
    "Mark",
    "Observation",
    "Paper",
    "PaperTopic",
    "PaperWords",
    "SourceRecord",
    "SourceRun",
    "TitleWord",
    "Topic",
]
