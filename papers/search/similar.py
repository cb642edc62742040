"""Papers like a paper: those that share its rarest words, and topics. See docs/searching.md."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction

from papers.models import Paper, PaperTopic
from papers.tex import readable

SHOWN = 5
MOST_SHARED = 3  # words or phrases told as the reason
PATIENCE = 1_000  # milliseconds, for each statement; then the page goes without
_RARE = 400  # a word that more papers have tells little, and is costly to look up
_WORDS = 24  # of the paper, looked up in the index
_CANDIDATES = 40  # papers whose own use of the shared words is looked at
_TOPIC = 0.25  # what a shared topic adds, as a part of the words' score
# Words that many papers use and none is about; where there are many papers, the statistics know them too.
_FILLERS = (
    *("achiev", "approach", "better", "demonstr", "effici", "enabl", "evalu", "exist", "experi", "framework"),
    *("improv", "introduc", "method", "novel", "paper", "perform", "present", "propos", "provid", "result"),
    *("show", "signific", "state", "toward", "use", "various", "via", "within", "without", "work", "yet"),
)
_PLANS = "SET LOCAL jit = off; SET LOCAL enable_seqscan = off"
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Similar:
    paper: Paper
    shares: Sequence[str]  # as the first paper writes it: ["sparse autoencoder", "steering"]


def similar_to(paper: Paper, limit: int = SHOWN) -> list[Paper]:
    """The papers most like this one, best first; never itself, a hidden or a withdrawn one."""
    return [similar.paper for similar in with_reasons(paper, limit)]


def with_reasons(paper: Paper, limit: int = SHOWN) -> list[Similar]:
    """Like `similar_to`, each with what it shares; a fixed number of queries."""
    found = _nearest(paper.pk, limit)
    if not found:
        return []
    papers = Paper.objects.in_bulk(found)
    spoken = _Spoken(paper)
    return [
        Similar(papers[pk], spoken.shared(stems, papers[pk].keywords or ()))
        for pk, stems in found.items()
        if pk in papers
    ]


# A word in the title or among the keywords counts 2, in the abstract 1, or 1.5 where it is repeated.
_OWN_USE = """
  CASE WHEN weights && '{A,B}' THEN 2
       WHEN array_length(array_positions(weights, 'C'), 1) > 1 THEN 1.5 ELSE 1 END
"""
_THEIR_USE = """
  CASE WHEN title @@ stem OR ts_filter(everything, '{b}') @@ stem THEN 2
       WHEN ts_filter(everything, '{c}') @@ stem THEN 1 ELSE 0 END
"""
# What ANALYZE found to be frequent is not even looked up. Of the rest, no more than _RARE papers are read.
_NEAREST = f"""
  WITH size AS (
    SELECT greatest(reltuples, 100) AS papers FROM pg_class WHERE oid = 'papers_paperwords'::regclass
  ),
  frequent AS (
    SELECT lexeme
    FROM pg_stats, size,
      unnest(most_common_elems::text::text[], most_common_elem_freqs) AS common(lexeme, share)
    WHERE schemaname = current_schema() AND tablename = 'papers_paperwords' AND attname = 'everything'
      AND share * size.papers > {_RARE} AND lexeme IS NOT NULL  -- the shares end with some totals
  ),
  own AS MATERIALIZED (
    SELECT lexeme, array_to_tsvector(ARRAY[lexeme])::text::tsquery AS stem, {_OWN_USE} AS use
    FROM papers_paperwords, unnest(everything)
    WHERE paper_id = %(paper)s AND weights && '{{A,B,C}}' AND length(lexeme) > 2 AND lexeme !~ '^[0-9.]+$'
      AND lexeme NOT IN (SELECT lexeme FROM frequent) AND lexeme <> ALL(%(fillers)s)
    ORDER BY use DESC, length(lexeme) DESC, lexeme
    LIMIT {_WORDS}
  ),
  hits AS MATERIALIZED (
    SELECT own.*, other.paper_id, count(*) OVER (PARTITION BY own.lexeme) AS papers
    FROM own CROSS JOIN LATERAL (
      SELECT paper_id FROM papers_paperwords WHERE is_listed AND everything @@ own.stem LIMIT {_RARE} + 1
    ) AS other
  ),
  told AS MATERIALIZED (
    SELECT lexeme, stem, use, paper_id, power(ln(1 + size.papers / hits.papers), 2) AS rarity
    FROM hits, size WHERE hits.papers <= {_RARE} AND paper_id <> %(paper)s
  ),
  candidates AS MATERIALIZED (
    SELECT paper_id FROM told
    GROUP BY paper_id ORDER BY sum(use * rarity) DESC, paper_id DESC LIMIT {_CANDIDATES}
  ),
  shared AS (
    SELECT paper_id, lexeme, use * rarity * theirs AS weight
    FROM (
      SELECT paper_id, lexeme, use, rarity, {_THEIR_USE} AS theirs
      FROM told JOIN papers_paperwords USING (paper_id)
      WHERE paper_id IN (SELECT paper_id FROM candidates)
    ) AS pairs
    WHERE use * theirs > 1  -- a word that both say once, in passing, is nothing they share
  ),
  topics AS (
    SELECT theirs.paper_id, count(*) AS number
    FROM papers_papertopic AS theirs JOIN papers_papertopic AS ours USING (topic_id)
      JOIN papers_topic AS topic ON topic.id = topic_id AND topic.is_active
    WHERE ours.paper_id = %(paper)s AND theirs.paper_id IN (SELECT paper_id FROM candidates)
      AND theirs.decision <> %(removed)s AND ours.decision <> %(removed)s
    GROUP BY theirs.paper_id
  )
  SELECT paper_id, array_agg(lexeme ORDER BY weight DESC, lexeme)
  FROM shared JOIN papers_paper AS paper ON paper.id = paper_id LEFT JOIN topics USING (paper_id)
  WHERE NOT withdrawn
  GROUP BY paper_id, number
  ORDER BY sum(weight) * sqrt(count(*)) * (1 + {_TOPIC} * coalesce(number, 0)) DESC, paper_id DESC
  LIMIT %(limit)s
