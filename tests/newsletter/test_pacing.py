"""The rate, by slices: never passed in any stretch of time, and hardly missed."""

from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.pacing import PERIODS, SLICES, Rule, Taken, free, wait

units = st.sampled_from(sorted(PERIODS))
# (seconds since the one before, in periods; how many are wanted)
asked = st.lists(st.tuples(st.floats(0, 1.5), st.integers(1, 40)), max_size=60)


@given(unit=units, limit=st.integers(1, 30), steps=asked)
def test_no_stretch_of_a_period_has_more_than_the_limit(
    unit: str, limit: int, steps: list[tuple[float, int]]
) -> None:
    rule, taken, now = Rule(limit, unit), Taken(), 1_000_000.0
    went: list[tuple[float, int]] = []
    for passed, wanted in steps:
        now += passed * PERIODS[unit]
        taken = taken.at(rule, now)
        granted = min(wanted, free(rule, taken))
        taken = taken.add(granted)
        went.append((now, granted))
    for start, _ in went:
        assert sum(number for at, number in went if start <= at < start + PERIODS[unit]) <= limit


@given(unit=units, limit=st.integers(1, 30), steps=asked)
def test_after_the_wait_one_more_may_go_and_a_slice_before_none(
    unit: str, limit: int, steps: list[tuple[float, int]]
) -> None:
    rule, taken, now = Rule(limit, unit), Taken(), 1_000_000.0
    for passed, wanted in steps:
        now += passed * PERIODS[unit]
        taken = taken.at(rule, now)
        taken = taken.add(min(wanted, free(rule, taken)))
    seconds = wait(rule, taken, now)
    assert (seconds == 0) == (free(rule, taken) > 0)
    assert seconds <= PERIODS[unit] * (SLICES + 1) / SLICES + 1e-6
    if seconds:
        later = now + seconds + rule.slice_seconds / 100
        assert free(rule, taken.at(rule, later)) > 0
        assert free(rule, taken.at(rule, later - rule.slice_seconds)) == 0


def test_a_clock_that_goes_back_frees_nothing() -> None:
    rule = Rule(5, "m")
    taken = Taken().at(rule, 1_000_000).add(5)
    assert free(rule, taken.at(rule, 999_000)) == 0


def test_after_a_long_silence_all_of_it_is_free() -> None:
    rule = Rule(5, "s")
    assert free(rule, Taken().at(rule, 1_000_000).add(5).at(rule, 2_000_000)) == 5
