"""A mail as somebody would get it, sent to nobody. Writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import translation
from django.utils.html import format_html
from django.utils.translation import gettext as _

from newsletter.mail.messages import Addressee
from newsletter.mail.press import Press
from newsletter.mail.prints import Print
from newsletter.models import Edition, TopicMix
from papers.models import Topic


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail as somebody would get it; without a reader, no link in it is a reader's own.

    `papers` is how many it has; 0 where no mail would be sent, which text and HTML then say.
    """

    subject: str
    text: str
    html: str
    papers: int


def preview(editions: Sequence[Edition], mix: TopicMix, reader: Addressee | None = None) -> Preview:
    """Return the mail of this mix over a window of editions; where nothing matches it says so."""
    press = Press(editions, mix.language, own_links=reader is not None)
    return _shown(press, press.print(mix), reader)


def preview_of(
    editions: Sequence[Edition],
    *,
    weights: Mapping[Topic, str],
    length: int,
    language: str,
    when_empty: str,
) -> Preview:
    """Return the mail of a choice that nobody need have made: there is no row of it, and none is written.

    `weights` maps topics to "less", "normal" or "more"; empty means the overall top papers.
    `when_empty` is a `TopicMix.WhenEmpty`. Raises ValueError for no editions.
    """
    press = Press(editions, language, own_links=False)
    return _shown(press, press.print_choice(weights, length=length, when_empty=when_empty), None)


def _shown(press: Press, printed: Print | None, reader: Addressee | None) -> Preview:
    if printed is None:
        with translation.override(press.language):
            return _no_mail(press)
    text, html = printed.parts(reader)
    return Preview(printed.subject, text, html, len(printed.digest.items))


def _no_mail(press: Press) -> Preview:
    if press.span.is_day:
        words = _("Nothing in this edition matches these topics, so no mail is sent.")
    else:
        words = _("Nothing in these editions matches these topics, so no mail is sent.")
    html = format_html(
        '<!doctype html><html lang="{}"><title>{}</title><p>{}</p></html>',
        press.language,
        _("No mail"),
        words,
    )
    return Preview(_("(no mail)"), words, html, 0)
