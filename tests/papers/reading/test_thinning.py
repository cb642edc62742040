"""Old observations are thinned by rule: what must stay stays, and a second time changes nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.models import Mark, Observation
from papers.observing import latest_counts
from papers.reading import thinning
from papers.reading.thinning import Kept, surplus
from tests.factories import make_paper

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
TODAY = NOW.date()


def days_ago(days: int, hour: int = 0, minute: int = 0) -> datetime:
    midnight = NOW.replace(hour=0, minute=0)
    return midnight - timedelta(days=days) + timedelta(hours=hour, minutes=minute)


moments = st.integers(0, 400 * 24 * 4).map(lambda quarter: NOW - timedelta(minutes=15 * quarter))
tells = st.tuples(st.booleans(), st.booleans(), st.booleans())
histories = st.lists(st.tuples(moments, tells), max_size=60, unique_by=lambda reading: reading[0]).map(
    lambda found: [Kept(number, moment, told) for number, (moment, told) in enumerate(found)]
)


@settings(max_examples=200, deadline=None)
@given(histories)
def test_what_must_stay_stays(history: list[Kept]) -> None:
    gone = set(surplus(history, now=NOW))
    left = [reading for reading in history if reading.pk not in gone]
    assert surplus(left, now=NOW) == []
    assert max((one.observed_at for one in left), default=None) == max(
        (one.observed_at for one in history), default=None
    )
    for count in range(3):
        latest = [
            max((one.observed_at for one in some if one.tells[count]), default=None)
            for some in (left, history)
        ]
        assert latest[0] == latest[1]
    assert {one.observed_at.date() for one in left} == {one.observed_at.date() for one in history}
    assert all((TODAY - one.observed_at.date()).days >= 7 for one in history if one.pk in gone)


@settings(max_examples=100, deadline=None)
@given(histories, st.integers(1, 200))
def test_thinning_every_now_and_then_ends_like_thinning_late(history: list[Kept], days: int) -> None:
    later = NOW + timedelta(days=days)
    first = set(surplus(history, now=NOW))
    left = [reading for reading in history if reading.pk not in first]
    assert first | set(surplus(left, now=later)) == first | set(surplus(history, now=later))


pytestmark = pytest.mark.django_db


def seen(moment: datetime | None, upvotes: int | None = 1, **fields: object) -> Observation:
    values = {"source": "huggingface", "identity": "arxiv:1", "observed_at": moment, "upvotes": upvotes}
    return Observation.objects.create(**{**values, **fields})


def test_hours_become_quarters_of_a_day_and_later_days() -> None:
    paper = make_paper()
    for days in (6, 7, 89, 90):
        for hour in (1, 4, 13, 14, 23):
            seen(days_ago(days, hour), hour, paper=paper)
    seen(None, 3, paper=paper)
    before = latest_counts([paper.pk])
    assert thinning.thin([paper.pk], now=NOW) == 2 + 2 + 4
    assert [
        ((TODAY - moment.date()).days, moment.hour)
        for moment in Observation.objects.exclude(observed_at=None)
        .order_by("-observed_at__date", "observed_at")
        .values_list("observed_at", flat=True)
    ] == [
        (6, 1),
        (6, 4),
        (6, 13),
        (6, 14),
        (6, 23),
        (7, 4),
        (7, 14),
        (7, 23),
        (89, 4),
        (89, 14),
        (89, 23),
        (90, 23),
    ]
    assert Observation.objects.filter(observed_at=None).count() == 1
    assert latest_counts([paper.pk]) == before
    assert thinning.thin([paper.pk], now=NOW) == 0


def test_each_source_is_thinned_by_itself() -> None:
    paper = make_paper()
    seen(days_ago(30, 1), paper=paper)
    seen(days_ago(30, 2), paper=paper, source="jsonl")
    assert thinning.thin([paper.pk], now=NOW) == 0


def test_the_tick_thins_once_a_day_a_few_papers_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinning, "PAPERS_A_STEP", 2)
    papers = [make_paper() for _ in range(3)]
    for paper in papers:
        for minute in range(3):
            seen(days_ago(30, 1, minute), paper=paper)
    steps = [thinning.go_on(now=NOW + timedelta(minutes=n)) for n in range(5)]
    assert (steps, Observation.objects.count()) == ([4, 2, 0, 0, 0], 3)
    done = Mark.objects.get()
    assert (done.at, done.position) == (NOW + timedelta(minutes=2), 0)
    seen(days_ago(30, 1, 5), paper=papers[0])
    assert thinning.go_on(now=NOW + timedelta(hours=23)) == 0
    assert thinning.go_on(now=NOW + timedelta(hours=25)) == 1
