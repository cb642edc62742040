"""How much of a topic, in words."""

from django import template
from django.utils.translation import pgettext_lazy

from newsletter.models import MixTopic, WeightChange

register = template.Library()

WORDS = {
    WeightChange.OFF: pgettext_lazy("how much of a topic", "off"),
    MixTopic.Weight.LESS: pgettext_lazy("how much of a topic", "less"),
    MixTopic.Weight.NORMAL: pgettext_lazy("how much of a topic", "normal"),
    MixTopic.Weight.MORE: pgettext_lazy("how much of a topic", "more"),
}


@register.filter
def weight(value: str) -> str:
    """ "off", "less", "normal" or "more" in the language of the page."""
    return str(WORDS[value])
