"""A reader's choice: the topics, how much of each, the mail, and when it comes or rests."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from newsletter import weekdays, zones
from newsletter.forms.zoning import ZoneField
from newsletter.mixes import DEFAULT_LENGTH, LENGTHS
from newsletter.models import MixTopic, Subscriber, TopicMix
from newsletter.times import WORKING_DAYS
from papers.models import Topic

OFF = "off"
# The value of an hour that is none, for a field that is not sent changes nothing.
EARLY = "early"
LONGEST_PAUSE = timedelta(days=366)
_ONE_OF_THESE = {"invalid_choice": _("Choose one of the given answers.")}


class PreferencesForm(forms.Form):
    """Everything that a reader chose. Fields about time and language that are left out stay as they are."""

    WEIGHTS = (
        (OFF, _("off")),
        (MixTopic.Weight.LESS.value, _("less")),
        (MixTopic.Weight.NORMAL.value, _("normal")),
        (MixTopic.Weight.MORE.value, _("more")),
    )
    RHYTHMS = (
        ("every", _("every day")),
        ("working", _("Monday to Friday")),
        ("weekly", _("once a week")),
        ("some", _("on some days")),
    )
    # Short for the eye, whole for the ear.
    DAYS = tuple((str(number), WEEKDAYS_ABBR[number], name) for number, name in WEEKDAYS.items())

    length = forms.TypedChoiceField(
        coerce=int,
        choices=[(n, str(n)) for n in LENGTHS],
        initial=DEFAULT_LENGTH,
        error_messages=_ONE_OF_THESE,
    )
    when_empty = forms.ChoiceField(
        choices=[
            (TopicMix.WhenEmpty.SKIP, _("no mail")),
            (TopicMix.WhenEmpty.TOP, _("the day’s top papers")),
        ],
        initial=TopicMix.WhenEmpty.SKIP,
        error_messages=_ONE_OF_THESE,
    )
    language = forms.ChoiceField(required=False, error_messages=_ONE_OF_THESE)
    rhythm = forms.ChoiceField(choices=RHYTHMS, required=False, error_messages=_ONE_OF_THESE)
    weekly_on = forms.TypedChoiceField(
        choices=list(WEEKDAYS.items()),
        coerce=int,
        empty_value=None,
        required=False,
        error_messages=_ONE_OF_THESE,
    )
    days = forms.TypedMultipleChoiceField(
        choices=list(WEEKDAYS.items()), coerce=int, required=False, error_messages=_ONE_OF_THESE
    )
    hour = forms.ChoiceField(
        choices=[(EARLY, _("as soon as it is out")), *((str(n), f"{n:02}:00") for n in range(24))],
        required=False,
        error_messages=_ONE_OF_THESE,
    )
    timezone = ZoneField()

    def __init__(
        self, data: Any = None, *, topics: Sequence[Topic], reader: Subscriber, **kwargs: Any
    ) -> None:
        weights = {choice.topic_id: choice.weight for choice in reader.mix.choices.all()}
        super().__init__(data, initial=_initial(reader, weights, topics), **kwargs)
        self.topics = topics
        for topic in topics:
            field = forms.ChoiceField(choices=self.WEIGHTS, label=topic.name, required=False)
            field.error_messages["invalid_choice"] = _("%(topic)s: choose off, less, normal or more.") % {
                "topic": topic.name
            }
            self.fields[_name(topic)] = field
        languages = [(code, get_language_info(code)["name_local"]) for code, _name_ in settings.LANGUAGES]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]

    def rows(self) -> list[tuple[Topic, forms.BoundField]]:
        return [(topic, self[_name(topic)]) for topic in self.topics]

    def weights(self) -> dict[Topic, str]:
        """The topics that are not off."""
        answers = {topic: self.cleaned_data[_name(topic)] for topic in self.topics}
        return {topic: weight for topic, weight in answers.items() if weight not in ("", OFF)}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("rhythm") == "some" and "days" not in self.errors and not cleaned["days"]:
            self.add_error("days", _("Choose at least one day with mail, or take a break below."))
        return cleaned

    def when(self) -> dict[str, Any]:
        """Those of `own_time.FIELDS` that were sent."""
        sent = self.cleaned_data
        found: dict[str, Any] = {}
        if sent["timezone"]:
            found["timezone"] = sent["timezone"]
        if sent["hour"]:
            found["hour"] = None if sent["hour"] == EARLY else int(sent["hour"])
        if sent["rhythm"] == "some":
            found["weekdays"] = sum(1 << day for day in set(sent["days"]))
        elif sent["rhythm"] == "weekly":
            found["weekdays"] = 1 << (4 if sent["weekly_on"] is None else sent["weekly_on"])
        elif sent["rhythm"]:
            found["weekdays"] = WORKING_DAYS if sent["rhythm"] == "working" else weekdays.EVERY_DAY
        return found

    def shown_days(self) -> list[str]:
        """The days to show as ticked, whatever was sent."""
        return [str(day) for day in self["days"].value() or []][:7]

    def offered_zones(self) -> list[tuple[str, Sequence[str]]]:
        """The zones to choose from, by continent; first the reader's own, where the list does not have it."""
        chosen = str(self["timezone"].value() or "")
        own = [("", (chosen,))] if not zones.is_offered(chosen) and chosen == self.initial["timezone"] else []
        return [*own, *zones.offered()]


class PauseForm(forms.Form):
    """A break: some weeks from today, or until a day, which is the first with mail again."""

    WEEKS = ("1", "2", "4")

    pause = forms.ChoiceField(choices=[(n, n) for n in (*WEEKS, "until")], error_messages=_ONE_OF_THESE)
    until = forms.DateField(
        required=False, error_messages={"invalid": _("Write the day as 2026-12-24, please.")}
    )

    def __init__(self, data: Any = None, *, today: date) -> None:
        """`today` is the date on the reader's clock."""
        super().__init__(data)
        self.today = today
        self.earliest, self.latest = today + timedelta(days=1), today + LONGEST_PAUSE

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("pause") == "until" and "until" not in self.errors:
            day = cleaned["until"]
            if day is None or not self.earliest <= day <= self.latest:
                self.add_error("until", _("Choose a day within the next twelve months, from tomorrow on."))
        return cleaned

    @property
    def day(self) -> date:
        """The first day with mail again."""
        chosen: str = self.cleaned_data["pause"]
        until: date = self.cleaned_data["until"]
        return until if chosen == "until" else self.today + timedelta(weeks=int(chosen))


def _initial(reader: Subscriber, weights: Mapping[int, str], topics: Sequence[Topic]) -> dict[str, Any]:
    chosen = {_name(topic): weights.get(topic.pk, OFF) for topic in topics}
    days = weekdays.numbers(reader.weekdays)
    named = {weekdays.EVERY_DAY: "every", WORKING_DAYS: "working"}
    rhythm = named.get(reader.weekdays, "weekly" if len(days) == 1 else "some")
    return {
        **chosen,
        "length": reader.mix.length,
        "when_empty": reader.mix.when_empty,
        "language": reader.mix.language,
        "rhythm": rhythm,
        "weekly_on": days[0] if rhythm == "weekly" else 4,
        "days": days,
        "hour": EARLY if reader.hour is None else str(reader.hour),
        "timezone": reader.timezone,
    }


def _name(topic: Topic) -> str:
    return f"topic-{topic.slug}"
