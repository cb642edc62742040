"""How many votes a paper will come to, from one or two counts of them. Pure.

A paper has about `hours / (hours + 12)` of its votes that many hours after its list day began. So a count is
a part of what is to come, and the part tells the whole. Two things make the guess better. Small counts are
mostly luck: every paper starts as if it already had five votes in a fifth of its time. And a paper that is
gaining now will go on gaining: votes since an earlier reading count twice.
"""

from dataclasses import dataclass

HALF_OF_VOTES_HOURS = 12.0
START_VOTES, START_SHARE = 5.0, 0.2
RECENT_WEIGHT = 2.0
EARLIER_UP_TO = 0.5  # of the hours: "since an earlier reading" is about the second half of a paper's time


@dataclass(frozen=True, slots=True)
class Count:
    """So many votes, that many hours after 00:00 UTC of the list day; neither is negative."""

    votes: int
    hours: float


def share_of_votes(hours: float) -> float:
    """Tell which part (0 to 1) of its final votes a paper has, by hours since its list day began."""
    return hours / (hours + HALF_OF_VOTES_HOURS)


def expected_votes(latest: Count, earlier: Count | None = None) -> float:
    """Project the latest count to the paper's final one; never less than the count itself.

    `earlier` is a count from the first half of the time up to the latest; one from later on is not used.
    """
    share = share_of_votes(latest.hours)
    recent_votes = recent_share = 0.0
    if earlier is not None and earlier.hours <= latest.hours * EARLIER_UP_TO:
        recent_votes = max(0, latest.votes - earlier.votes)  # votes can be taken back
        recent_share = share - share_of_votes(earlier.hours)
    again = RECENT_WEIGHT - 1
    votes = START_VOTES + latest.votes + again * recent_votes
    per_share = votes / (START_SHARE + share + again * recent_share)
    return latest.votes + (1 - share) * per_share
