"""Freezes one day's ranking: which papers an edition takes, in which order, and why."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from newsletter import releasing
from newsletter.delivery import brakes
from newsletter.marks import LOST_UNTIL
from newsletter.models import Edition, EditionPaper
from newsletter.telling import tell_admins
from papers.card import card_of
from papers.models import Mark, Paper, PaperTopic
from papers.observing import latest_counts
from papers.ranking.scoring import rank_scores
from papers.reading import readiness
from papers.reading.timetable import LISTS, freeze_moment
from papers.sources.names import name_of
from papers.trending import Score, as_json

TOP = 50
TOP_PER_TOPIC = 8
WAITING = (Edition.State.OPEN, Edition.State.HELD, Edition.State.MISSED)


class EditionError(Exception):
    """The edition cannot be built now; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Candidate:
    paper: Paper
    score: Score
    filings: Sequence[PaperTopic]


def open_next(*, now: datetime) -> None:
    """Make the row of the next edition to freeze, so that curators can write its note."""
    today = now.astimezone(UTC).date()
    day = today if now < freeze_moment(today) else today + timedelta(days=1)
    Edition.objects.get_or_create(date=day)


def build_when_ready(day: date, *, now: datetime) -> Edition | None:
    """Freeze the edition of `day` if its sources were read, or will not be; None while it waits or is held.

    A missed one stays missed: only a person builds it then. Where a source is stale or has failed,
    NEWSLETTER_STALE_SOURCES says whether the edition is frozen with that label, or held until a reading
    succeeds or somebody calls `build`.
    """
    freeze = freeze_moment(day)
    edition, _ = Edition.objects.get_or_create(date=day)
    if edition.state == Edition.State.HELD and edition.frozen_at is not None:
        return None
    if edition.state not in WAITING or edition.state == Edition.State.MISSED:
        return edition
    since = min(edition.awaited_from or now, now)  # the clock may have been ahead
    found = readiness.ready(freeze=freeze, since=since, now=now)
    waiting = Edition.objects.filter(pk=edition.pk, state__in=WAITING, frozen_at=None)
    if found.awaited:
        waiting.filter(awaited_from=None).update(awaited_from=now)
        return None
    if found.broken and settings.NEWSLETTER_STALE_SOURCES == "hold":
        because = "; ".join(f"{name_of(one.source)} {one.text}" for one in found.broken)
        states = [asdict(one) for one in found.states]
        newly = waiting.exclude(state=Edition.State.HELD).update(state=Edition.State.HELD)
        waiting.update(held_because=because, sources=states)
        if newly:
            tell_admins(
                f"The edition of {day} is held",
                f"{because}.\n\nThe edition is made as soon as its sources were read, or when you freeze it"
                f" in spite of them: {settings.SITE_URL}/admin/newsletter/edition/\n",
            )
        return None
    built = build(day, now=now)
    return None if built.state == Edition.State.HELD else built


def miss_between(since: date, today: date) -> None:
    """Record each day after `since` and before `today` that has no row as missed: it is said, never silent.

    Of a year at most: a clock may once have been far behind. Rows that are there already, and wait, are
    missed by `editorial.look_after`.
    """
    since = max(since, today - timedelta(days=366))
    days = [since + timedelta(days=n) for n in range(1, (today - since).days)]
    missed = [Edition(date=day, state=Edition.State.MISSED) for day in days]
    Edition.objects.bulk_create(missed, ignore_conflicts=True)


def wait_anew(day: date, *, now: datetime) -> None:
    """Count the time that the edition of `day` waits for its sources from now on, if it is waiting."""
    waiting = Edition.objects.filter(date=day, state__in=WAITING, awaited_from__lt=now)
    waiting.update(awaited_from=now)


def build(day: date, *, now: datetime) -> Edition:
    """Freeze the edition of `day` and return it; one that is frozen already is returned as it is.

    It asks no source and waits for none, but stores how they stood. Where an approval is asked, or something
    speaks against sending it, it is frozen and held, and not released.

    A past day is ranked by what was seen up to its own freeze moment, and its cards show the counts of then;
    today's by what is known now. Who is a candidate at all is as known now. Raises EditionError before the
    day's freeze moment.
    """
    frozen_from = freeze_moment(day)
    if now < frozen_from:
        raise EditionError(f"the edition of {day} freezes at {frozen_from:%Y-%m-%d %H:%M} UTC, not before")
    as_of = now if day == now.astimezone(UTC).date() else frozen_from
    Edition.objects.get_or_create(date=day)
    with transaction.atomic():
        # The row lock makes two builders one after the other; the second finds it frozen.
        edition = Edition.objects.select_for_update().get(date=day)
        # One that was missed after its freeze keeps its papers where somebody may have been sent them.
        if edition.state not in WAITING or edition.entries.exists():
            return edition
        ranked = rank(candidates(day), as_of=as_of)
        chosen = choose(ranked)
        EditionPaper.objects.bulk_create(_entries(edition, chosen, as_of))
        edition.candidate_count = len(ranked)
        edition.frozen_at = now
        edition.sources = _sources(frozen_from, now)
        _release_or_hold(edition, has_papers=bool(chosen))
        if chosen and edition.number is None:
            edition.number = Edition.objects.exclude(number=None).count() + 1
        edition.save()
    return edition


