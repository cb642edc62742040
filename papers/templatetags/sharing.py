"""What a page tells those that show a link to it."""

from django import template
from django.conf import settings

register = template.Library()


@register.filter
def absolute(path: str) -> str:
    """A path of this site -> the address that others reach it by."""
    return f"{settings.SITE_URL}{path}"
