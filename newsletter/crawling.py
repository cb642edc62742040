"""What crawlers read: robots.txt, and the sitemap of everything that may be found by searching the web."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from django.conf import settings
from django.contrib.sitemaps import views as sitemap_views
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import parse_http_date
from django.views.decorators.http import require_safe

from newsletter.models import Edition
from newsletter.shelf import shown
from papers.answering import validated
from papers.sitemaps import PapersSitemap, SiteSitemap, TopicsSitemap

# Behind mailed links, or made anew for everybody who asks.
_NOT_FOR_CRAWLERS = (
    *("/admin/", "/confirm/", "/welcome/", "/preferences/", "/private/", "/move/", "/unsubscribe/"),
    *("/subscribe/preview/", "/*/mix/", "/search.json", "/search/feed.atom"),
)


class FrontSitemap(SiteSitemap):
    def items(self) -> list[str]:
        return ["today", "this_week", "this_month", "topics", "subscribe"]

    def location(self, item: str) -> str:
        return reverse(item)


class EditionsSitemap(SiteSitemap):
    """Oldest first, so that only the last file grows."""

    def items(self) -> QuerySet[Any]:
        with_papers = shown(today=timezone.now().date()).filter(state__in=Edition.PRINTED)
        return with_papers.order_by("date").values_list("date", "released_at")

    def location(self, item: Any) -> str:
        return f"/{item[0]}/"  # reversing 2,000 of them would take longer than all the rest

    def lastmod(self, item: Any) -> datetime | None:
        printed_at: datetime | None = item[1]
        return printed_at

    def get_latest_lastmod(self) -> datetime | None:
        """Django would read all editions for it."""
        latest: datetime | None = self.items().aggregate(latest=Max("released_at"))["latest"]
        return latest


SITEMAPS: dict[str, type[SiteSitemap]] = {
    "pages": FrontSitemap,
    "editions": EditionsSitemap,
    "topics": TopicsSitemap,
    "papers": PapersSitemap,
}


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """Every file of the sitemap."""
    files: list[dict[str, Any]] = []
    latest: datetime | None = None
    for section, kind in SITEMAPS.items():
        site = kind()
        address = settings.SITE_URL + reverse("sitemap_section", args=[section])
        changed = site.get_latest_lastmod()
        latest = max(filter(None, (latest, changed)), default=None)
        pages = range(2, site.paginator.num_pages + 1)
        files += [
            {"location": place, "last_mod": changed}
            for place in (address, *(f"{address}?p={n}" for n in pages))
        ]
    response = render(request, "sitemap_index.xml", {"sitemaps": files}, content_type="application/xml")
    return validated(request, response, changed=latest)


@require_safe
def sitemap_section(request: HttpRequest, section: str) -> HttpResponse:
    """One file of one section; `?p=` says which."""
    found = sitemap_views.sitemap(request, sitemaps={**SITEMAPS}, section=section)
    response = HttpResponse(_written((found.context_data or {})["urlset"]), content_type="application/xml")
    told = found.headers.get("Last-Modified")
    changed = datetime.fromtimestamp(parse_http_date(told), UTC) if told else None
    return validated(request, response, changed=changed)


def _written(urls: Iterable[Mapping[str, Any]]) -> str:
    """The file of these addresses. A template takes twenty times as long, of which a crawler opens fifty."""
    rows = []
    for url in urls:
        changed = f"<lastmod>{url['lastmod']:%Y-%m-%d}</lastmod>" if url["lastmod"] else ""
        rows.append(f"<url><loc>{escape(url['location'])}</loc>{changed}</url>\n")
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    )
    return f"{head}\n{''.join(rows)}</urlset>\n"


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _NOT_FOR_CRAWLERS)]
    lines += ["", f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}"]
    response = HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
    return validated(request, response, changed=None)
