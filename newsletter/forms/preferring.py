"""A reader's choice: the topics, how much of each, and the mail."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from newsletter.mixes import DEFAULT_LENGTH, LENGTHS
from newsletter.models import MixTopic, TopicMix
from papers.models import Topic


class PreferencesForm(forms.Form):
    """Every topic with off, less, normal or more; the length of a mail; what a day without a match brings."""

    OFF = "off"
    WEIGHTS = ((OFF, "off"), *MixTopic.Weight.choices)

    length = forms.TypedChoiceField(
        coerce=int, choices=[(n, str(n)) for n in LENGTHS], initial=DEFAULT_LENGTH
    )
    when_empty = forms.ChoiceField(
        choices=[(TopicMix.WhenEmpty.SKIP, "no mail"), (TopicMix.WhenEmpty.TOP, "the day’s top papers")],
        initial=TopicMix.WhenEmpty.SKIP,
    )

    def __init__(self, data: Any = None, *, topics: Sequence[Topic], mix: TopicMix, **kwargs: Any) -> None:
        weights = {choice.topic_id: choice.weight for choice in mix.choices.all()}
        super().__init__(data, initial=_initial(mix, weights, topics), **kwargs)
        self.topics = topics
        for topic in topics:
            field = forms.ChoiceField(choices=self.WEIGHTS, label=topic.name, required=False)
            field.error_messages["invalid_choice"] = f"{topic.name}: choose off, less, normal or more."
            self.fields[_name(topic)] = field
        sentence = "Choose one of the given answers."
        self.fields["length"].error_messages["invalid_choice"] = sentence
        self.fields["when_empty"].error_messages["invalid_choice"] = sentence

    def rows(self) -> list[tuple[Topic, forms.BoundField]]:
        return [(topic, self[_name(topic)]) for topic in self.topics]

    def weights(self) -> dict[Topic, str]:
        """The topics that are not off."""
        answers = {topic: self.cleaned_data[_name(topic)] for topic in self.topics}
        return {topic: weight for topic, weight in answers.items() if weight not in ("", self.OFF)}


def _initial(mix: TopicMix, weights: Mapping[int, str], topics: Sequence[Topic]) -> dict[str, Any]:
    off = PreferencesForm.OFF
    chosen = {_name(topic): weights.get(topic.pk, off) for topic in topics}
    return {**chosen, "length": mix.length, "when_empty": mix.when_empty}


def _name(topic: Topic) -> str:
    return f"topic-{topic.slug}"
