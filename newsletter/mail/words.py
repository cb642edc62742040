"""How a mail speaks of the days it covers, of numbers and of lists, in the language that is active."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.dateformat import format as set_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from papers.days import long_day, near_day
from papers.templatetags.newsprint import grouped

WEEK = (5, 8)  # days, first and last included: what is called a week


@dataclass(frozen=True, slots=True)
class Span:
    """The words for one window; `heading` and `since` are "" for a single day."""

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
        return (
            _("Your week in papers") if self.is_week else _("Your papers since %(day)s") % {"day": self.since}
        )

    @property
    def since(self) -> str:
        """ "Saturday", or "3 November" where that is not clear."""
        if self.is_day:
            return ""
        return _weekday(self.first) if (self.last - self.first).days < 7 else _day_and_month(self.first)

    @property
    def dates(self) -> str:
        """ "Friday 20 November 2026", "Saturday 14 to Friday 20 November 2026"."""
        whole = long_day(self.last)
        if self.is_day:
            return whole
        if self.first.year != self.last.year:
            first = long_day(self.first)
        elif self.first.month != self.last.month:
            first = near_day(self.first)
        else:
            first = set_date(self.first, pgettext("format of a day", "l j"))
        return _("%(first_day)s to %(last_day)s") % {"first_day": first, "last_day": whole}

    @property
    def among(self) -> str:
        """Why a paper is in the mail, where there is no other reason."""
        if self.is_day:
            return _("Why: among the day’s top papers.")
        if self.is_week:
            return _("Why: among the week’s top papers.")
        return _("Why: among the top papers of these days.")

    def also(self, title: str) -> str:
        """The preheader of a mail of several papers: the second one."""
        if self.is_day:
            return _("Also today: %(title)s") % {"title": title}
        if self.is_week:
            return _("Also this week: %(title)s") % {"title": title}
        return _("Also: %(title)s") % {"title": title}

    @property
    def only_one(self) -> str:
        """The preheader of a mail with one paper."""
        if self.is_day:
            return _("One paper for you today")
        return _("One paper for you this week") if self.is_week else _("One paper for you")

    def count(self, number: int, of: int) -> str:
        """ "3 papers for you"; of several days also how many there were: "your 3 of 1,234 papers"."""
        if self.is_day:
            said = ngettext("%(number)s paper for you", "%(number)s papers for you", number)
        else:
            said = ngettext("your %(number)s of %(all)s paper", "your %(number)s of %(all)s papers", of)
        return said % {"number": grouped(number), "all": grouped(of)}

    def day(self, edition: date) -> str:
        """Which of the days: "Tuesday"; with the date where that is not clear."""
        if (self.last - edition) < timedelta(days=7):
            return _weekday(edition)
        return near_day(edition)

    def kicker(self, edition: date, *, lead: bool) -> str:
        """What stands above a card's title: nothing in the mail of one day."""
        if self.is_day:
            return ""
        day = self.day(edition)
        return _("Best of your week · %(day)s") % {"day": day} if lead and self.is_week else day


def numbers(known: Sequence[int | None]) -> str:
    """ "No. 12", "No. 6 to 12", or "" where none has a number."""
    found = sorted(number for number in known if number)
    if not found:
        return ""
    if len(found) == 1:
        return _("No. %(number)s") % {"number": found[0]}
    return _("No. %(first_number)s to %(last_number)s") % {
        "first_number": found[0],
        "last_number": found[-1],
    }


def note(text: str, *, day: str, first: bool) -> str:
    """An editor's words; `day` is "" where there is but one, and only the first says whose they are."""
    if not first:
        return _("%(day)s: %(text)s") % {"day": day, "text": text}
    if day:
        return _("From the editor, %(day)s: %(text)s") % {"day": day, "text": text}
    return _("From the editor: %(text)s") % {"text": text}


def how_often(editions: int, papers: int) -> str:
    """How often such a mail comes, or, of several editions, what it was made from."""
    if editions == 1:
        return _("You get this at most once a day.")
    said = ngettext(
        "The best of %(editions)s editions with %(papers)s paper.",
        "The best of %(editions)s editions with %(papers)s papers.",
        papers,
    )
    return said % {"editions": editions, "papers": grouped(papers)}


class Following:
    """How a mail says what its reader follows; each mix needs it, so its sentences are looked up once."""

    def __init__(self) -> None:
        self._everything = _("You follow the whole paper.")
        self._topics = _("You follow %(topics)s.")
        self._several = _("%(names)s and %(last_name)s")

    def sentence(self, names: Sequence[str]) -> str:
        """ "You follow A, B and C."."""
        if not names:
            return self._everything
        return self._topics % {"topics": self._listed(names)}

    def _listed(self, names: Sequence[str]) -> str:
        if len(names) == 1:
            return names[0]
        return self._several % {"names": ", ".join(names[:-1]), "last_name": names[-1]}


def clipped(text: str, longest: int) -> str:
    """One line of at most `longest` characters, cut at a word where it must be."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rsplit(" ", 1)[0] + "…"


def _weekday(day: date) -> str:
    return set_date(day, "l")


def _day_and_month(day: date) -> str:
    return set_date(day, pgettext("format of a day after “since”", "j F"))
