"""A reader's choice as the one TopicMix row that everybody with the same choice shares, and in words."""

import hashlib
from collections.abc import Mapping

from django.db import transaction

from newsletter.models import MixTopic, TopicMix
from papers.models import Topic

DEFAULT_LENGTH = 10
LENGTHS = (5, 10, 15, 20)


def mix_for(
    weights: Mapping[Topic, str],
    *,
    length: int = DEFAULT_LENGTH,
    language: str = "en",
    when_empty: str = TopicMix.WhenEmpty.SKIP,
) -> TopicMix:
    """Return the mix of this choice, making it where nobody chose the same before.

    `weights` maps topics to "less", "normal" or "more"; empty means the overall top papers.
    """
    chosen = sorted((topic.pk, MixTopic.Weight(weight).value) for topic, weight in weights.items())
    text = " ".join([*(f"{pk}:{weight}" for pk, weight in chosen), f"{length} {language} {when_empty}"])
    key = text if len(text) <= 500 else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    with transaction.atomic():
        defaults = {"length": length, "language": language, "when_empty": when_empty}
        mix, created = TopicMix.objects.get_or_create(key=key, defaults=defaults)
        # What nobody had for long may be cleared in this very moment: taken back, or made anew.
        if mix.unused_since and not TopicMix.objects.filter(pk=mix.pk).update(unused_since=None):
            mix, created = TopicMix.objects.get_or_create(key=key, defaults=defaults)
        if created:
            MixTopic.objects.bulk_create(
                MixTopic(mix=mix, topic_id=pk, weight=weight) for pk, weight in chosen
            )
    return mix


def topics_in_words(mix: TopicMix) -> str:
    """ "Agents, Robotics (more)"; expects `choices__topic` to be prefetched where many are shown."""
    choices = sorted(mix.choices.all(), key=lambda choice: (choice.topic.position, choice.topic.name))
    words = [
        choice.topic.name
        if choice.weight == MixTopic.Weight.NORMAL
        else f"{choice.topic.name} ({choice.weight})"
        for choice in choices
    ]
    return ", ".join(words) or "the overall top"
