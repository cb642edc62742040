"""The topics on the coupon, which stands on each page of papers."""

from collections.abc import Iterable

from papers.models import Topic


def topics_to_choose() -> list[Topic]:
    """Those that readers can follow; their phrases stay in the database. One query."""
    return list(Topic.objects.filter(is_active=True).only("slug", "name"))


def names_of(topics: Iterable[Topic]) -> list[tuple[str, str]]:
    """What a page with the coupon hangs on: their slugs and names. Others have no page."""
    return [(topic.slug, topic.name) for topic in topics]
