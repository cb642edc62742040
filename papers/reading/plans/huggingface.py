"""Hugging Face Daily Papers: a list a day, read again while votes come in; papers that left their lists."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db.models import Max, QuerySet

from papers.models import Paper, SourceRun
from papers.reading import calendars, runs, singles
from papers.reading.targets import LEFT_OUT, Errand, Needed, Target
from papers.reading.timetable import LISTS, fresh_from, todays_freeze, window
from papers.reading.verdicts import ANSWERED, FRESH, STALE
from papers.sources import huggingface_api
from papers.sources.http import Client, FetchError
from papers.sources.record import Records, Reject

NAME = "huggingface"
CAUGHT_UP = timedelta(days=14)  # a list that was not read after its day is asked for until it is so old
SINGLES_LIMIT = 20  # papers asked for one by one


class HuggingFace:
    """A `Plan`."""

    def watched(self, *, now: datetime) -> list[Target]:
        today = now.astimezone(UTC).date()
        return _lists([*window(today), *([today] if calendars.has_list(today) else [])])

    def besides(self, *, now: datetime) -> list[Target]:
        left_out = [Target(NAME, LEFT_OUT)] if self._wants_left_out(now) else []
        return [*left_out, *_missed(now)]

    def needed(self, *, freeze: datetime) -> Needed:
        return Needed(_lists(window(freeze.date())), since=fresh_from(freeze))

    def of_day(self, day: date) -> list[Target]:
        return _lists([day])

    def why_none(self, day: date) -> str:
        return "" if calendars.has_list(day) else calendars.why_no_list(day)

    def records(self, errand: Errand, client: Client) -> Records:
        if errand.target.day is None:
            return _one_by_one(errand, client)
        return huggingface_api.fetch_day(client, settings.NEWSLETTER_HUGGINGFACE_URL, errand.target.day)

    def take_turn(self, wait: Callable[[float], None]) -> None:
        """It asks for no pause between requests."""

    def _wants_left_out(self, now: datetime) -> bool:
        """Once for each edition, however late the machine was switched on, and only after its lists were
        read."""
        freeze = todays_freeze(now)
        since = fresh_from(freeze)
        if now < since or runs.latest([Target(NAME, LEFT_OUT)], now=now, since=since, verdicts=FRESH):
            return False
        needed = self.needed(freeze=freeze)
        counting = runs.that_count(needed, now=now)
        lists = [counting.get(target) for target in needed.targets]
        # Of a stale list nothing is known that would be better in an hour.
        if any(runs.is_missing(run) and not (run and run.verdict == STALE) for run in lists):
            return False
        return _off_their_lists(now).exists()


def _lists(days: list[date]) -> list[Target]:
    return [Target(NAME, day.isoformat()) for day in days]


def _off_their_lists(now: datetime) -> QuerySet[Paper]:
    """Candidates of the coming edition that the last reading of their lists did not show any more."""
    freeze = todays_freeze(now)
    return singles.off_their_lists(window(freeze.date()), read_since=fresh_from(freeze))


def _missed(now: datetime) -> list[Target]:
    """Earlier lists that nobody read after their day was over, because nothing ran for longer than LISTS."""
    today = now.astimezone(UTC).date()
    days = [today - timedelta(days=ago) for ago in range(CAUGHT_UP.days, LISTS, -1)]
    days = [day for day in days if calendars.has_list(day)]
    answered = SourceRun.objects.filter(
        source=NAME,
        target__in=[day.isoformat() for day in days],
        verdict__in=ANSWERED,
        started_at__gte=now - CAUGHT_UP,
        started_at__lte=now,
    )
    last = dict(answered.order_by().values_list("target").annotate(Max("started_at")))
    return [
        target
        for target, day in zip(_lists(days), days, strict=True)
        if target.name not in last or last[target.name].astimezone(UTC).date() <= day
    ]


def _one_by_one(errand: Errand, client: Client) -> Records:
    """Papers that left their lists, those with the most votes first; one that is gone costs only itself."""
    ids = _off_their_lists(errand.begun).values_list("arxiv_id", flat=True)[:SINGLES_LIMIT]
    for arxiv_id in [one for one in ids if one]:
        try:
            yield huggingface_api.fetch_paper(client, settings.NEWSLETTER_HUGGINGFACE_URL, arxiv_id)
        except FetchError as error:
            if error.status != 404:
                raise
            yield Reject(arxiv_id, "Hugging Face has no such paper any more")
