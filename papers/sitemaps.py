"""The pages of topics and papers, for search engines; /sitemap.xml names them, page by page."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from papers.models import Paper, Topic
from papers.public import paper_address


class SiteSitemap(Sitemap):  # type: ignore[type-arg]
    """Addresses are those of SITE_URL, by whatever name the site was asked."""

    limit = 2_000  # addresses a file: made in a fraction of a second

    def get_domain(self, site: object = None) -> str:
        return settings.SITE_URL.partition("://")[2]

    def get_protocol(self, protocol: str | None = None) -> str:
        return settings.SITE_URL.partition("://")[0]


class TopicsSitemap(SiteSitemap):
    def items(self) -> list[str]:
        return list(Topic.objects.filter(is_active=True).values_list("slug", flat=True))

    def location(self, item: str) -> str:
        return reverse("topic", args=[item])


class _Papers:
    """All papers, oldest first, to be cut into files; hidden ones are counted, and left out of their file.

    So one index tells which are in a file, and not the rows of all papers before it.
    """

    def count(self) -> int:
        return Paper.objects.count()

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, cut: slice) -> list[tuple[str | None, str, datetime]]:
        numbers = Paper.objects.order_by("pk").values("pk")[cut]
        listed = Paper.objects.filter(pk__in=numbers, hidden=False).order_by("pk")
        return list(listed.values_list("arxiv_id", "title_hash", "updated_at"))


class PapersSitemap(SiteSitemap):
    """Oldest first, so that only the last file grows."""

    def items(self) -> Any:
        return _Papers()

    def location(self, item: tuple[str | None, str, datetime]) -> str:
        return paper_address("", item[0] or item[1])

    def lastmod(self, item: tuple[str | None, str, datetime]) -> datetime:
        return item[2]

    def get_latest_lastmod(self) -> datetime | None:
        """Not told: all papers would be read for it."""
        return None
