"""Votes to come: the worked numbers, and what must hold whatever was counted."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.ranking.projection import Count, expected_votes, share_of_votes

VOTES = st.integers(0, 10**9)
HOURS = st.floats(0, 10**6)


@pytest.mark.parametrize(("hours", "share"), [(0, 0), (4, 0.25), (12, 0.5), (24, 2 / 3), (108, 0.9)])
def test_half_of_the_votes_are_in_after_twelve_hours(hours: float, share: float) -> None:
    assert math.isclose(share_of_votes(hours), share)


@pytest.mark.parametrize(
    ("latest", "earlier", "expected"),
    [
        # 12 + (1 - 1/2) * (5 + 12) / (1/5 + 1/2)
        (Count(12, 12), None, 12 + 0.5 * 17 / 0.7),
        # the 10 votes since hour 4, and the quarter of the share that passed since, count once more
        (Count(12, 12), Count(2, 4), 12 + 0.5 * 27 / 0.95),
        (Count(12, 12), Count(2, 6), 12 + 0.5 * 27 / (0.7 + 1 / 2 - 1 / 3)),
        (Count(12, 12), Count(2, 6.1), 12 + 0.5 * 17 / 0.7),  # more than half of the time had gone
        (Count(12, 12), Count(20, 4), 12 + 0.5 * 17 / 0.95),  # votes were taken back since
        (Count(0, 0), None, 25),
    ],
)
def test_the_projection_by_hand(latest: Count, earlier: Count | None, expected: float) -> None:
    assert math.isclose(expected_votes(latest, earlier), expected)


@settings(deadline=None)
@given(VOTES, HOURS, VOTES, HOURS)
def test_it_is_finite_and_never_less_than_what_was_counted(
    votes: int, hours: float, before: int, then: float
) -> None:
    expected = expected_votes(Count(votes, hours), Count(before, then))
    assert math.isfinite(expected) and expected >= votes


@settings(deadline=None)
@given(VOTES, st.integers(1, 10**6), HOURS, VOTES, HOURS)
def test_more_votes_at_the_same_hour_promise_more(
    votes: int, more: int, hours: float, before: int, then: float
) -> None:
    earlier = Count(before, then)
    low, high = (expected_votes(Count(count, hours), earlier) for count in (votes, votes + more))
    assert high > low


@settings(deadline=None)
@given(VOTES, st.floats(0, 1000), st.floats(0.01, 1000))
def test_the_same_count_promises_less_the_later_it_is_read(votes: int, hours: float, later: float) -> None:
    assert expected_votes(Count(votes, hours + later)) < expected_votes(Count(votes, hours))
