"""A mail as somebody would get it, sent to nobody."""

from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.mail.messages import Addressee
from newsletter.mail.press import Press
from newsletter.models import Edition, TopicMix


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail as somebody would get it; without a reader, its personal links lead to the front page."""

    subject: str
    text: str
    html: str


def preview(editions: Sequence[Edition], mix: TopicMix, reader: Addressee | None = None) -> Preview:
    """Return the mail of this mix over a window of editions; where nothing matches it says so."""
    printed = Press(editions).print(mix)
    if printed is None:
        which = "this edition matches" if len(editions) == 1 else "these editions matches"
        words = f"Nothing in {which} these topics, so no mail is sent."
        return Preview(
            "(no mail)", words, f'<!doctype html><html lang="en"><title>No mail</title><p>{words}</p></html>'
        )
    text, html = printed.parts(reader)
    return Preview(printed.subject, text.text, html.text)
