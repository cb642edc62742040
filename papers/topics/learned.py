"""The learned weights in use: the last that this installation learned, else those that come with the code."""

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from papers.models import LearnedWeights
from papers.topics.weights import Weights, WeightsError, as_json, from_json, shipped_weights

KEPT = 3  # sets of weights, so that one can go back

logger = logging.getLogger(__name__)


def current_weights() -> Weights:
    """The weights that all processes file by; one small query, since a set of weights never changes."""
    newest = LearnedWeights.objects.order_by("-pk").values_list("pk", "learned_at").first()
    if newest is None:
        return shipped_weights()
    try:
        return _stored(*newest)
    except (WeightsError, LearnedWeights.DoesNotExist) as error:
        logger.warning("Papers are filed by the weights that come with the code: %s", error)
        return shipped_weights()


@lru_cache(maxsize=1)
def _stored(pk: int, learned_at: datetime) -> Weights:
    # The moment stands beside the number because a database that was emptied counts from 1 again.
    return from_json(LearnedWeights.objects.get(pk=pk).weights)


def store(weights: Weights, *, figures: Mapping[str, Any], now: datetime) -> LearnedWeights:
    """Put weights to use from the next filing on; old sets but the last few are deleted."""
    row = LearnedWeights.objects.create(learned_at=now, weights=as_json(weights), figures=dict(figures))
    outdated = LearnedWeights.objects.order_by("-pk").values_list("pk", flat=True)[KEPT:]
    LearnedWeights.objects.filter(pk__in=list(outdated)).delete()
    return row


def forget() -> int:
    """Go back to the weights that come with the code; returns how many sets were deleted."""
    return LearnedWeights.objects.all().delete()[0]
