"""What the public may see of papers and topics, in the order of the lists: for pages, JSON and feeds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from papers.models import Observation, Paper, PaperTopic, SourceRecord, Topic

REMOVED = PaperTopic.Decision.REMOVED
HUGGING_FACE = "huggingface"
MOST_READINGS = 2_000  # of one paper; hourly ones are thinned after some days


def active_topics() -> list[Topic]:
    return list(Topic.objects.filter(is_active=True))


def find_topic(slug: str) -> Topic:
    """The topic of this slug that readers can follow; raises Http404."""
    found = Topic.objects.filter(slug=slug, is_active=True).first()
    if found is None:
        raise Http404(_("There is no topic of this name."))
    return found


def filings_under(topic: Topic) -> QuerySet[PaperTopic]:
    """The filings of listed papers under this topic, newest list day first, each with its paper."""
    filings = PaperTopic.objects.filter(topic=topic, paper__hidden=False).exclude(decision=REMOVED)
    return filings.select_related("paper").order_by("-paper__listed_on", "-paper__trending_score", "paper_id")


def find_paper(key: str) -> Any:
    """The listed paper of this arXiv id or, where it has none, of this hash of its title; else None.

    Two queries. It comes with `filed`, its filings under active topics, best first, and `on_hugging_face`,
    whether that site has a page of it.
    """
    if "\0" in key:
        return None
    told = SourceRecord.objects.filter(paper=OuterRef("pk"), source=HUGGING_FACE, arxiv_id__isnull=False)
    rows = Paper.objects.filter(Q(arxiv_id=key) | Q(arxiv_id=None, title_hash=key), hidden=False)
    rows = rows.annotate(on_hugging_face=Exists(told)).prefetch_related(best_filings())
    return rows.order_by("id").first()


def discussion_of(paper: Any) -> str | None:
    """Where people talk about a paper from `find_paper`, as far as we know."""
    return f"https://huggingface.co/papers/{paper.arxiv_id}" if paper.on_hugging_face else None


def best_filings() -> "Prefetch[str]":
    """To be prefetched: `filed`, a paper's filings under active topics, best first."""
    filings = PaperTopic.objects.exclude(decision=REMOVED).filter(topic__is_active=True)
    # A list of phrases takes longer to read than all the rest, and no list of papers shows it.
    filings = filings.select_related("topic").defer("topic__phrases")
    ordered = filings.order_by("-score", "topic_id")
    return Prefetch("filings", queryset=ordered, to_attr="filed")


def matches_of(paper: Any) -> list[dict[str, Any]]:
    """A paper's `filed`, in the shape that editions keep: [{topic, name, score, evidence}]."""
    return [
        {
            "topic": filing.topic.slug,
            "name": filing.topic.name,
            "score": filing.score,
            "evidence": filing.evidence,
        }
        for filing in paper.filed
    ]


def latest_change(papers: Sequence[Paper]) -> datetime | None:
    """When the newest change of these papers was saved; None of none."""
    return max((paper.updated_at for paper in papers), default=None)


def readings_of(paper: Paper) -> Sequence[Observation]:
    """Everything that was observed of the paper at a known time, oldest first. One query."""
    dated = Observation.objects.filter(paper=paper, observed_at__isnull=False)
    return list(dated.order_by("-observed_at", "-pk")[:MOST_READINGS])[::-1]
