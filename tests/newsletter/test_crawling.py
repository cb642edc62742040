"""What search engines read: robots.txt, and the sitemap with all its files."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from papers.models import Paper, Topic
from papers.sitemaps import SiteSitemap
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db
SITE = "http://127.0.0.1:8000"
NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture(autouse=True)
def no_topics() -> None:
    Topic.objects.all().delete()


def places(client: Client, path: str, **how: Any) -> list[tuple[str, str]]:
    """Each address in a file of the sitemap, and the day of its last change or ""."""
    answer = client.get(path, **how)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/xml")
    return [
        (row.findtext(f"{NAMESPACE}loc"), (row.findtext(f"{NAMESPACE}lastmod") or "")[:10])
        for row in fromstring(answer.content)
    ]


def test_robots_are_shown_the_sitemap_and_kept_out_of_what_is_personal(client: Client) -> None:
    answer = client.get("/robots.txt")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain")
    assert answer.content.decode().splitlines() == [
        "User-agent: *",
        "Disallow: /admin/",
        "Disallow: /confirm/",
        "Disallow: /welcome/",
        "Disallow: /preferences/",
        "Disallow: /private/",
        "Disallow: /move/",
        "Disallow: /unsubscribe/",
        "Disallow: /subscribe/preview/",
        "Disallow: /*/mix/",
        "Disallow: /search.json",
        "Disallow: /search/feed.atom",
        "",
        f"Sitemap: {SITE}/sitemap.xml",
    ]
    assert client.get("/robots.txt", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_the_sitemap_names_its_files_by_the_sites_own_address(client: Client) -> None:
    today = timezone.now().date()
    make_edition(date=today - timedelta(days=1), papers=[(make_paper(), [])])
    at = str(timezone.now().date())
    assert places(client, "/sitemap.xml", headers={"host": "localhost"}) == [
        (f"{SITE}/sitemap-pages.xml", ""),
        (f"{SITE}/sitemap-editions.xml", at),
        (f"{SITE}/sitemap-topics.xml", ""),
        (f"{SITE}/sitemap-papers.xml", ""),
    ]


def test_its_files_name_every_page_once(client: Client) -> None:
    today = timezone.now().date()
    out = datetime(2026, 1, 2, 0, 30, tzinfo=UTC)
    make_topic(slug="agents")
    make_topic(slug="off", is_active=False)
    make_edition(date=date(2026, 1, 3), state="empty")
    make_edition(date=today + timedelta(days=1), papers=[(make_paper(hidden=True), [])])
    paper = make_paper(arxiv_id="hep-th/9901001")
    make_edition(date=date(2026, 1, 2), papers=[(paper, [])], released_at=out)
    bare = make_paper(arxiv_id=None)
    Paper.objects.update(updated_at=out)
    assert places(client, "/sitemap-pages.xml") == [
        (f"{SITE}/", ""),
        (f"{SITE}/week/", ""),
        (f"{SITE}/month/", ""),
        (f"{SITE}/topics/", ""),
        (f"{SITE}/subscribe/", ""),
    ]
    assert places(client, "/sitemap-topics.xml") == [(f"{SITE}/topics/agents/", "")]
    assert places(client, "/sitemap-editions.xml") == [(f"{SITE}/2026-01-02/", "2026-01-02")]
    found = places(client, "/sitemap-papers.xml")
    assert found == [
        (f"{SITE}/papers/hep-th/9901001/", "2026-01-02"),
        (f"{SITE}/papers/{bare.title_hash}/", "2026-01-02"),
    ]
    assert [client.get(place.removeprefix(SITE)).status_code for place, _ in found] == [200, 200]


def test_many_papers_fill_several_files(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SiteSitemap, "limit", 2)
    papers = [make_paper(), make_paper(hidden=True), make_paper()]
    files = [place.removeprefix(SITE) for place, _ in places(client, "/sitemap.xml") if "papers" in place]
    assert files == ["/sitemap-papers.xml", "/sitemap-papers.xml?p=2"]
    assert [[place for place, _ in places(client, path)] for path in files] == [
        [f"{SITE}/papers/{papers[0].arxiv_id}/"],
        [f"{SITE}/papers/{papers[2].arxiv_id}/"],
    ]
    for path in ("/sitemap-papers.xml?p=3", "/sitemap-papers.xml?p=x", "/sitemap-nothing.xml"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/sitemap.xml", "/sitemap-papers.xml"])
def test_a_file_is_not_sent_again_until_it_changes(client: Client, path: str) -> None:
    make_edition(date=timezone.now().date(), papers=[(make_paper(), [])])
    first = client.get(path)
    assert first["Last-Modified"]
    assert client.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_files_cost_the_same_queries_whatever_their_length(client: Client) -> None:
    def queries() -> list[int]:
        counts = []
        for path in ("/sitemap.xml", *(f"/sitemap-{name}.xml" for name in ("editions", "topics", "papers"))):
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path).status_code == 200
            counts.append(len(captured))
        return counts

    make_edition(date=date(2026, 1, 2), papers=[(make_paper(), [make_topic()])])
    few = queries()
    make_edition(date=date(2026, 1, 3), papers=[(make_paper(), [make_topic()]) for _ in range(4)])
    assert few == queries() == [4, 2, 1, 2]
