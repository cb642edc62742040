"""A time zone, by any name that the zone database knows."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from newsletter import schedule


class ZoneField(forms.CharField):
    """Its clean value is the zone's name as we store it; "" where none was chosen."""

    def __init__(self) -> None:
        super().__init__(required=False, max_length=64)

    def clean(self, value: Any) -> Any:
        name = super().clean(value)
        try:
            return schedule.canonical(name) if name else ""
        except ValueError as error:
            raise ValidationError(
                _("We do not know this time zone. Please choose one of the list.")
            ) from error
