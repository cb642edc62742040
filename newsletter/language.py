"""The language of the moment, as mixes name it."""

from django.conf import settings
from django.utils.translation import get_language


def language_now() -> str:
    """ "en" or "de": the language in which the page at hand is shown."""
    return get_language() or settings.LANGUAGE_CODE
