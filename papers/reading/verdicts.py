"""How a finished reading of a source is judged against its calendar, in one word and one sentence. Pure."""

from dataclasses import dataclass
from datetime import date, datetime

from papers.reading import calendars

OK, QUIET, STALE, PARTIAL, FAILED = "ok", "quiet", "stale", "partial", "failed"
ANSWERED = (OK, QUIET, PARTIAL, STALE)
FRESH = (OK, QUIET, PARTIAL)
SHRUNK = 6  # a list that once had so many papers and has fewer than half of them came in part
USUAL_FEED = 10  # a category that announced so many lately does not announce nothing at all


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one reading brought. `error` is the sentence of whatever ended it, "" where nothing did."""

    source: str
    now: datetime
    read: int = 0
    rejected: int = 0
    ignored: int = 0  # of those read: new versions of papers that nobody knows here
    error: str = ""
    first_reject: str = ""
    list_day: date | None = None  # Hugging Face: the day that was asked for
    feed_date: date | None = None  # arXiv: the date that the announcement feed bears
    is_feed: bool = False  # arXiv: an announcement feed, not an answer of the API
    list_of: date | None = None  # another day, to whose list the papers belong
    is_singles: bool = False  # papers asked for by their ids
    is_early: bool = False  # Hugging Face takes the day for one to come
    most_before: int = 0  # the most records that earlier readings of this target brought


@dataclass(frozen=True, slots=True)
class Verdict:
    """`again`: asking once more in a few minutes may bring what is missing."""

    word: str
    sentence: str
    again: bool = False


def judge(outcome: Outcome) -> Verdict:
    """The verdict on a reading; of several faults the worst is told."""
    if outcome.is_early and not outcome.read:
        return Verdict(QUIET, "the day has not begun yet", again=True)
    if outcome.error and not outcome.read:
        return Verdict(FAILED, outcome.error, again=True)
    if outcome.read and outcome.rejected == outcome.read and not outcome.is_singles:
        said = f"none of {outcome.read:,} records could be read: {outcome.first_reject}"
        return Verdict(FAILED, said, again=True)
    if outcome.error:
        said = f"it broke off after {_records(outcome.read)}: {outcome.error}"
        return Verdict(PARTIAL, said, again=True)
    stale = _feed_staleness(outcome) if outcome.is_feed else _list_staleness(outcome)
    if stale:
        # A list that had papers before, or another day's, is a fault that may pass soon.
        return Verdict(
            STALE, stale, again=bool(outcome.list_day and (outcome.list_of or outcome.most_before))
        )
    if not outcome.read:
        return Verdict(QUIET, _why_quiet(outcome))
    if outcome.rejected:
        said = f"{outcome.rejected:,} of {_records(outcome.read)} could not be read: {outcome.first_reject}"
        return Verdict(PARTIAL, said)
    if outcome.list_day and outcome.most_before >= SHRUNK and outcome.read * 2 < outcome.most_before:
        said = f"only {_records(outcome.read)} came, where there were {outcome.most_before:,} before"
        return Verdict(PARTIAL, said, again=True)
    return Verdict(OK, _records(outcome.read) + _ignored(outcome.ignored))


def _list_staleness(outcome: Outcome) -> str:
    day = outcome.list_day
    if day is None:
        return ""
    if outcome.list_of:
        asked = f"the list of {calendars.in_words(day)} was asked for"
        return f"{asked}, but it is the list of {calendars.in_words(outcome.list_of)}"
    empty = f"the list of {calendars.in_words(day)} is empty"
    if not outcome.read and outcome.most_before:
        return f"{empty}, where there were {outcome.most_before:,} before"
    if not outcome.read and calendars.list_should_have_begun(day, now=outcome.now):
        return f"{empty}, though weekdays have one"
    return ""


def _feed_staleness(outcome: Outcome) -> str:
    due = calendars.latest_feed(outcome.now, grace=calendars.FEED_GRACE)
    if outcome.feed_date is None:
        return "" if outcome.read else "the feed is empty and bears no date"
    if outcome.feed_date < due:
        dated = calendars.in_words(outcome.feed_date)
        return f"the feed is dated {dated}, though that of {calendars.in_words(due)} is due"
    if outcome.feed_date > outcome.now.astimezone(calendars.EASTERN).date():
        return f"the feed is dated {calendars.in_words(outcome.feed_date)}, which is still to come"
    if outcome.read and outcome.feed_date > calendars.latest_possible_feed(outcome.now):
        return f"the feed is dated {calendars.in_words(outcome.feed_date)}, when arXiv announces nothing"
    fresh = outcome.feed_date >= calendars.latest_feed(outcome.now)
    is_announced = calendars.has_feed(outcome.feed_date)
    if not outcome.read and fresh and is_announced and outcome.most_before >= USUAL_FEED:
        return f"the feed of {calendars.in_words(outcome.feed_date)} is empty, though arXiv announces then"
    return ""


def _why_quiet(outcome: Outcome) -> str:
    if outcome.list_day and not calendars.has_list(outcome.list_day):
        return calendars.why_no_list(outcome.list_day)
    if outcome.list_day:
        return "nothing is listed yet"
    if outcome.feed_date and not calendars.has_feed(outcome.feed_date):
        return f"{outcome.feed_date:%A}: arXiv announces nothing for this day"
    return "nothing was announced in this category" if outcome.is_feed else "there was nothing to read"


def _ignored(number: int) -> str:
    if not number:
        return ""
    what = "a new version of a paper" if number == 1 else "new versions of papers"
    return f", {number:,} of them {what} not known here and left out"


def _records(number: int) -> str:
    return f"{number:,} record{'' if number == 1 else 's'}"
