"""The pages that readers open, of a site with a long history: time of the server, statements, weight.

Papers and editions are made by SQL. A page is asked for through Django's test client, so all middleware is in
the time, and the network and the web server are not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from json import dumps
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from benchmarks.comparison import Different
from papers.card import card_of
from papers.models import Paper, Topic

ROUNDS = 40
WARM_UP = 5
RECENT = 40  # editions of today's size; those before have what is left of the papers
WEIGHT = 100_000  # bytes, without pictures: what a page may weigh with its style sheet
STYLE_SHEET = "static/site.css"
# Names of files without the hash that `collectstatic` would give them.
_PLAIN_FILES = "django.contrib.staticfiles.storage.StaticFilesStorage"
TOPICS = 28  # where there are none
_TITLE = "A Sample Title of Usual Length: What Was Done and What Came Out of It"
_ABSTRACT = (
    "We show that a modest change in how the work is scheduled, with no new parameters and no second model, "
    "gives 2.7 times the throughput at equal quality. The gain holds from 1B to 70B parameters and grows "
    "with the batch. Previous methods either trained a drafter or gave up exactness; ours does neither."
)

_PAPERS = """
    INSERT INTO papers_paper
        (arxiv_id, title, title_key, title_hash, abstract, authors, author_count, organization_name,
         published_on, published_inferred, withdrawn, listed_on, from_archive, needs_review, created_at,
         updated_at, upvotes, num_comments, github_stars, trending_score, trending_terms, pinned, boost,
         hidden, editor_note)
    SELECT '1501.' || lpad(n::text, 6, '0'), %(title)s || ' ' || n, 'page ' || n,
           lpad(to_hex(n), 16, '0'), %(abstract)s, '{Ada Example,Ben Sample}', 2,
           CASE WHEN n %% 3 = 0 THEN 'Sample Lab' END,
           %(today)s - 2, false, false, %(today)s - 1 - n / 100, false, false, now(), now(),
           (n * 7919) %% 200, n %% 12,
           CASE WHEN n %% 4 = 0 THEN n %% 3000 END, log(1 + (n * 7919) %% 200),
           '[{"name": "votes", "value": 2, "text": "61 upvotes at 17 h, on course for about 130"}]',
           false, 0, false, ''
      FROM generate_series(1, %(number)s) AS n
"""
_EDITIONS = """
    INSERT INTO newsletter_edition
        (date, number, state, candidate_count, frozen_at, released_at, note, sources, revision,
         paused_because, held_because, cleared_mails)
    SELECT %(today)s - n, %(number)s - n, 'closed', 300, now(), now(), 'A word from the editor.',
           '[{"source": "huggingface", "verdict": "ok", "text": "read at 00:17 UTC"}]', 0, '', '', '{}'
      FROM generate_series(0, %(number)s - 1) AS n
"""
# The newest editions have `size` papers each; the others share the rest evenly.
_ENTRIES = """
    WITH topic AS (SELECT row_number() OVER () - 1 AS place, match
                     FROM jsonb_array_elements(%(matches)s) AS found (match)),
         paper AS (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM papers_paper)
    INSERT INTO newsletter_editionpaper (edition_id, paper_id, rank, score, terms, matches, card)
    SELECT edition.id, paper.id, row_number() OVER (PARTITION BY edition.id ORDER BY paper.id),
           paper.trending_score, paper.trending_terms, jsonb_build_array(topic.match, other.match),
           %(card)s::jsonb || jsonb_build_object('key', paper.arxiv_id, 'title', paper.title)
      FROM paper
      JOIN newsletter_edition AS edition
        ON edition.date = %(today)s - (CASE WHEN paper.place < %(recent)s * %(size)s
           THEN paper.place / %(size)s
           ELSE %(recent)s + paper.place %% (%(number)s - %(recent)s) END)::int
      JOIN topic ON topic.place = paper.id %% %(topics)s
      JOIN topic AS other ON other.place = (paper.id + 1) %% %(topics)s
