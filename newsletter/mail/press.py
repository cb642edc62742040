"""Prints the digests of a window of editions: the best of all of them, each card rendered once."""

import hashlib
from collections.abc import Mapping, Sequence
from html import escape

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from newsletter.digest import Choice, Composer, Digest, Entry, Item, Match, best_first
from newsletter.fragments import Hole, Piece, cut, fragment, mark
from newsletter.mail import words
from newsletter.mail.cards import Both, facts, one_line, rendered, rendered_texts, why
from newsletter.mail.headers import host, shared_by_a_mix, site
from newsletter.mail.prints import Envelope, Print
from newsletter.models import Edition, EditionPaper, TopicMix
from papers.models import Topic

HOLES = ("preheader", "count", "followed", "mix", "preferences", "unsubscribe")
# Gmail clips a message at 102 KB.
MAX_WIRE_BYTES = 100_000
MAX_TITLE, MAX_SUBJECT_TITLE = 300, 150  # characters; real titles have fewer
MAX_NOTE_OF_SEVERAL = 600


class Press:
    """Prints digests of the editions of one window in one language, each at its current revision.

    `edition` is the last of them; `revisions` says which revision of each is printed, by primary key.
    `composed` counts the mixes it composed. It keeps no print.
    Without `own_links` it prints what anybody may see: no link in it is a reader's own.
    """

    def __init__(self, editions: Sequence[Edition], language: str = "en", *, own_links: bool = True) -> None:
        if not editions:
            raise ValueError("a digest needs at least one edition")
        self.editions = sorted(editions, key=lambda edition: edition.date)
        self.edition = self.editions[-1]
        self.language = language
        self.composed = 0
        self._own_links = own_links
        self.span = words.Span(self.editions[0].date, self.edition.date)
        self.revisions = {edition.pk: edition.revision for edition in self.editions}
        self._days = {edition.pk: edition.date for edition in self.editions}
        self._rows = _best_rows(self.revisions)
        self._composer = Composer([_entry(place, row) for place, row in self._rows.items()])
        self._cards: dict[tuple[int, str | None, bool], Both] = {}
        self._sections: dict[str, Both] = {}
        self._subjects: dict[tuple[str, int], tuple[str, bytes]] = {}
        self._phrases: dict[str, Both] = {}
        self._site = site()
        self._envelope = self._new_envelope()
        with translation.override(language):
            self._head, self._foot = self._frame()

    def print(self, mix: TopicMix) -> Print | None:
        """Compose the digest of a mix, which is of this language; None where nothing matches it."""
        weights = {choice.topic: choice.weight for choice in mix.choices.all()}
        return self.print_choice(weights, length=mix.length, when_empty=mix.when_empty, page=mix.slug)

    def print_choice(
        self, weights: Mapping[Topic, str], *, length: int, when_empty: str, page: str = ""
    ) -> Print | None:
        """Compose the digest of a choice, as `print` does. `page` names its page in the browser."""
        self.composed += 1
        topics = sorted(weights, key=lambda topic: (topic.position, topic.name))
        by_slug = {topic.slug: weights[topic] for topic in topics}
        digest = self._composer.compose(Choice(by_slug, length, when_empty == TopicMix.WhenEmpty.TOP))
        if not digest.sections:
            return None
        names = [topic.name for topic in topics]
        with translation.override(self.language):
            printed = self._assemble(digest, page, names)
            while printed.size > MAX_WIRE_BYTES and len(digest.items) > 1:
                digest = digest.shortened()
                printed = self._assemble(digest, page, names)
        return printed

    def _assemble(self, digest: Digest, page: str, topic_names: list[str]) -> Print:
        items = digest.items
        first = items[0].rank
        subject, head = self._subject(self._title(first), len(items) - 1)
        values = {
            "preheader": self._preheader(items),
            "count": self._phrase(self._count(len(items))),
            "followed": _both(words.followed(topic_names)),
            "mix": _both(page),
        }
        text, html = self._filled(self._head, values)
        for section in digest.sections:
            title = section.name or ("From the archive" if self._is_archive(section.items) else "Top papers")
            blocks = [self._section(title)]
            blocks += [self._card(item, lead=item.rank == first) for item in section.items]
            text += [block[0] for block in blocks]
            html += [block[1] for block in blocks]
        text_foot, html_foot = self._filled(self._foot, values)
        return Print(digest, subject, head, self._envelope, text=text + text_foot, html=html + html_foot)

    def _filled(
        self, frame: tuple[list[Piece], list[Piece]], values: dict[str, Both]
    ) -> tuple[list[Piece], list[Piece]]:
        """Fill the holes of a frame that `values` names."""
        text, html = (
            [
                values[piece.name][part] if isinstance(piece, Hole) and piece.name in values else piece
                for piece in pieces
            ]
            for part, pieces in enumerate(frame)
        )
        return text, html

    def _subject(self, lead_title: str, others: int) -> tuple[str, bytes]:
        """The subject, and the headers with it; few are different, and encoding one is slow."""
        key = (lead_title, others)
        if key not in self._subjects:
            context = {
                "span": self.span,
                "lead_title": words.clipped(lead_title, MAX_SUBJECT_TITLE),
                "others": others,
            }
            subject = one_line("subject", context)
            self._subjects[key] = (subject, shared_by_a_mix(subject, self._envelope.boundary))
        return self._subjects[key]

    def _preheader(self, items: list[Item]) -> Both:
        if len(items) == 1:
            return self._phrase(self.span.only_one)
        return self._phrase(f"{self.span.also}: {self._title(items[1].rank)}")

    def _count(self, number: int) -> str:
        if self.span.is_day:
            return f"{words.papers(number)} for you"
        return f"your {number} of {words.papers(len(self._rows))}"

    def _phrase(self, text: str) -> Both:
        """A phrase that many mixes share."""
        if text not in self._phrases:
            self._phrases[text] = _both(text)
        return self._phrases[text]

    def _title(self, place: int) -> str:
        return words.clipped(self._rows[place].card["title"], MAX_TITLE)

    def _is_archive(self, items: tuple[Item, ...]) -> bool:
        return all(self._rows[item.rank].card["from_archive"] for item in items)

    def _section(self, title: str) -> Both:
        if title not in self._sections:
            self._sections[title] = rendered("section", {"title": title, "underline": "-" * len(title)})
        return self._sections[title]

    def _card(self, item: Item, *, lead: bool) -> Both:
        key = (item.rank, item.match.topic if item.match else None, lead)
        if key not in self._cards:
            row = self._rows[item.rank]
            context = {
                "card": {**row.card, "title": self._title(item.rank)},
                "kicker": self.span.kicker(self._days[row.edition_id], lead=lead),
                "lead": lead,
                "facts": facts(row.card, beside=self.edition.date),
                "why": why(item.match, row.terms, top_of=self.span.top),
                "url": self._site + reverse("paper", args=[row.card["key"]]),
            }
            self._cards[key] = rendered("card", context)
        return self._cards[key]

    def _frame(self) -> tuple[tuple[list[Piece], list[Piece]], tuple[list[Piece], list[Piece]]]:
        """Return head and foot, each as text and HTML, cut at their holes."""
        context = {
            "name": settings.NEWSLETTER_NAME,
            "span": self.span,
            "numbers": words.numbers([edition.number for edition in self.editions]),
            "notes": self._notes(),
            "edition_count": len(self.editions),
            "paper_count": words.papers(len(self._rows)),
            "postal_address": settings.NEWSLETTER_POSTAL_ADDRESS,
            "hole": {name: mark(name) for name in HOLES},
            "own_links": self._own_links,
            "lost_link_url": self._site + reverse("preferences_link"),
            "preferences_prefix": _prefix(self._site, "preferences", "x"),
            "unsubscribe_prefix": self._envelope.unsubscribe_prefix,
            "browser_prefix": self._browser_prefix(),
        }
        frames = []
        for name in ("head", "foot"):
            text, html = rendered_texts(name, context)
            frames.append((cut(text), cut(html)))
        return frames[0], frames[1]

    def _notes(self) -> list[dict[str, str]]:
        """The editors' words: whole for a single day, else a line a day, so that papers still find room."""
        noted = [edition for edition in self.editions if edition.note]
        if self.span.is_day:
            return [{"day": "", "text": edition.note} for edition in noted]
        return [
            {"day": self.span.day(edition.date), "text": words.clipped(edition.note, MAX_NOTE_OF_SEVERAL)}
            for edition in noted
        ]

    def _browser_prefix(self) -> str:
        if self.span.is_day:
            return _prefix(self._site, "digest", self.span.last, "x")
        return _prefix(self._site, "window_digest", self.span.first, self.span.last, "x")

    def _new_envelope(self) -> Envelope:
        editions = ",".join(str(edition.pk) for edition in self.editions)
        seed = f"{host()}:{editions}:{self.edition.date}"
        return Envelope(
            boundary=b"=_" + hashlib.sha256(seed.encode()).hexdigest()[:32].encode(),
            host=host(),
            headers={
                "List-Id": f"<daily.{host()}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "Auto-Submitted": "auto-generated",
                "Feedback-ID": f"{self.edition.date}:daily:{host()}"[:120],
            },
            unsubscribe_prefix=_prefix(self._site, "unsubscribe", "x"),
        )


def _best_rows(revisions: Mapping[int, int]) -> dict[int, EditionPaper]:
    """The entries of these revisions, the oldest edition first, by their place in the window (1 = first)."""
    kept: dict[int, list[EditionPaper]] = {pk: [] for pk in revisions}
    for row in EditionPaper.objects.filter(edition__in=revisions).order_by("rank"):
        if row.removed_in is None or row.removed_in > revisions[row.edition_id]:
            kept[row.edition_id].append(row)
    shelves = list(kept.values())
    order = best_first([[row.score for row in shelf] for shelf in shelves])
    return {place: shelves[shelf][at] for place, (shelf, at) in enumerate(order, start=1)}


def _entry(place: int, row: EditionPaper) -> Entry:
    matches = (
        Match(match["topic"], match["name"], match["score"], tuple(match["evidence"]))
        for match in row.matches
    )
    return Entry(place, tuple(matches))


def _both(text: str) -> Both:
    html = escape(text)
    both = fragment(text)
    return both, both if html == text else fragment(html)


def _prefix(base: str, name: str, *arguments: object) -> str:
    """The URL of a page whose last argument is a token, up to that token."""
    path = reverse(name, args=arguments)
    return base + path.removesuffix("x/")
