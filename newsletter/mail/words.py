"""How a mail speaks of the days it covers, of numbers and of lists. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WEEK = (5, 8)  # days, first and last included: what is called a week


@dataclass(frozen=True, slots=True)
class Span:
    """The words for one window; `heading` is "" for a single day."""

    first: date
    last: date

    @property
    def is_day(self) -> bool:
        return self.first == self.last

    @property
    def is_week(self) -> bool:
        return WEEK[0] <= (self.last - self.first).days + 1 <= WEEK[1]

    @property
    def heading(self) -> str:
        """ "Your week in papers", "Your papers since Saturday", "Your papers since 3 November"."""
        if self.is_day:
            return ""
        return "Your week in papers" if self.is_week else f"Your papers since {self._since}"

    @property
    def subject(self) -> str:
        """What stands in front of the first title: "Your week in papers: ", "Since Saturday: ", or ""."""
        if self.is_day:
            return ""
        return f"{self.heading}: " if self.is_week else f"Since {self._since}: "

    @property
    def dates(self) -> str:
        """ "Friday 20 November 2026", "Saturday 14 to Friday 20 November 2026"."""
        whole = f"{self.last:%A} {self.last.day} {self.last:%B %Y}"
        if self.is_day:
            return whole
        first = f"{self.first:%A} {self.first.day}"
        if self.first.year != self.last.year:
            first += f" {self.first:%B %Y}"
        elif self.first.month != self.last.month:
            first += f" {self.first:%B}"
        return f"{first} to {whole}"

    @property
    def top(self) -> str:
        """Whose top papers these are."""
        if self.is_day:
            return "the day’s top papers"
        return "the week’s top papers" if self.is_week else "the top papers of these days"

    @property
    def also(self) -> str:
        if self.is_day:
            return "Also today"
        return "Also this week" if self.is_week else "Also"

    @property
    def only_one(self) -> str:
        """The preheader of a mail with one paper."""
        if self.is_day:
            return "One paper for you today"
        return "One paper for you this week" if self.is_week else "One paper for you"

    def day(self, edition: date) -> str:
        """Which of the days: "Tuesday"; with the date where that is not clear."""
        if (self.last - edition) < timedelta(days=7):
            return f"{edition:%A}"
        return f"{edition:%A} {edition.day} {edition:%B}"

    def kicker(self, edition: date, *, lead: bool) -> str:
        """What stands above a card's title: nothing in the mail of one day."""
        if self.is_day:
            return ""
        return f"Best of your week · {self.day(edition)}" if lead and self.is_week else self.day(edition)

    @property
    def _since(self) -> str:
        if (self.last - self.first).days < 7:
            return f"{self.first:%A}"
        return f"{self.first.day} {self.first:%B}"


def numbers(known: Sequence[int | None]) -> str:
    """ "No. 12", "No. 6 to 12", or "" where none has a number."""
    found = sorted(number for number in known if number)
    if not found:
        return ""
    return f"No. {found[0]}" if len(found) == 1 else f"No. {found[0]} to {found[-1]}"


def followed(names: Sequence[str]) -> str:
    return f"You follow {listed(names)}." if names else "You follow the whole paper."


def listed(names: Sequence[str]) -> str:
    """ "A, B and C"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def papers(count: int) -> str:
    return f"{count:,} paper{'' if count == 1 else 's'}"


def clipped(text: str, longest: int) -> str:
    """One line of at most `longest` characters, cut at a word where it must be."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rsplit(" ", 1)[0] + "…"
