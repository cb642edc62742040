"""Finds papers by words. See docs/searching.md for the rules and the measurements.

Of the papers that have the words, the newest NEWEST, and the newest NEWEST_TITLES that have them in the
title, are ranked and can be paged through. Up to MANY they are counted; how many there are of a word that is
more frequent, PostgreSQL's statistics tell. They know nothing of words that seldom meet: where fewer are
found than are looked for, that is their number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import OperationalError, connection, transaction

from papers.models import PaperTopic
from papers.search.translating import Wanted

MANY = 10_000  # hits are counted up to here
NEWEST = 600
NEWEST_TITLES = 400
PATIENCE = 3_000  # milliseconds, for each statement

# A hit among authors, in the abstract, the keywords, the title.
_WEIGHTS = "'{0.05, 0.2, 0.5, 1.0}'"
_SIDE_BY_SIDE = 0.3  # for a title with the words next to each other, in the order of the query
_STEPS = 20  # hits less than 1/20 apart count as equally good, and the newer comes first
_SAMPLE = 2_000  # papers, to see how often words stand side by side
_BESIDE = re.compile(r"<(?:-|\d+)>")
_NEWEST_FIRST = "day DESC NULLS LAST, paper_id DESC"
_BEST_FIRST = f"is_named DESC, score DESC, {_NEWEST_FIRST}"
_LATEST_LISTED_FIRST = """
  (SELECT listed_on FROM papers_paper AS paper WHERE paper.id = paper_id) DESC NULLS LAST, paper_id DESC
"""


class TooSlow(Exception):
    """The database did not answer within PATIENCE."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which papers may be found at all; dates are those that cards show, both included."""

    topics: tuple[int, ...] = ()  # ids; under any of them
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One page of paper ids, best first, and how many papers there are."""

    ids: Sequence[int]
    count: int
    ranked: int  # how many of them can be paged through
    is_exact: bool = True  # else there are more than MANY, about `count`

    @property
    def is_cut(self) -> bool:
        """Whether there are older ones that cannot be paged to."""
        return self.ranked < self.count

    @property
    def rounded(self) -> int:
        """The count as an estimate is told: to two digits."""
        zeros = max(0, len(str(self.count)) - 2)
        return int(str(self.count)[:2]) * int("1" + "0" * zeros)


def find(wanted: Wanted, filters: Filters, *, page: int, size: int, latest_first: bool = False) -> Found:
    """The papers of one page (from 1), best first; empty where there are no more. Raises TooSlow.

    `latest_first`: of those that are ranked, first the ones that were listed last.

    Hidden papers are never found. A paper whose arXiv id was asked for comes first, whatever the filters.
    """
    if not wanted:
        return Found([], 0, 0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE}; SET LOCAL jit = off")
        try:
            return _find(_Search(cursor, wanted, filters, page, size, latest_first))
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") == "57014":  # cancelled by the timeout
                raise TooSlow from error
            raise


def _some_hits(*, many: int = MANY, newest: int = NEWEST, titles: int = NEWEST_TITLES) -> str:
    """All hits, up to one more than can be counted, and the newest of them as candidates."""
    return f"""
    hits AS MATERIALIZED (
      SELECT paper_id, day, title @@ %(query)s::tsquery AS in_title
      FROM papers_paperwords AS words
      WHERE is_listed AND everything @@ %(query)s::tsquery {{filters}}
      LIMIT {many} + 1
    ),
    candidates AS (
      (SELECT paper_id FROM hits WHERE in_title ORDER BY {_NEWEST_FIRST} LIMIT {titles})
      UNION
      (SELECT paper_id FROM hits ORDER BY {_NEWEST_FIRST} LIMIT {newest})
    ),
    number AS (SELECT count(*) AS hits FROM hits)
"""  # noqa: S608


def _newest_hits(*, newest: int = NEWEST, titles: int = NEWEST_TITLES) -> str:
    """The newest hits as candidates, without looking at all of them."""
    return f"""
    candidates AS (
      (SELECT paper_id FROM papers_paperwords AS words
       WHERE is_listed AND title @@ %(query)s::tsquery {{filters}}
       ORDER BY {_NEWEST_FIRST} LIMIT {titles})
      UNION
      (SELECT paper_id FROM papers_paperwords AS words
       WHERE is_listed AND everything @@ %(query)s::tsquery {{filters}}
       ORDER BY {_NEWEST_FIRST} LIMIT {newest})
    ),
    number AS (SELECT count(*) AS hits FROM candidates)
