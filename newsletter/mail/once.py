"""What is made once, in one language, and used by many mails."""

from collections.abc import Callable
from typing import TypeVar

from django.utils import translation

Key = TypeVar("Key")
Made = TypeVar("Made")


class Once(dict[Key, Made]):
    """Makes what is asked for while its language is active, and keeps it by its key."""

    def __init__(self, language: str, make: Callable[[Key], Made]) -> None:
        super().__init__()
        self._language = language
        self._make = make

    def __missing__(self, key: Key) -> Made:
        with translation.override(self._language):
            self[key] = made = self._make(key)
        return made
