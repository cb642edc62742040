"""Days of the week, read from words and said in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import weekdays


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("daily", 127),
        ("Every Day", 127),
        ("weekdays", 31),
        ("Mon-Fri", 31),
        ("monday - friday", 31),
        ("sat", 32),
        ("Sunday", 64),
        ("Mon;Wed|Fri", 21),
        ("Sat-Mon", 97),
        ("tues thurs", 10),
    ],
)
def test_days_are_read_from_words(text: str, days: int) -> None:
    assert weekdays.parse(text) == days


@pytest.mark.parametrize("text", ["", "someday", "M", "Mon-", "1", "Mon-Fri-Sun", "every"])
def test_what_names_no_day_gets_one_sentence(text: str) -> None:
    with pytest.raises(weekdays.BadDays) as caught:
        weekdays.parse(text)
    assert str(caught.value) == f"days is {text!r}; write for example daily, Mon-Fri, or Sat"


@pytest.mark.parametrize(
    ("days", "words"),
    [(127, "every day"), (31, "Mon-Fri"), (8, "weekly on Thursday"), (96, "Sat Sun"), (21, "Mon Wed Fri")],
)
def test_days_are_said_in_words(days: int, words: str) -> None:
    assert weekdays.in_words(days) == words


@given(st.integers(1, 127))
def test_what_is_said_can_be_read(days: int) -> None:
    assert weekdays.parse(weekdays.in_words(days).removeprefix("weekly on ")) == days
