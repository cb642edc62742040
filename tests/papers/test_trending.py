"""The trending score: what it adds up, and what it tells a reader."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.reasons import explain
from papers.trending import Score, Seen, Term, as_json, is_settled, trending_score

LISTED = date(2026, 5, 20)
START = datetime(2026, 5, 20, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def score(*seen: Seen, now: float = 24.5, boost: float = 0.0, listed_on: date | None = LISTED) -> Score:
    return trending_score(
        seen, listed_on=listed_on, published_on=LISTED, from_archive=False, boost=boost, now=at(now)
    )


def archived(*seen: Seen, published_on: date | None = date(2024, 6, 1), boost: float = 0.0) -> Score:
    return trending_score(
        seen, listed_on=LISTED, published_on=published_on, from_archive=True, boost=boost, now=at(24)
    )


def test_the_worked_example_of_the_docs() -> None:
    result = score(Seen(at(4), 20, 1, 900), Seen(at(10), 61, 4, 1200))
    assert result == Score(
        2.151516,
        (
            Term("votes", 2.113731, "61 upvotes at 10 h, on course for about 130"),
            Term("comments", 0.00699, "4 comments"),
            Term("stars", 0.030795, "1.2k stars"),
        ),
    )
    assert explain(result.terms) == "61 upvotes at 10 h, on course for about 130; 4 comments; 1.2k stars"


def test_beside_the_counts_a_sentence_does_not_repeat_them() -> None:
    result = score(Seen(at(4), 20, 1, 900), Seen(at(10), 61, 4, 1200), boost=0.1)
    assert explain(result.terms, beside_counts=True) == (
        "61 upvotes at 10 h, on course for about 130; an editor's choice"
    )


def test_terms_explain_themselves_from_json_as_well() -> None:
    result = score(Seen(at(10), 61, 3, 1200))
    assert explain(as_json(result)) == explain(result.terms)


def test_the_same_count_read_earlier_promises_more() -> None:
    values = [score(Seen(at(hours), 30)).value for hours in (4, 10, 24)]
    assert values == sorted(values, reverse=True) and len(set(values)) == 3


def test_of_equal_counts_the_one_that_came_later_promises_more() -> None:
    steady, rising = score(Seen(at(4), 15), Seen(at(10), 30)), score(Seen(at(4), 5), Seen(at(10), 30))
    assert rising.value > steady.value


def test_a_paper_that_came_late_promises_more_than_one_of_which_nothing_is_known() -> None:
    def promised(absent_at: datetime | None) -> float:
        return trending_score(
            [Seen(at(24), 30)],
            listed_on=LISTED,
            published_on=LISTED,
            from_archive=False,
            boost=0,
            now=at(24.5),
            absent_at=absent_at,
        ).value

    assert promised(at(10)) == score(Seen(at(10), 0), Seen(at(24), 30)).value
    assert promised(at(10)) > promised(None) == promised(at(13))


def test_a_reading_just_before_the_latest_says_nothing_about_the_pace() -> None:
    assert score(Seen(at(9), 5), Seen(at(10), 30)) == score(Seen(at(10), 30))


def test_the_latest_reading_counts_and_missing_signals_are_taken_from_earlier_ones() -> None:
    later = score(Seen(at(10), 61, None, None), Seen(at(8), 20, 3, 1200))
    assert later == score(Seen(at(10), 61, 3, 1200))


def test_the_order_of_readings_does_not_matter() -> None:
    readings = [Seen(None, 4, 1, 1), Seen(at(4), 20, 2, 5), Seen(at(10), 61, None, 7), Seen(at(10), 60, 9, 7)]
    assert score(*readings) == score(*reversed(readings))


def test_unknown_signals_add_nothing_are_labelled_and_not_told() -> None:
    result = score()
    assert result == Score(
        0.0,
        (
            Term("votes", 0.0, "upvotes unknown"),
            Term("comments", 0.0, "comments unknown"),
            Term("stars", 0.0, "code stars unknown"),
        ),
    )
    assert explain(result.terms) == ""


def test_zero_is_known_and_not_unknown() -> None:
    result = score(Seen(at(10), 0, 0, 0))
    assert result == Score(0.71321, (Term("votes", 0.71321, "no upvotes yet at 10 h"),))


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Seen(at(1), 3), "3 upvotes at 1 h"),
        (Seen(at(60), 40), "40 upvotes in 2 days"),
        (Seen(None, 40), "40 upvotes"),
        (Seen(at(24), 1234, 2), "1,234 upvotes at 24 h, on course for about 1,700; 2 comments"),
        (Seen(None, None, None, 10), "10 stars"),
        (Seen(None, None, None, 2000), "2k stars"),
        (Seen(None, None, None, 999_949), "999.9k stars"),
        (Seen(None, None, None, 999_950), "1M stars"),
        (Seen(None, None, None, 1_234_567), "1.2M stars"),
        (Seen(at(0), 61), "61 upvotes in the first hour"),
        (Seen(at(0.99), 5), "5 upvotes in the first hour"),
        (Seen(at(1.9), 61), "61 upvotes at 2 h"),
        (Seen(at(2), 61), "61 upvotes at 2 h, on course for about 230"),
    ],
)
def test_a_reader_is_told_in_half_a_sentence(seen: Seen, told: str) -> None:
    assert explain(score(seen, now=72).terms) == told


@pytest.mark.parametrize("weak", [Seen(at(10), 0, 0, 0), Seen(at(10), 1, 1, 1), Seen(at(60), 2, 1, 9)])
def test_weak_signals_are_no_reason_to_tell_a_reader(weak: Seen) -> None:
    assert explain(score(weak, now=72).terms) == ""


def test_without_a_list_day_votes_are_taken_as_they_are() -> None:
    assert score(Seen(at(3), 99), listed_on=None).terms[0] == Term("votes", 2.0, "99 upvotes")


def test_an_editor_moves_a_paper_by_at_most_one() -> None:
    base = score(Seen(at(10), 61)).value
    moved = [
        round(score(Seen(at(10), 61), boost=boost).value - base, 6) for boost in (0.5, -0.5, 7, -7, math.nan)
    ]
    assert moved == [0.5, -0.5, 1.0, -1.0, 0.0]


def test_a_praising_boost_is_told_and_a_lowering_one_is_not() -> None:
    assert explain(score(Seen(None, 3), boost=0.2).terms) == "3 upvotes; an editor's choice"
    assert explain(score(Seen(None, 3), boost=-0.2).terms) == "3 upvotes"


def test_a_score_does_not_change_while_nothing_new_is_seen() -> None:
    seen = Seen(at(10), 61, 3, 1200)
    assert len({score(seen, now=24 * days).value for days in (1, 3, 5, 400)}) == 1


def test_nobody_is_told_of_a_course_that_must_long_be_run() -> None:
    seen = Seen(at(10), 61, 4)
    young, old = score(seen, now=120), score(seen, now=120.1)
    assert explain(old.terms) == "61 upvotes at 10 h; 4 comments"
    assert explain(young.terms) == "61 upvotes at 10 h, on course for about 120; 4 comments"
    assert explain(young.terms, settled=True) == explain(as_json(young), settled=True) == explain(old.terms)
    assert [is_settled(LISTED, now=at(hours)) for hours in (0, 120, 120.1)] == [False, False, True]
    assert is_settled(None, now=at(0)) is False


def test_archive_papers_come_by_comments_and_then_by_recency() -> None:
    papers = {
        "two comments, old": archived(Seen(None, None, 2), published_on=date(1995, 1, 1)),
        "one comment, new": archived(Seen(None, None, 1), published_on=date(2026, 1, 1)),
        "no comments, new": archived(published_on=date(2026, 1, 1)),
        "no comments, a day older": archived(published_on=date(2025, 12, 31)),
        "no comments, no date": archived(published_on=None),
    }
    assert sorted(papers, key=lambda name: -papers[name].value) == list(papers)


def test_archive_papers_are_called_that_and_never_trending() -> None:
    told = explain(archived(Seen(None, None, 3)).terms)
    assert told == "from the archive, 3 comments"
    assert "trending" not in str(archived(Seen(None, 5, 3, 7), boost=1).terms)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Seen,
            st.none() | st.floats(-50, 500).map(at),
            st.none() | st.integers(0, 10**7),
            st.none() | st.integers(0, 10**4),
            st.none() | st.integers(0, 10**6),
        ),
        max_size=6,
    ),
    st.none() | st.floats(-10, 100).map(at),
)
def test_whatever_was_read_the_score_is_the_sum_of_terms_that_can_be_told(
    seen: list[Seen], absent_at: datetime | None
) -> None:
    result = trending_score(
        seen,
        listed_on=LISTED,
        published_on=LISTED,
        from_archive=False,
        boost=0,
        now=at(100),
        absent_at=absent_at,
    )
    assert math.isfinite(result.value) and result.value >= 0
    assert result.value == round(math.fsum(term.value for term in result.terms), 9)
    told = explain(result.terms)
    assert "unknown" not in told and "; ;" not in told and told == told.strip("; ")


@settings(deadline=None)
@given(st.integers(5, 10**7), st.floats(2, 47.9), st.integers(0, 10**7), st.floats(0, 1))
def test_the_course_that_is_told_is_above_the_count(
    votes: int, hours: float, before: int, part: float
) -> None:
    told = explain(score(Seen(at(hours * part), min(before, votes)), Seen(at(hours), votes), now=48).terms)
    promised = int(told.rpartition(" ")[2].replace(",", ""))
    assert promised > votes, told


@settings(deadline=None)
@given(st.integers(0, 10**7), st.integers(1, 10**7), st.floats(0, 500), st.integers(0, 10**7))
def test_more_votes_never_rank_lower(votes: int, more: int, hours: float, before: int) -> None:
    low, high = (
        score(Seen(at(hours / 3), min(before, votes)), Seen(at(hours), count), now=500).value
        for count in (votes, votes + more)
    )
    assert high >= low


@pytest.mark.parametrize("count", [0, -1, -(10**30), 10**12, 10**400])
@pytest.mark.parametrize("hours", [-(10**6), 0, 10**6])
def test_the_score_is_finite_whatever_was_read(count: int, hours: float) -> None:
    for result in (
        score(Seen(at(hours), count, count, count)),
        archived(Seen(at(hours), count, count, count)),
    ):
        assert math.isfinite(result.value)
        assert all(math.isfinite(term.value) for term in result.terms)


def test_a_reading_from_the_future_counts_as_read_now() -> None:
    assert score(Seen(at(9999), 50), now=10) == score(Seen(at(10), 50), now=10)


def test_a_time_without_a_zone_is_read_as_utc() -> None:
    assert score(Seen(at(10).replace(tzinfo=None), 50)) == score(Seen(at(10), 50))
