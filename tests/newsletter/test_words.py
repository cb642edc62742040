"""What a mail calls the days it covers."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from newsletter.mail.words import Following, Span, clipped, how_often, note, numbers

FRIDAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("days", "heading", "dates"),
    [
        (1, "", "Friday 20 November 2026"),
        (2, "Your papers since Thursday", "Thursday 19 to Friday 20 November 2026"),
        (4, "Your papers since Tuesday", "Tuesday 17 to Friday 20 November 2026"),
        (5, "Your week in papers", "Monday 16 to Friday 20 November 2026"),
        (8, "Your week in papers", "Friday 13 to Friday 20 November 2026"),
        (9, "Your papers since 12 November", "Thursday 12 to Friday 20 November 2026"),
        (21, "Your papers since 31 October", "Saturday 31 October to Friday 20 November 2026"),
        (325, "Your papers since 31 December", "Wednesday 31 December 2025 to Friday 20 November 2026"),
    ],
)
def test_a_span_says_which_days_it_has(days: int, heading: str, dates: str) -> None:
    span = Span(FRIDAY - timedelta(days=days - 1), FRIDAY)
    assert (span.heading, span.dates) == (heading, dates)


@given(some.integers(0, 400))
def test_no_two_days_of_a_span_have_the_same_name(days: int) -> None:
    span = Span(FRIDAY - timedelta(days=days), FRIDAY)
    names = {span.day(span.first + timedelta(days=ago)) for ago in range(min(days, 360) + 1)}
    assert len(names) == min(days, 360) + 1


def test_small_things_are_said_in_words() -> None:
    assert [numbers(known) for known in ([], [None], [12], [None, 6, 12, 7])] == [
        *("", "", "No. 12", "No. 6 to 12")
    ]
    day, week = Span(FRIDAY, FRIDAY), Span(FRIDAY - timedelta(days=6), FRIDAY)
    assert [day.count(number, of=2000) for number in (1, 1234)] == ["1 paper for you", "1,234 papers for you"]
    assert week.count(3, of=1234) == "your 3 of 1,234 papers"
    assert [how_often(1, 50), how_often(2, 1), how_often(7, 1234)] == [
        "You get this at most once a day.",
        "The best of 2 editions with 1 paper.",
        "The best of 7 editions with 1,234 papers.",
    ]
    assert [
        note("Hm.", day=day, first=first) for day, first in (("", True), ("Monday", True), ("Monday", False))
    ] == [*("From the editor: Hm.", "From the editor, Monday: Hm.", "Monday: Hm.")]
    assert [Following().sentence(names) for names in ([], ["A"], ["A", "B", "C"])] == [
        *("You follow the whole paper.", "You follow A.", "You follow A, B and C.")
    ]
    assert [clipped(text, 8) for text in ("a  b\nc", "word word word", "x" * 20)] == [
        "a b c",
        "word…",
        "xxxxxxx…",
    ]
