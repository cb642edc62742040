"""The address to which a reader wants to move."""

from django import forms

from newsletter.addresses import Address
from newsletter.forms.asking import AddressField


class MoveForm(forms.Form):
    email = AddressField()

    @property
    def address(self) -> Address:
        address: Address = self.cleaned_data["email"]
        return address
