"""Readers, what they chose, the day's editions, and the ledger that says what became of each mail."""

from newsletter.models.deliveries import Delivery, Slot
from newsletter.models.editions import Edition, EditionPaper
from newsletter.models.events import Event
from newsletter.models.handles import new_handle
from newsletter.models.mixes import MixTopic, TopicMix
from newsletter.models.outbox import OutboxMail
from newsletter.models.pace import Pace
from newsletter.models.readers import Subscriber, WeightChange, default_zone
from newsletter.models.suppressions import Suppression

__all__ = [
    "Delivery",
    "Edition",
    "EditionPaper",
    "Event",
    "MixTopic",
    "OutboxMail",
    "Pace",
    "Slot",
    "Subscriber",
    "Suppression",
    "TopicMix",
    "WeightChange",
    "default_zone",
    "new_handle",
]
