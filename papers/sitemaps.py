"""The pages of topics and papers, for search engines; /sitemap.xml names them, page by page."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import Max, QuerySet
from django.urls import reverse

from papers.models import Paper, Topic
from papers.public import paper_address


class SiteSitemap(Sitemap):  # type: ignore[type-arg]
    """Addresses are those of SITE_URL, by whatever name the site was asked."""

    limit = 5_000  # addresses a file: made in a fraction of a second

    def get_domain(self, site: object = None) -> str:
        return settings.SITE_URL.partition("://")[2]

    def get_protocol(self, protocol: str | None = None) -> str:
        return settings.SITE_URL.partition("://")[0]


class TopicsSitemap(SiteSitemap):
    def items(self) -> list[str]:
        return list(Topic.objects.filter(is_active=True).values_list("slug", flat=True))

    def location(self, item: str) -> str:
        return reverse("topic", args=[item])


class PapersSitemap(SiteSitemap):
    """Oldest first, so that only the last file grows."""

    def items(self) -> QuerySet[Any]:
        listed = Paper.objects.filter(hidden=False).order_by("pk")
        return listed.values_list("arxiv_id", "title_hash", "updated_at")

    def location(self, item: tuple[str | None, str, datetime]) -> str:
        return paper_address("", item[0] or item[1])

    def lastmod(self, item: tuple[str | None, str, datetime]) -> datetime:
        return item[2]

    def get_latest_lastmod(self) -> datetime | None:
        """Django would read all papers for it."""
        latest: datetime | None = Paper.objects.aggregate(latest=Max("updated_at"))["latest"]
        return latest
