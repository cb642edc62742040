"""The plain Django way to the same digests: one whole template, rendered for each reader. No ledger.

It uses the templates of `templates/email/digest/` by including them, and is spared what is not Django's
work: what a mix gets, and the lines of its cards, it works out once per mix.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.test import override_settings
from django.urls import reverse

from newsletter.digest import Choice, Composer, Entry, Match, Section
from newsletter.mail import facts, why
from newsletter.mail.words import Span, numbers
from newsletter.models import Edition, EditionPaper, Subscriber, TopicMix
from newsletter.tokens import link_token

TEMPLATES = Path(__file__).parent / "templates"
Context = dict[str, Any]


def templates() -> AbstractContextManager[object]:
    """While it lasts, Django finds the whole templates too. Its loader caches, as it does by default."""
    engine: dict[str, Any] = settings.TEMPLATES[0]
    return override_settings(TEMPLATES=[{**engine, "DIRS": [*engine["DIRS"], TEMPLATES]}])


class Plain:
    """An edition, ready to be rendered in whole."""

    def __init__(self, edition: Edition) -> None:
        self._rows: dict[int, EditionPaper] = {row.rank: row for row in edition.entries.all()}
        entries = []
        for row in self._rows.values():
            matches = (Match(m["topic"], m["name"], m["score"], tuple(m["evidence"])) for m in row.matches)
            entries.append(Entry(row.rank, tuple(matches)))
        self._composer = Composer(entries)
        self._edition = edition
        self._site = str(settings.SITE_URL).rstrip("/")
        self.frame: Context = {
            "span": Span(edition.date, edition.date),
            "numbers": numbers([edition.number]),
            "notes": [f"From the editor: {edition.note}"] if edition.note else [],
            "how_often": "You get this at most once a day.",
            "language": "en",
            "name": settings.NEWSLETTER_NAME,
            "own_links": True,
            "postal_address": settings.NEWSLETTER_POSTAL_ADDRESS,
            "preferences_prefix": f"{self._site}/preferences/",
            "unsubscribe_prefix": f"{self._site}/unsubscribe/",
            "browser_prefix": f"{self._site}/{edition.date}/mix/",
        }

    def context(self, mix: TopicMix) -> Context:
        """All that the readers of a mix share."""
        choices = sorted(mix.choices.all(), key=lambda choice: (choice.topic.position, choice.topic.name))
        weights = {choice.topic.slug: choice.weight for choice in choices}
        digest = self._composer.compose(Choice(weights, mix.length, mix.when_empty == TopicMix.WhenEmpty.TOP))
        ranks = [item.rank for item in digest.items]
        titles = [self._rows[rank].card["title"] for rank in ranks]
        names = [choice.topic.name for choice in choices]
        hole = {
            "preheader": f"Also today: {titles[1]}" if len(titles) > 1 else "One paper for you today",
            "count": f"{len(titles)} paper{'s' if len(titles) != 1 else ''} for you",
            "followed": f"You follow {', '.join(names[:-1])} and {names[-1]}.",
            "mix": mix.slug,
        }
        sections = [self._section(section, ranks[0]) for section in digest.sections]
        subject_context = {"span": self.frame["span"], "lead_title": titles[0], "others": len(titles) - 1}
        return {**self.frame, "subject_context": subject_context, "sections": sections, "hole": hole}

    def render(self, context: Context, reader: Subscriber) -> tuple[str, str, str]:
        """Return subject, text and HTML for one reader."""
        links = {
            purpose: link_token(purpose, reader.handle, reader.secret)
            for purpose in ("preferences", "unsubscribe")
        }
        own = self.frame["preferences_prefix"] + links["preferences"]
        personal = {**context, "hole": {**context["hole"], **links}, "own": own}
        subject = render_to_string("email/digest/subject.txt", context["subject_context"])
        return (
            " ".join(subject.split()),
            render_to_string("benchmarks/whole.txt", personal),
            render_to_string("benchmarks/whole.html", personal),
        )

    def headers(self, reader: Subscriber) -> dict[str, str]:
        host = urlsplit(self._site).hostname
        token = link_token("unsubscribe", reader.handle, reader.secret)
        return {
            "Content-Language": "en",
            "List-Id": f"<daily.{host}>",
            "List-Unsubscribe": f"<{self.frame['unsubscribe_prefix']}{token}/>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
            "Feedback-ID": f"{self._edition.date}:daily:{host}",
        }

    def _section(self, section: Section, first: int) -> Context:
        cards = []
        for item in section.items:
            row = self._rows[item.rank]
            cards.append(
                {
                    "card": row.card,
                    "lead": item.rank == first,
                    "facts": facts(row.card, beside=self._edition.date),
                    "why": why(item.match, row.terms),
                    "url": self._site + reverse("paper", args=[row.card["key"]]),
                    "more": f"/more/{row.card['key']}/",
                    "less": f"/less/{row.card['key']}/",
                }
            )
        return {"title": section.name, "underline": "-" * len(section.name), "cards": cards}


def send(edition: Edition) -> int:
    """Mail the edition to every active reader, one after the other; returns how many mails."""
    plain = Plain(edition)
    mixes = TopicMix.objects.filter(subscribers__state="active").distinct().prefetch_related("choices__topic")
    contexts = {mix.pk: plain.context(mix) for mix in mixes}
    readers: Iterable[Subscriber] = Subscriber.objects.filter(state="active").order_by("pk").iterator()
    sent = 0
    with get_connection() as connection:
        for reader in readers:
            subject, text, html = plain.render(contexts[reader.mix_id], reader)
            message = EmailMultiAlternatives(
                subject,
                text,
                settings.DEFAULT_FROM_EMAIL,
                [reader.email],
                headers=plain.headers(reader),
                connection=connection,
            )
            message.attach_alternative(html, "text/html")
            sent += message.send()
    return sent
