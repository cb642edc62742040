"""Prints the digests of a window of editions: the best of all of them, each card rendered once."""

import hashlib
from collections.abc import Mapping, Sequence
from html import escape

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from newsletter.digest import Choice, Composer, Digest, Entry, Item, Match, best_first
from newsletter.fragments import Fragment, Hole, Piece, cut, fragment, mark, plain
from newsletter.mail import words
from newsletter.mail.cards import Both, facts, one_line, rendered, rendered_texts, why
from newsletter.mail.headers import encoded, host, shared_by_a_mix, site
from newsletter.mail.once import Once
from newsletter.mail.prints import Envelope, Print
from newsletter.models import Edition, EditionPaper, TopicMix
from newsletter.tokens import PURPOSES
from papers.models import Topic

MIX_HOLES = ("preheader", "count", "followed", "mix")
HOLES = (*MIX_HOLES, *PURPOSES)
# Gmail clips a message at 102 KB.
MAX_WIRE_BYTES = 100_000
MAX_TITLE, MAX_SUBJECT_TITLE = 300, 150  # characters; real titles have fewer
MAX_NOTE_OF_SEVERAL = 600


Cut = tuple[list[Piece], list[Piece]]  # text, HTML


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
        self.span = words.Span(self.editions[0].date, self.edition.date)
        self.revisions = {edition.pk: edition.revision for edition in self.editions}
        self._own_links = own_links
        self._days = {edition.pk: edition.date for edition in self.editions}
        self._rows = _best_rows(self.revisions)
        entries = [_entry(place, row) for place, row in self._rows.items()]
        self._matches = {(entry.rank, match.topic): match for entry in entries for match in entry.matches}
        self._composer = Composer(entries)
        self._site = site()
        self._envelope = self._new_envelope()
        with translation.override(language):
            self._head, self._foot = self._frame()
            self._following = words.Following()
        self._subjects = Once(language, self._subject)
        self._preheaders = Once(language, self._preheader)
        self._counts = Once(language, self._count)
        self._sections = Once(language, self._section)
        self._cards = Once(language, self._card)

    def print(self, mix: TopicMix) -> Print | None:
        """Compose the digest of a mix, which is of this language; None where nothing matches it."""
        choices = [(choice.topic, choice.weight) for choice in mix.choices.all()]
        return self._print(choices, mix.length, mix.when_empty, mix.slug)

    def print_choice(self, weights: Mapping[Topic, str], *, length: int, when_empty: str) -> Print | None:
        """Compose the digest of a choice that has no page in the browser; None where nothing matches it."""
        return self._print(list(weights.items()), length, when_empty, "")

    def _print(
        self, choices: list[tuple[Topic, str]], length: int, when_empty: str, page: str
    ) -> Print | None:
        self.composed += 1
        choices.sort(key=lambda choice: (choice[0].position, choice[0].name))
        weights = {topic.slug: weight for topic, weight in choices}
        digest = self._composer.compose(Choice(weights, length, when_empty == TopicMix.WhenEmpty.TOP))
        if not digest.sections:
            return None
        followed = _both(self._following.sentence([topic.name for topic, _ in choices]))
        of_this_mix = {"followed": followed, "mix": (plain(page),) * 2}
        printed = self._assemble(digest, of_this_mix)
        while printed.size > MAX_WIRE_BYTES and len(digest.items) > 1:
            digest = digest.shortened()
            printed = self._assemble(digest, of_this_mix)
        return printed

    def _assemble(self, digest: Digest, of_this_mix: Mapping[str, Both]) -> Print:
        items = digest.items
        first, number = items[0].rank, len(items)
        subject, head = self._subjects[first, number - 1]
        preheader = self._preheaders[items[1].rank if number > 1 else None]
        values = {**of_this_mix, "preheader": preheader, "count": self._counts[number]}
        text, html = _filled(self._head, values)
        for section in digest.sections:
            from_archive = not section.name and self._is_archive(section.items)
            blocks = [self._sections[section.name, from_archive]]
            for item in section.items:
                topic = item.match.topic if item.match else None
                blocks.append(self._cards[item.rank, topic, item.rank == first])
            text += [block[0] for block in blocks]
            html += [block[1] for block in blocks]
        text_foot, html_foot = _filled(self._foot, values)
        return Print(digest, subject, head, self._envelope, text=text + text_foot, html=html + html_foot)

    def _subject(self, lead_and_others: tuple[int, int]) -> tuple[str, bytes]:
        """The subject, and the headers with it; few are different, and encoding one is slow."""
        lead, others = lead_and_others
        title = words.clipped(self._title(lead), MAX_SUBJECT_TITLE)
        subject = one_line("subject", {"span": self.span, "lead_title": title, "others": others})
        return subject, shared_by_a_mix(subject, self._envelope.boundary)

    def _preheader(self, second: int | None) -> Both:
        return _both(self.span.only_one if second is None else self.span.also(self._title(second)))

    def _count(self, number: int) -> Both:
        return _both(self.span.count(number, of=len(self._rows)))

    def _title(self, place: int) -> str:
        return words.clipped(self._rows[place].card["title"], MAX_TITLE)

    def _is_archive(self, items: tuple[Item, ...]) -> bool:
        return all(self._rows[item.rank].card["from_archive"] for item in items)

    def _section(self, key: tuple[str, bool]) -> Both:
        name, from_archive = key
        title = name or (_("From the archive") if from_archive else _("Top papers"))
        return rendered("section", {"title": title, "underline": "-" * len(title)})

    def _card(self, key: tuple[int, str | None, bool]) -> Both:
        place, topic, lead = key
        row = self._rows[place]
        match = self._matches[place, topic] if topic else None
        context = {
            "card": {**row.card, "title": self._title(place)},
            "kicker": self.span.kicker(self._days[row.edition_id], lead=lead),
            "lead": lead,
            "facts": facts(row.card, beside=self.edition.date),
            "why": why(match, row.terms, otherwise=self.span.among),
            "url": self._site + reverse("paper", args=[row.card["key"]]),
        }
        if self._own_links and row.matches:  # of a paper under no topic there is nothing to follow
            context |= self._more_and_less(row.card["key"])
        return rendered("card", context)

    def _more_and_less(self, key: str) -> dict[str, str]:
        """The links by which a reader gets more or less of what this paper is about, each with a hole."""
        token = mark("preferences")
        return {
            "more_url": self._site + reverse("more_like", args=[token, key]),
            "less_url": self._site + reverse("less_like", args=[token, key]),
        }

    def _frame(self) -> tuple[Cut, Cut]:
        """Return head and foot, each as text and HTML, cut at their holes."""
        context = {
            "name": settings.NEWSLETTER_NAME,
            "span": self.span,
            "numbers": words.numbers([edition.number for edition in self.editions]),
            "notes": self._notes(),
            "how_often": words.how_often(len(self.editions), len(self._rows)),
            "language": self.language,
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
            frames.append((cut(text, MIX_HOLES), cut(html, MIX_HOLES)))
        return frames[0], frames[1]

    def _notes(self) -> list[str]:
        """The editors' words: whole for a single day, else a line a day, so that papers still find room."""
        noted = [edition for edition in self.editions if edition.note]
        if self.span.is_day:
            return [words.note(edition.note, day="", first=True) for edition in noted]
        lines = [(self.span.day(edition.date), edition.note) for edition in noted]
        return [
            words.note(words.clipped(text, MAX_NOTE_OF_SEVERAL), day=day, first=not number)
            for number, (day, text) in enumerate(lines)
        ]

    def _browser_prefix(self) -> str:
        if self.span.is_day:
            return _prefix(self._site, "digest", self.span.last, "x")
        return _prefix(self._site, "window_digest", self.span.first, self.span.last, "x")

    def _new_envelope(self) -> Envelope:
        editions = ",".join(str(edition.pk) for edition in self.editions)
        seed = f"{host()}:{editions}:{self.edition.date}"
        headers = {
            "Content-Language": self.language,
            "List-Id": f"<daily.{host()}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
            "Feedback-ID": f"{self.edition.date}:daily:{host()}"[:120],
        }
        return Envelope(
            boundary=b"=_" + hashlib.sha256(seed.encode()).hexdigest()[:32].encode(),
            host=host(),
            headers=headers,
            headers_wire=encoded(headers),
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


def _filled(frame: Cut, values: Mapping[str, Both]) -> tuple[list[Fragment], list[Fragment]]:
    """Fill the holes of a frame that differ by mix."""
    text, html = (
        [values[piece.name][part] if isinstance(piece, Hole) else piece for piece in pieces]
        for part, pieces in enumerate(frame)
    )
    return text, html


def _both(text: str) -> Both:
    html = escape(text)
    both = fragment(text)
    return both, both if html == text else fragment(html)


def _prefix(base: str, name: str, *arguments: object) -> str:
    """The URL of a page whose last argument is a token, up to that token."""
    path = reverse(name, args=arguments)
    return base + path.removesuffix("x/")