"""  # noqa: S608


def _nearest(pk: int, limit: int) -> dict[int, list[str]]:
    """Paper id -> the stems it shares, rarest first; best paper first."""
    values: dict[str, Any] = {
        "paper": pk,
        "removed": PaperTopic.Decision.REMOVED,
        "limit": limit,
        "fillers": list(_FILLERS),
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE}; {_PLANS}")
            cursor.execute(_NEAREST, values)
            return dict(cursor.fetchall())
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == "57014":  # cancelled by the timeout
            return {}
        raise


class _Spoken:
    """The stems of a paper's words, to say them as the paper does."""

    def __init__(self, paper: Paper) -> None:
        self._keywords = {keyword.casefold(): keyword for keyword in paper.keywords or ()}
        self._texts = [
            readable(text) for text in (paper.title, *(paper.keywords or ()), paper.abstract or "")
        ]
        self._stems = _stems_of({word.lower() for text in self._texts for word in _WORD.findall(text)})

    def shared(self, stems: Sequence[str], keywords: Sequence[str]) -> list[str]:
        """Keywords that both have, then the shared words, those that stand side by side as one phrase."""
        told = [self._keywords[word.casefold()] for word in keywords if word.casefold() in self._keywords]
        for stem in stems:
            phrase = self._phrase_with(stem, frozenset(stems))
            if phrase and not any(phrase.lower() in other.lower() for other in told):
                told.append(phrase)
        return told[:MOST_SHARED]

    def _phrase_with(self, stem: str, stems: frozenset[str]) -> str:
        """The first place where the paper has the word, with what is shared right before and after it."""
        for text in self._texts:
            words = list(_WORD.finditer(text))
            known = [bool(stems & self._stems.get(word[0].lower(), frozenset())) for word in words]
            for place, word in enumerate(words):
                if stem in self._stems.get(word[0].lower(), ()):
                    first = last = place
                    while first and known[first - 1] and text[words[first - 1].end()] in " -":
                        first -= 1
                    while last + 1 < len(words) and known[last + 1] and text[words[last].end()] in " -":
                        last += 1
                    return _lowered(text[words[first].start() : words[last].end()])
        return ""


def _lowered(phrase: str) -> str:
    """Small letters, but for words with capitals inside: "Sparse BERT" -> "sparse BERT"."""
    return _WORD.sub(lambda word: word[0].lower() if word[0].istitle() else word[0], phrase)


def _stems_of(words: set[str]) -> Mapping[str, frozenset[str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word, tsvector_to_array(papers_vector(word, 'A', 100)) FROM unnest(%s::text[]) AS word",
            [sorted(words)],
        )
        rows: list[tuple[str, Any]] = cursor.fetchall()
    return {word: frozenset(stems) for word, stems in rows}
