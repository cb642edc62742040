"""Makes text safe to stand in a provider's merge template. Pure.

Providers fill a template's variables in all of a batch: `{{name}}`, `*|NAME|*`, `%recipient.name%`,
`[[var:name]]` and so on. Paper text that looks like one must stay text. Readers see the same either way.
"""

import re
from collections.abc import Iterable

# One character, and what would make it the beginning of a variable or a command.
_OPENERS = (
    r"\{(?=[{%#$])",
    r"\*(?=\|)",
    r"\[(?=\[)",
    r"<(?=%)",
    r"%(?=recipient|unsubscribe|tag_unsubscribe|mailing_list)",
)
# Shows nothing, breaks no line and joins no letters that were apart before.
_NOTHING = "\u200c"


class Neutral:
    """Takes the life out of merge syntax, and of these marks, which are variables too."""

    def __init__(self, marks: Iterable[str]) -> None:
        own = [f"{re.escape(mark[0])}(?={re.escape(mark[1:])})" for mark in marks if len(mark) > 1]
        self._opener = re.compile("|".join([*_OPENERS, *own]), re.IGNORECASE)

    def text(self, text: str) -> str:
        return self._opener.sub(lambda found: found[0] + _NOTHING, text)

    def html(self, html: str) -> str:
        """Write the character as a reference: a browser reads it as the same, in text and in links."""
        return self._opener.sub(lambda found: f"&#{ord(found[0])};", html)
