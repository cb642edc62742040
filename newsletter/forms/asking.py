"""Asking by an address: for the subscription, or for the link to the preferences."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.http import QueryDict
from django.utils import timezone

from newsletter.addresses import MAX_LENGTH, Address, AddressError, parse_address
from newsletter.models import MixTopic
from papers.models import Topic

# A person needs longer than this to read the form and type an address; a script does not wait.
FASTEST_SECONDS = 1.5
SLOWEST_SECONDS = 24 * 3600

_signer = Signer(salt="subscribe form")


class AddressField(forms.CharField):
    """One mail address; its clean value is an `Address`."""

    def __init__(self) -> None:
        widget = forms.EmailInput(
            attrs={
                "autocomplete": "email",
                "inputmode": "email",
                "spellcheck": "false",
                "maxlength": MAX_LENGTH,
            }
        )
        # strip=False: a line break at the end is an attempt, not a slip.
        super().__init__(label="Your email", widget=widget, strip=False)
        self.error_messages["required"] = "Please type your mail address."

    def bound_data(self, data: Any, initial: Any) -> str:
        """What stands in the field when the form comes back: what was typed, as far as it is text."""
        return "".join(filter(str.isprintable, data or ""))[:MAX_LENGTH]

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return parse_address(text)
        except AddressError as error:
            message = "This is not one mail address we can write to. Please check it for a slip."
            raise ValidationError(message) from error


class AskForm(forms.Form):
    """An address, and two traps for scripts: a field that people do not see, and the time of rendering."""

    data: QueryDict

    email = AddressField()
    website = forms.CharField(required=False, max_length=500)
    rendered = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(data, auto_id="ask-%s", **kwargs)
        if data is None:
            self.initial["rendered"] = _now_signed()

    @property
    def is_trapped(self) -> bool:
        """True where the field that people do not see was filled in."""
        return bool(self.data.get("website"))

    def clean_rendered(self) -> float:
        try:
            rendered = float(_signer.unsign(self.cleaned_data["rendered"]))
        except BadSignature:
            self._render_anew()
            raise ValidationError("Something was lost on the way. Please send the form once more.") from None
        age = timezone.now().timestamp() - rendered
        if age > SLOWEST_SECONDS:
            self._render_anew()
            raise ValidationError("This page was open for more than a day. Please send it once more.")
        if age < FASTEST_SECONDS:
            raise ValidationError(
                "That was quicker than we can tell from a machine. Please send it once more."
            )
        return rendered

    def _render_anew(self) -> None:
        self.data = QueryDict(self.data.urlencode(), mutable=True)
        self.data["rendered"] = _now_signed()

    @property
    def address(self) -> Address:
        address: Address = self.cleaned_data["email"]
        return address


class SubscribeForm(AskForm):
    """An address and any topics; none means the day's top papers whatever their topic."""

    def __init__(self, data: Any = None, *, topics: Sequence[Topic], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.by_slug = {topic.slug: topic for topic in topics}
        self.fields["topics"] = forms.MultipleChoiceField(
            required=False,
            choices=[(topic.slug, topic.name) for topic in topics],
            widget=forms.CheckboxSelectMultiple,
            error_messages={
                "invalid_choice": "One of these topics does not exist here. Please choose again."
            },
        )

    def chosen(self) -> set[str]:
        """The slugs to show as ticked, also where the form is wrong."""
        wanted = self.data.getlist("topics") if self.is_bound else self.initial.get("topics", [])
        return set(wanted[: len(self.by_slug)]) & set(self.by_slug)

    def weights(self) -> dict[Topic, str]:
        return {self.by_slug[slug]: MixTopic.Weight.NORMAL for slug in self.cleaned_data["topics"]}


def _now_signed() -> str:
    return _signer.sign(f"{timezone.now().timestamp():.2f}")