"""  # noqa: S608


_SOME_HITS, _NEWEST_HITS = _some_hits(), _newest_hits()


def _ranked_page(order: str) -> str:
    return f"""
    ,
    named AS (
      SELECT paper_id FROM papers_paper AS paper JOIN papers_paperwords ON paper_id = paper.id
      WHERE arxiv_id = %(arxiv_id)s AND is_listed
    ),
    ranked AS (
      SELECT paper_id, day, paper_id IN (SELECT paper_id FROM named) AS is_named,
        floor({_STEPS} * (
          ts_rank({_WEIGHTS}, everything, %(any_word)s::tsquery)
          + CASE WHEN title @@ %(side_by_side)s::tsquery THEN {_SIDE_BY_SIDE} ELSE 0 END
        )) AS score
      FROM papers_paperwords
      WHERE paper_id IN (SELECT paper_id FROM candidates UNION SELECT paper_id FROM named)
    )
    SELECT
      (SELECT hits FROM number),
      (SELECT count(*) FROM ranked),
      ARRAY(
        SELECT paper_id FROM ranked
        ORDER BY {order} LIMIT %(size)s OFFSET %(start)s
      )
"""  # noqa: S608


_BEST_PAGE, _LATEST_PAGE = _ranked_page(_BEST_FIRST), _ranked_page(_LATEST_LISTED_FIRST)


@dataclass(frozen=True, slots=True)
class _Search:
    cursor: Any
    wanted: Wanted
    filters: Filters
    page: int
    size: int
    latest_first: bool


def _find(search: _Search) -> Found:
    expected = _expected(search)
    if expected > MANY:
        return _newest_page(search, expected)
    # The planner believes that a frequent word is found soonest by reading everything in any order. Of words
    # that never meet, that is wrong, and slow.
    search.cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
    found = _page(search, _SOME_HITS)
    if found.count <= MANY:
        return found
    search.cursor.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = on")
    return _newest_page(search, max(expected, MANY))


def _newest_page(search: _Search, expected: int) -> Found:
    """A page of the newest hits. Where they are fewer than were looked for, they are all that there are."""
    found = _page(search, _NEWEST_HITS)
    if found.ranked < NEWEST:
        return found
    return replace(found, count=max(expected, found.ranked), is_exact=False)


def _expected(search: _Search) -> int:
    """How many hits PostgreSQL expects, from its statistics."""
    statement = (
        "EXPLAIN (FORMAT JSON) SELECT FROM papers_paperwords AS words"
        f" WHERE is_listed AND everything @@ %(query)s::tsquery {_conditions(search.filters)}"
    )
    search.cursor.execute(statement, _values(search))
    expected = int(search.cursor.fetchone()[0][0]["Plan"]["Plan Rows"])
    together = _BESIDE.sub("&", search.wanted.query)
    if expected <= MANY or together == search.wanted.query:
        return expected
    # Of words side by side the statistics tell only how many papers have them anywhere.
    statement = f"""
      SELECT count(*) FILTER (WHERE everything @@ %(query)s::tsquery), count(*)
      FROM (
        SELECT everything FROM papers_paperwords
        WHERE is_listed {_conditions(search.filters)} ORDER BY {_NEWEST_FIRST} LIMIT {_SAMPLE}
      ) AS newest
      WHERE everything @@ %(together)s::tsquery
    """  # noqa: S608
    search.cursor.execute(statement, {**_values(search), "together": together})
    beside, anywhere = search.cursor.fetchone()
    return int(expected * beside / max(1, anywhere))


def _page(search: _Search, hits: str) -> Found:
    page = _LATEST_PAGE if search.latest_first else _BEST_PAGE
    statement = "WITH" + hits.format(filters=_conditions(search.filters)) + page
    search.cursor.execute(statement, _values(search))
    count, ranked, ids = search.cursor.fetchone()
    return Found(ids, max(count, ranked), ranked)


def _conditions(filters: Filters) -> str:
    conditions = []
    if filters.topics:
        conditions.append(
            "AND paper_id IN (SELECT paper_id FROM papers_papertopic"
            " WHERE topic_id = ANY(%(topics)s) AND decision <> %(removed)s)"
        )
    if filters.since:
        conditions.append("AND day >= %(since)s")
    if filters.until:
        conditions.append("AND day <= %(until)s")
    return " ".join(conditions)


def _values(search: _Search) -> dict[str, Any]:
    return {
        "query": search.wanted.query,
        "any_word": search.wanted.any_word,
        "side_by_side": search.wanted.side_by_side,
        "arxiv_id": search.wanted.arxiv_id,
        "topics": list(search.filters.topics),
        "removed": PaperTopic.Decision.REMOVED,
        "since": search.filters.since,
        "until": search.filters.until,
        "size": search.size,
        "start": (search.page - 1) * search.size,
    }
