"""Papers that no list or feed tells more about, so that they are asked for by their ids."""

from datetime import UTC, date, datetime, timedelta

from django.db.models import QuerySet

from papers.models import PRINTABLE, Paper

DAYS = 3  # as long as an edition may still take them


def without_categories(*, now: datetime) -> QuerySet[Paper]:
    """Papers of the last lists whose categories are not known; arXiv tells them, and topics need them."""
    since = now.astimezone(UTC).date() - timedelta(days=DAYS)
    return Paper.objects.filter(
        listed_on__gte=since, from_archive=False, arxiv_id__isnull=False, categories=None
    ).order_by("-listed_on", "pk")


def off_their_lists(days: list[date], *, read_since: datetime) -> QuerySet[Paper]:
    """Papers of these lists of Hugging Face that were not on them when they were read since then.

    Only those that an edition may still take: few can be asked for, so none is spent on the others.
    """
    return Paper.objects.filter(
        PRINTABLE,
        listed_on__in=days,
        records__source="huggingface",
        arxiv_id__isnull=False,
        observed_at__lt=read_since,
    ).order_by("-upvotes", "pk")
