"""What may be chosen before an address is given: topics, the length of a mail, and when it comes."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.dates import WEEKDAYS
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from newsletter import schedule, weekdays, zones
from newsletter.forms.zoning import ZoneField
from newsletter.mixes import DEFAULT_LENGTH, LENGTHS
from newsletter.models import MixTopic
from newsletter.times import Times
from papers.models import Topic

DAILY = "daily"
# As `weekdays.parse` reads them.
RHYTHMS = [
    (DAILY, _("every day")),
    ("weekdays", _("Monday to Friday")),
    *(
        (weekdays.NAMES[day].lower(), format_lazy(_("every {day}"), day=name))
        for day, name in WEEKDAYS.items()
    ),
]
HOURS = [("", _("as soon as the edition is out")), *((hour, f"{hour:02}:00") for hour in range(24))]
_ONE_OF_THESE = _("Choose one of the given answers.")


class ChoiceForm(forms.Form):
    """Every field may be left out: no topics means the day's top papers, and the rest has a usual value."""

    data: QueryDict

    topics = forms.MultipleChoiceField(
        required=False,
        error_messages={"invalid_choice": _("One of these topics does not exist here. Please choose again.")},
    )
    length = forms.TypedChoiceField(
        coerce=int,
        choices=[(n, str(n)) for n in LENGTHS],
        required=False,
        empty_value=DEFAULT_LENGTH,  # type: ignore[arg-type]
        error_messages={"invalid_choice": _ONE_OF_THESE},
    )
    days = forms.ChoiceField(
        choices=RHYTHMS, required=False, error_messages={"invalid_choice": _ONE_OF_THESE}
    )
    hour = forms.TypedChoiceField(
        coerce=int,
        choices=HOURS,
        required=False,
        empty_value=None,
        error_messages={"invalid_choice": _ONE_OF_THESE},
    )
    timezone = ZoneField()

    def __init__(self, data: QueryDict | None = None, *, topics: Sequence[Topic], **kwargs: Any) -> None:
        super().__init__(data, **{"auto_id": "ask-%s", **kwargs})
        self.by_slug = {topic.slug: topic for topic in topics}
        self.fields["topics"].choices = [(topic.slug, topic.name) for topic in topics]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("hour") is not None and cleaned.get("timezone") == "":
            self.add_error("timezone", _("An hour needs a place: please choose your time zone as well."))
        return cleaned

    def chosen(self) -> set[str]:
        """The slugs to show as ticked, also where the form is wrong."""
        wanted = self.data.getlist("topics") if self.is_bound else self.initial.get("topics", [])
        return set(wanted[: len(self.by_slug)]) & set(self.by_slug)

    def weights(self) -> dict[Topic, str]:
        return {self.by_slug[slug]: MixTopic.Weight.NORMAL for slug in self.cleaned_data["topics"]}

    def times(self) -> Times | None:
        """When mail is wanted; None where that was not asked, as on the coupon of the front page."""
        if "days" not in self.data:
            return None
        days = weekdays.parse(self.cleaned_data["days"] or DAILY)
        zone = self.cleaned_data["timezone"] or settings.TIME_ZONE
        return Times(zone, self.cleaned_data["hour"], days)

    def shown_timezone(self) -> str:
        """The zone to show as chosen; "" where there is none, or what was sent is none."""
        sent = str(self["timezone"].value() or "")
        try:
            return schedule.canonical(sent) if 0 < len(sent) <= 64 else ""
        except ValueError:
            return ""

    def shown_times(self) -> Times:
        """The times to show on the page, whatever was sent."""
        days, hour = self["days"].value(), self["hour"].value()
        return Times(
            self.shown_timezone() or settings.TIME_ZONE,
            int(hour) if hour in map(str, range(24)) else None,
            weekdays.parse(days) if days in dict(RHYTHMS) else weekdays.EVERY_DAY,
        )

    def shown_length(self) -> int:
        length = self["length"].value()
        return int(length) if length in map(str, LENGTHS) else DEFAULT_LENGTH

    def offered_zones(self) -> list[tuple[str, Sequence[str]]]:
        """The zones to choose from, by continent; first the chosen one, where the list does not have it."""
        chosen = self.shown_timezone()
        own = [("", (chosen,))] if chosen and not zones.is_offered(chosen) else []
        return [*own, *zones.offered()]
