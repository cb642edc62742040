"""What trending wrote down, said anew: the same in English, and in the numbers of another language."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as some

from papers.reasons import attention, explain, said
from papers.trending import Seen, trending_score

LISTED = date(2026, 11, 18)
BEGAN = datetime(2026, 11, 18, tzinfo=UTC)
COUNTS = some.none() | some.integers(0, 60) | some.integers(0, 2_000_000_000)
SEEN = some.builds(
    Seen,
    observed_at=some.none() | some.floats(0, 200).map(lambda hours: BEGAN + timedelta(hours=hours)),
    upvotes=COUNTS,
    num_comments=COUNTS,
    github_stars=COUNTS,
)


@given(some.lists(SEEN, max_size=3), some.booleans(), some.floats(-1, 1), some.floats(0, 300))
@example([Seen(BEGAN + timedelta(hours=10), 61, 1, 1)], False, 0.0, 11.0)
@example([Seen(BEGAN + timedelta(hours=0.5), 1)], False, 0.0, 11.0)
@example([Seen(BEGAN + timedelta(hours=90), 1234)], False, 0.0, 100.0)
def test_in_english_each_term_says_what_was_written_down(
    seen: list[Seen], from_archive: bool, boost: float, hours: float
) -> None:
    score = trending_score(
        seen,
        listed_on=LISTED,
        published_on=LISTED,
        from_archive=from_archive,
        boost=boost,
        now=BEGAN + timedelta(hours=hours),
    )
    assert [said(term.name, term.text) for term in score.terms] == [term.text for term in score.terms]


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("votes", "1,234 upvotes at 10 h, on course for about 2,600", "1.234"),
        ("votes", "1,234 upvotes in 3 days", "1.234"),
        ("comments", "1,234 comments", "1.234"),
        ("stars", "1.2k stars", "1,2k"),
    ],
)
def test_numbers_have_the_form_of_the_language(name: str, text: str, number: str) -> None:
    with translation.override("de"):
        assert said(name, text).startswith(f"{number} ")


def test_words_that_trending_never_wrote_stand_as_they_are() -> None:
    terms = [{"name": "votes", "text": "many upvotes"}, {"name": "boost", "text": "the editors’ darling"}]
    assert explain(terms) == "many upvotes; the editors’ darling"


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (
            [("votes", "61 upvotes at 17 h, on course for about 1,300")],
            "after 17 h, on course for about 1,300 upvotes",
        ),
        ([("votes", "61 upvotes at 17 h")], "61 upvotes at 17 h"),
        ([("votes", "61 upvotes in 3 days")], "61 upvotes in 3 days"),
        (
            [("votes", "5 upvotes in the first hour"), ("comments", "9 comments")],
            "5 upvotes in the first hour",
        ),
        ([("votes", "61 upvotes"), ("stars", "1.2k stars")], ""),
        ([("votes", "1 upvote at 11 h, on course for about 2")], ""),
        ([("votes", "no upvotes yet at 11 h")], ""),
        ([("votes", "upvotes unknown"), ("boost", "an editor's choice")], "an editor's choice"),
        ([("archive", "from the archive"), ("comments", "7 comments")], ""),
        ([], ""),
    ],
)
def test_where_counts_and_archive_stand_beside_it_a_reason_says_only_what_they_do_not(
    terms: list[tuple[str, str]], told: str
) -> None:
    assert attention([{"name": name, "text": text} for name, text in terms]) == told


def test_when_the_votes_are_in_they_are_on_course_for_no_more() -> None:
    course = {"name": "votes", "text": "61 upvotes at 17 h, on course for about 130"}
    assert attention([course], settled=True) == "61 upvotes at 17 h"


def test_beside_the_counts_an_archive_is_named_without_its_comments() -> None:
    terms = [{"name": "archive", "text": "from the archive"}, {"name": "comments", "text": "7 comments"}]
    assert explain(terms, beside_counts=True) == "from the archive"
    assert explain(terms) == "from the archive, 7 comments"