def _release_or_hold(edition: Edition, *, has_papers: bool) -> None:
    """Set the state of an edition that is frozen now, and tell the ADMINS where it waits for them."""
    complaints = brakes.complaints_before(edition.date)
    because = releasing.reason_to_hold(edition, complaints=complaints) if has_papers else None
    edition.paused_at, edition.paused_because = None, ""
    edition.held_because = because or ""
    if because is None:
        edition.state = Edition.State.FROZEN if has_papers else Edition.State.EMPTY
        edition.released_at = edition.frozen_at if has_papers else None
        return
    edition.state, edition.released_at = Edition.State.HELD, None
    until = releasing.deadline(edition)
    fate = "it is sent" if releasing.is_sent_unapproved(edition) else "it is not sent"
    tell_admins(
        f"The edition of {edition.date} waits for approval",
        f"{f'It is held: {because}' if because else 'It is frozen'}.\n\nLook at it, and approve it until"
        f" {until:%Y-%m-%d %H:%M} UTC; else {fate}."
        f" {settings.SITE_URL}/admin/newsletter/edition/{edition.pk}/change/\n",
    )


def _sources(freeze: datetime, now: datetime) -> list[dict[str, str]]:
    """How the sources were read before this edition; one that was never read says nothing of it."""
    states = readiness.ready(freeze=freeze, since=now, now=now).states
    return [asdict(state) for state in states if state.text != readiness.NEVER_READ or state.detail]


def candidates(day: date) -> QuerySet[Paper]:
    """Papers of the last three list days that no edition has, with some attention, from an archive or pinned.

    Papers that nobody counts votes for qualify where the whole window has none with attention, or where one
    of their topics says so. None that may have been in an edition which a restored backup has lost.
    """
    first = day - timedelta(days=LISTS)
    if lost := Mark.objects.filter(name=LOST_UNTIL).first():
        first = max(first, lost.at.astimezone(UTC).date())
    in_window = Paper.objects.filter(
        listed_on__gte=first,
        listed_on__lt=day,
        entry=None,
        hidden=False,
        withdrawn=False,
        needs_review=False,
    )
    noticed = Q(upvotes__gt=0) | Q(num_comments__gt=0) | Q(github_stars__gt=0)
    if in_window.filter(noticed).exists():
        accepted = PaperTopic.objects.filter(paper=OuterRef("pk"), topic__accepts_unvoted=True)
        unvoted = Exists(accepted.exclude(decision=PaperTopic.Decision.REMOVED))
        in_window = in_window.filter(noticed | Q(pinned=True) | Q(from_archive=True) | unvoted)
    filings = PaperTopic.objects.exclude(decision=PaperTopic.Decision.REMOVED).filter(topic__is_active=True)
    return in_window.prefetch_related(
        Prefetch("filings", filings.select_related("topic").order_by("-score", "topic__position")),
        "observations",
    )


def rank(papers: Iterable[Paper], *, as_of: datetime) -> list[Candidate]:
    """Score papers by what was seen of them up to `as_of`; pinned first, then the highest score."""
    rows = list(papers)
    scores = rank_scores(rows, as_of=as_of)
    found = [Candidate(row, score, list(row.filings.all())) for row, score in zip(rows, scores, strict=True)]
    # The title's hash settles ties, so that the order of imports cannot.
    return sorted(found, key=lambda c: (not c.paper.pinned, -c.score.value, c.paper.title_hash))


def choose(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Take the overall top and the top of each topic, in their order."""
    taken = {candidate.paper.pk for candidate in ranked[:TOP]}
    shelf_sizes: Counter[int] = Counter()
    for candidate in ranked:
        for filing in candidate.filings:
            shelf_sizes[filing.topic_id] += 1
            if shelf_sizes[filing.topic_id] <= TOP_PER_TOPIC:
                taken.add(candidate.paper.pk)
    return [candidate for candidate in ranked if candidate.paper.pk in taken]


def _entries(edition: Edition, chosen: Sequence[Candidate], as_of: datetime) -> list[EditionPaper]:
    counts = latest_counts([candidate.paper.pk for candidate in chosen], as_of=as_of)
    return [
        EditionPaper(
            edition=edition,
            paper=candidate.paper,
            rank=place,
            score=candidate.score.value,
            terms=as_json(candidate.score),
            matches=[
                {
                    "topic": filing.topic.slug,
                    "name": filing.topic.name,
                    "score": filing.score,
                    "evidence": filing.evidence,
                }
                for filing in candidate.filings
            ],
            card=card_of(candidate.paper, counts[candidate.paper.pk]),
        )
        for place, candidate in enumerate(chosen, start=1)
    ]
