"""Asking by an address: for the subscription, or for the link to the preferences."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from newsletter import schedule
from newsletter.addresses import MAX_LENGTH, Address, AddressError, parse_address
from newsletter.forms.choosing import ChoiceForm

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
        super().__init__(label=_("Your email"), widget=widget, strip=False)
        self.error_messages["required"] = _("Please type your mail address.")

    def bound_data(self, data: Any, initial: Any) -> str:
        """What stands in the field when the form comes back: what was typed, as far as it is text."""
        return as_typed(data or "")

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return parse_address(text)
        except AddressError as error:
            message = _("This is not one mail address we can write to. Please check it for a slip.")
            raise ValidationError(message) from error


class AskForm(forms.Form):
    """An address, and two traps for scripts: a field that people do not see, and the time of rendering."""

    data: QueryDict

    email = AddressField()
    website = forms.CharField(required=False, max_length=500)
    rendered = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(data, **{"auto_id": "ask-%s", **kwargs})
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
            raise ValidationError(
                _("Something was lost on the way. Please send the form once more.")
            ) from None
        age = timezone.now().timestamp() - rendered
        if age > SLOWEST_SECONDS:
            self._render_anew()
            raise ValidationError(_("This page was open for more than a day. Please send it once more."))
        if age < FASTEST_SECONDS:
            raise ValidationError(
                _("That was so quick that it could have been a machine. Please send it once more.")
            )
        return rendered

    def _render_anew(self) -> None:
        self.data = QueryDict(self.data.urlencode(), mutable=True)
        self.data["rendered"] = _now_signed()

    @property
    def address(self) -> Address:
        address: Address = self.cleaned_data["email"]
        return address


class SubscribeForm(ChoiceForm, AskForm):
    """An address and a choice. The coupon of the front page leaves out all but the topics."""

    zone_guess = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    @property
    def zone_if_new(self) -> str:
        """Where the browser says that it is, which nobody chose; "" where it says nothing we understand."""
        try:
            return schedule.canonical(self.cleaned_data["zone_guess"][:64])
        except ValueError:
            return ""


def as_typed(text: str) -> str:
    """What may stand in the field of an address again, of whatever was sent."""
    return "".join(filter(str.isprintable, text[: 2 * MAX_LENGTH]))[:MAX_LENGTH]


def _now_signed() -> str:
    return _signer.sign(f"{timezone.now().timestamp():.2f}")
