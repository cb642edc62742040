"""Days, weeks and months: where they begin and end, what they are called, which follows which."""

from datetime import date, timedelta

import pytest

from newsletter.spans import Day, Month, Span, Week

KINDS: list[type[Span]] = [Day, Week, Month]


@pytest.mark.parametrize(
    ("kind", "day", "slug", "first", "last"),
    [
        (Day, date(2026, 11, 20), "2026-11-20", date(2026, 11, 20), date(2026, 11, 20)),
        (Week, date(2026, 11, 20), "2026-W47", date(2026, 11, 16), date(2026, 11, 22)),
        # The year of a week is that of its Thursday.
        (Week, date(2027, 1, 3), "2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        (Week, date(2024, 12, 31), "2025-W01", date(2024, 12, 30), date(2025, 1, 5)),
        (Month, date(2026, 11, 20), "2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        (Month, date(2024, 2, 1), "2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        (Month, date(999, 12, 31), "0999-12", date(999, 12, 1), date(999, 12, 31)),
    ],
)
def test_a_span_knows_its_days_and_its_name(
    kind: type[Span], day: date, slug: str, first: date, last: date
) -> None:
    span = kind.of(day)
    assert (span.slug, span.first, span.last) == (slug, first, last)
    assert kind.parse(slug) == span
    assert day in span and last + timedelta(days=1) not in span


@pytest.mark.parametrize("kind", KINDS)
def test_spans_follow_each_other_without_a_gap_for_centuries(kind: type[Span]) -> None:
    span: Span | None = kind.of(date(1999, 12, 31))
    while span is not None and span.last < date(2101, 1, 1):
        following = span.next
        assert following is not None and following.previous == span
        assert following.first == span.last + timedelta(days=1)
        assert kind.parse(following.slug) == following and following > span
        span = following


@pytest.mark.parametrize(
    ("kind", "slug"),
    [
        (Day, "2026-02-30"),
        (Day, "2026-1-1"),
        (Day, "20261120"),
        (Day, "2026-11-20\n"),
        (Day, "٢٠٢٦-١١-٢٠"),
        (Week, "2026-W54"),
        (Week, "2025-W53"),
        (Week, "2026-W00"),
        (Week, "2026-w47"),
        (Week, "2026-W7"),
        (Week, "0000-W01"),
        (Week, "9999-W53"),
        (Month, "2026-00"),
        (Month, "2026-13"),
        (Month, "2026-1"),
        (Month, "0000-01"),
    ],
)
def test_what_is_not_in_the_calendar_is_no_span(kind: type[Span], slug: str) -> None:
    with pytest.raises(ValueError):
        kind.parse(slug)


def test_the_calendar_has_two_ends() -> None:
    first_week = Week.of(date.min)
    last_week = Week.of(date(9999, 12, 26))
    assert (first_week.previous, last_week.next) == (None, None)
    assert (Month.of(date.min).previous, Month.of(date.max).next) == (None, None)
    assert (Day.of(date.min).previous, Day.of(date.max).next) == (None, None)