"""
_FILINGS = """
    INSERT INTO papers_papertopic (paper_id, topic_id, score, evidence, decision)
    SELECT entry.paper_id, topic.id, 0.8, '["throughput", "decoding"]', 'matched'
      FROM newsletter_editionpaper AS entry
      JOIN papers_topic AS topic ON topic.slug = entry.matches -> 0 ->> 'topic'
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A page that was asked for again and again: milliseconds of each time, in all and of this process's
    processor; and what one answer cost.
    """

    what: str
    path: str
    status: int
    milliseconds: tuple[float, ...]
    processor: tuple[float, ...]
    queries: int
    size: int

    def __str__(self) -> str:
        times = f"{median(self.milliseconds):6.1f} ms (to {max(self.milliseconds):.1f})"
        busy = f"{median(self.processor):6.1f} ms busy"
        return f"  {self.what:34} {times:24} {busy} {self.queries:3} statements {self.size / 1000:7.1f} kB"


def measure(papers: int, editions: int, *, size: int, rounds: int = ROUNDS) -> str:
    """Make a site of so many papers and editions, and time its pages; editions of today's kind have `size`.

    Raises Different where a page is not there, or with its style sheet heavier than WEIGHT.
    """
    today = timezone.now().date()
    fill(papers, editions, size=size, today=today)
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": {"BACKEND": _PLAIN_FILES}}):
        visits = list(_visits(today, rounds))
    styles = (Path(settings.BASE_DIR) / STYLE_SHEET).stat().st_size
    for visit in visits:
        if visit.size + styles > WEIGHT:
            raise Different(f"{visit.path} weighs {visit.size + styles:,} bytes, more than {WEIGHT:,}")
    head = f"Pages of a site with {papers:,} papers and {editions:,} editions, {size} papers in the newest"
    return "\n".join([head, *map(str, visits)])


def fill(papers: int, editions: int, *, size: int, today: date) -> None:
    """Empty the tables of papers and editions and fill them anew."""
    if not Topic.objects.exists():
        Topic.objects.bulk_create(Topic(slug=f"shelf-{n}", name=f"Shelf {n}") for n in range(TOPICS))
    topics = list(Topic.objects.filter(is_active=True))
    matches = [
        {"topic": topic.slug, "name": topic.name, "score": 0.8, "evidence": ["throughput", "decoding"]}
        for topic in topics
    ]
    sample = Paper(title=_TITLE, abstract=_ABSTRACT, author_count=7, published_on=today, upvotes=61)
    card: dict[str, Any] = {**card_of(sample), "num_comments": 4, "github_stars": 1200}
    values: dict[str, Any] = {
        "today": today,
        "title": _TITLE,
        "abstract": _ABSTRACT,
        "size": size,
        "recent": min(RECENT, editions - 1),
        "card": dumps(card),
        "matches": dumps(matches),
        "topics": len(topics),
    }
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE papers_paper, newsletter_edition CASCADE")
        cursor.execute(_PAPERS, {**values, "number": papers})
        cursor.execute(_EDITIONS, {**values, "number": editions})
        cursor.execute(_ENTRIES, {**values, "number": editions})
        cursor.execute(_FILINGS)
        cursor.execute("ANALYZE")


def _visits(today: date, rounds: int) -> Iterable[Visit]:
    client = Client(headers={"host": urlsplit(settings.SITE_URL).netloc})
    paper = Paper.objects.order_by("pk").values_list("arxiv_id", flat=True).first()
    topic = Topic.objects.filter(is_active=True).values_list("slug", flat=True).first()
    yield _visit(client, "/", "today", rounds)
    yield _visit(client, "/", "today, as the browser knows it", rounds, known=True)
    for path, what in {
        f"/{today}/": "an edition",
        "/week/": "this week",
        "/month/": "this month",
        "/topics/": "all topics",
        f"/topics/{topic}/": "a topic",
        f"/papers/{paper}/": "a paper",
    }.items():
        yield _visit(client, path, what, rounds)


def _visit(client: Client, path: str, what: str, rounds: int, *, known: bool = False) -> Visit:
    response = client.get(path, secure=True)  # brings the cookie of the form, as a visitor's first page does
    headers = {"if-none-match": client.get(path, secure=True).headers["ETag"]} if known else {}
    times, busy = [], []
    for _ in range(WARM_UP + rounds):
        began, worked = perf_counter(), process_time()
        response = client.get(path, headers=headers, secure=True)
        times.append(1000 * (perf_counter() - began))
        busy.append(1000 * (process_time() - worked))
    if response.status_code != (304 if known else 200):
        raise Different(f"{path} answers {response.status_code}")
    with CaptureQueriesContext(connection) as queries:
        client.get(path, headers=headers, secure=True)
    return Visit(
        what,
        path,
        response.status_code,
        tuple(times[WARM_UP:]),
        tuple(busy[WARM_UP:]),
        len(queries),
        len(response.content),
    )
