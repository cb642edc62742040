"""A reader's question in the words of PostgreSQL, and back: which words of a text the question asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import connection

from papers.search.asking import Question, Term


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question in the database's words, as texts of type tsquery; "" where nothing can be looked for."""

    query: str
    any_word: str  # for ranking and for marking hits
    side_by_side: str
    arxiv_id: str | None = None

    def __bool__(self) -> bool:
        return bool(self.query)


def translate(question: Question) -> Wanted:
    """The question in the database's words; one query. Words that say nothing ("the") fall away."""
    if not question.alternatives:
        return Wanted("", "", "")
    values: list[str] = []
    alternatives = " || ".join(
        "(" + " && ".join(_term(term, values) for term in terms) + ")" for terms in question.alternatives
    )
    any_word = " || ".join(_words_of(term, values) for term in question.wanted)
    side_by_side = _phrase(" ".join(term.text for term in question.wanted), values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT ({alternatives})::text, ({any_word})::text, ({side_by_side})::text",
            values,
        )
        query, words, phrase = cursor.fetchone()
    if not words:
        return Wanted("", "", "", question.arxiv_id)
    return Wanted(query, words, phrase, question.arxiv_id)


def hits_among(words: Sequence[str], wanted: Wanted) -> set[str]:
    """Those of these single words that the question asks for, in any form; one query."""
    if not wanted or not words:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word FROM unnest(%s::text[]) AS word WHERE papers_vector(word, 'A', 100) @@ %s::tsquery",
            [list(words), wanted.any_word],
        )
        return {word for (word,) in cursor.fetchall()}


def with_last_word_open(question: Question) -> Question | None:
    """The same question with its last word taken as a beginning, or None where that is no single word."""
    if not question.alternatives or question.arxiv_id:
        return None
    *others, terms = question.alternatives
    last = terms[-1]
    if last.excluded or last.beginning or not last.text.isalnum() or len(last.text) < 3:
        return None
    opened = (*terms[:-1], replace(last, text=last.text.lower(), beginning=True))
    return replace(question, alternatives=(*others, opened))


def _term(term: Term, values: list[str]) -> str:
    if term.beginning:
        return _beginning(term.text, values)
    return f"!! {_phrase(term.text, values)}" if term.excluded else _phrase(term.text, values)


def _phrase(text: str, values: list[str]) -> str:
    values.append(text)
    return "phraseto_tsquery('english', papers_plain(%s, 400))"


def _words_of(term: Term, values: list[str]) -> str:
    """Any of the words of a term."""
    if term.beginning:
        return _beginning(term.text, values)
    values.append(term.text)
    return "replace(plainto_tsquery('english', papers_plain(%s, 400))::text, ' & ', ' | ')::tsquery"


def _beginning(text: str, values: list[str]) -> str:
    """Kept are stems ("quantiz"), so the words of titles that begin so ("quantizati...") tell theirs."""
    values += [text, f"{text}%"]
    return (
        "((quote_literal(%s) || ':*')::tsquery || coalesce(("
        "SELECT to_tsquery('english', string_agg(quote_literal(word), ' | ')) FROM ("
        "SELECT word FROM papers_titleword WHERE word LIKE %s GROUP BY word"
        " ORDER BY length(word), word LIMIT 40) AS known"
        "), ''))"
    )
