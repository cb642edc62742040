"""When a list was last read without a paper."""

from datetime import UTC, datetime, timedelta

from papers.ranking.arrival import last_absence

BEGAN = datetime(2026, 5, 20, tzinfo=UTC)


def at(hours: float) -> datetime:
    return BEGAN + timedelta(hours=hours)


def test_the_last_reading_before_the_paper_was_seen_counts() -> None:
    assert last_absence(at(10), [at(12), at(9), at(3), at(8), at(10)]) == at(9)


def test_a_paper_of_the_first_reading_was_never_absent() -> None:
    assert last_absence(at(3), [at(3), at(4)]) is None
    assert last_absence(at(3), []) is None


def test_the_answers_of_one_reading_do_not_make_papers_absent_from_each_other() -> None:
    assert last_absence(at(3), [at(2.9), at(2)]) == at(2)
