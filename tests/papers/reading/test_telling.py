"""What editions keep of how their sources were read, said in other languages."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from papers.reading import calendars
from papers.reading.telling import told

SENTENCES = {
    "read at 00:17 UTC": "gelesen um 00:17\xa0UTC",
    "read in part at 23:59 UTC": "zum Teil gelesen um 23:59\xa0UTC",
    "stale since Thursday 19 November, 23:40 UTC": "veraltet seit Donnerstag, 19.\xa0November, 23:40\xa0UTC",
    "not read since Sunday 29 February, 00:01 UTC": (
        "nicht gelesen seit Sonntag, 29.\xa0Februar, 00:01\xa0UTC"
    ),
    "never read": "nie gelesen",
    "stale": "veraltet",
}


@pytest.mark.parametrize(("english", "german"), SENTENCES.items())
def test_every_sentence_is_said_in_both_languages(english: str, german: str) -> None:
    assert told(english) == english
    with translation.override("de"):
        assert told(english) == german


@pytest.mark.parametrize("text", ["", "read by hand", "stale since Thursday 31 November, 23:40 UTC"])
def test_what_is_none_of_them_stands_as_it_is(text: str) -> None:
    with translation.override("de"):
        assert told(text) == text


def test_every_day_that_is_written_is_read() -> None:
    day = date(2027, 1, 1)
    while day < date(2029, 1, 1):
        moment = datetime.combine(day, datetime.min.time(), UTC)
        text = f"stale since {calendars.in_words(moment.date())}, 00:00 UTC"
        with translation.override("de"):
            assert told(text).startswith("veraltet seit "), text
        day += timedelta(days=1)
