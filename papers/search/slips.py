"""Offers another spelling where a search finds nothing: "Did you mean “sparse autoencoder”?"."""

import re
from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Length

from papers.models import TitleWord
from papers.search.asking import Question

_SHORTEST = 4  # letters; a shorter word is a letter away from too many others
_TWO_SLIPS = 8  # letters; such a word may have two
_MOST_WORDS = 4
_MOST_CANDIDATES = 4_000
_TRIED = 6  # words as near as each other, of which the one that most titles have is offered
_WORD = re.compile(r"[^\W\d_]+")


def corrected(question: Question) -> str | None:
    """The question as typed, with each word that no paper has replaced by one that a title has; else None.

    Three queries at most. Whether anything is found so is for the caller to try.
    """
    said = " ".join(term.text for term in question.wanted if not term.beginning)
    words = list(dict.fromkeys(_WORD.findall(said.lower())))
    unknown = _unknown([word for word in words if len(word) >= _SHORTEST][: 4 * _MOST_WORDS])[:_MOST_WORDS]
    if not unknown:
        return None
    near = {word: nearest(word, known) for word, known in _candidates(unknown).items()}
    if not all(near.values()):
        return None
    common = _how_common({one for words in near.values() for one in words})
    line = question.typed
    for word, others in near.items():
        best = max(others, key=lambda other: common.get(other, 0))  # of equals the first, in nearest's order
        line = re.sub(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", best, line, flags=re.IGNORECASE)
    return line


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The known words that fewest slips make of `word`, the likeliest first, at most _TRIED."""
    allowed = _slips_allowed(word)
    found = [(slips(word, other), other) for other in known if abs(len(other) - len(word)) <= allowed]
    found = [pair for pair in found if 0 < pair[0] <= allowed]
    fewest = min((count for count, _ in found), default=0)
    others = sorted(other for count, other in found if count == fewest)
    return sorted(others, key=lambda other: other[0] != word[0])[:_TRIED]


def slips(one: str, other: str) -> int:
    """How many letters left out, put in, changed, or swapped with the next make one word of the other."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, letter_there in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != letter_there))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == letter_there:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def _slips_allowed(word: str) -> int:
    return 2 if len(word) >= _TWO_SLIPS else 1


def _unknown(words: Sequence[str]) -> list[str]:
    """Those of the words that no listed paper has."""
    if not words:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word FROM unnest(%s::text[]) WITH ORDINALITY AS asked(word, place) WHERE NOT EXISTS ("
            "SELECT FROM papers_paperwords WHERE is_listed"
            " AND everything @@ plainto_tsquery('english', papers_plain(word, 100)))"
            " AND numnode(plainto_tsquery('english', papers_plain(word, 100))) > 0 ORDER BY place",
            [list(words)],
        )
        return [word for (word,) in cursor.fetchall()]


def _candidates(unknown: Sequence[str]) -> dict[str, list[str]]:
    """Title words of about the right length that begin or end as the unknown one does.

    One slip leaves the first half (without its last letter) or the second half as it was; of two slips, this
    finds those that leave a third at either end.
    """
    wanted = Q(pk__in=[])
    for word in unknown:
        third = max(1, len(word) // 3)
        half = len(word) // 2
        beginning, end = (
            (word[: half - 1], word[half:]) if len(word) < _TWO_SLIPS else (word[:third], word[-third:])
        )
        allowed = _slips_allowed(word)
        wanted |= Q(letters__range=(len(word) - allowed, len(word) + allowed)) & (
            Q(word__startswith=beginning) | Q(backwards__startswith=end[::-1])
        )
    rows = TitleWord.objects.annotate(letters=Length(F("word"))).filter(wanted).values_list("word", flat=True)
    known = list(rows.distinct()[:_MOST_CANDIDATES])
    return dict.fromkeys(unknown, known)


def _how_common(words: Iterable[str]) -> dict[str, int]:
    """How many listed titles have each word, counted up to 100."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word, (SELECT count(*) FROM (SELECT FROM papers_paperwords WHERE is_listed"
            " AND title @@ plainto_tsquery('english', papers_plain(word, 100)) LIMIT 100) AS counted)"
            " FROM unnest(%s::text[]) AS word",
            [sorted(words)],
        )
        return dict(cursor.fetchall())
