"""Everything that tells sources apart knows all of them."""

from papers.folding import SOURCE_RANK
from papers.reading.plans import PLANS
from papers.sources.names import READ_BY_THEMSELVES, SOURCE_NAMES


def test_every_source_that_may_be_named_has_a_plan_and_every_source_a_rank_and_a_name() -> None:
    assert tuple(PLANS) == READ_BY_THEMSELVES
    assert set(READ_BY_THEMSELVES) < SOURCE_RANK.keys() == SOURCE_NAMES.keys()
