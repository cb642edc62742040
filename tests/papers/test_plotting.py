"""The small plot of a paper's counts: what it draws, and what it leaves out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from papers.plotting import HEIGHT, MOST_POINTS, MOST_ROWS, plot_of

NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Read:
    observed_at: datetime | None
    upvotes: int | None = None
    num_comments: int | None = None
    github_stars: int | None = None
    source: str = "huggingface"


def hourly(*upvotes: int) -> list[Read]:
    return [Read(NOON + timedelta(hours=hour), count) for hour, count in enumerate(upvotes)]


def test_a_line_goes_from_corner_to_corner() -> None:
    plot = plot_of(hourly(0, 5, 10))
    assert plot is not None
    (line,) = plot.lines
    assert (line.name, line.first, line.last) == ("upvotes", 0, 10)
    assert line.path == "M4 56L150 30L296 4"
    assert line.dots == "M4 56h0M150 30h0M296 4h0"
    assert (plot.began, plot.ended, plot.days) == (NOON, NOON + timedelta(hours=2), "")


def test_lines_stand_on_zero_unless_they_would_be_flat() -> None:
    grown, hardly = plot_of(hourly(10, 20)), plot_of(hourly(1200, 1240))
    assert grown is not None and hardly is not None
    assert (grown.lines[0].path, hardly.lines[0].path) == ("M4 30L296 4", "M4 56L296 4")


def test_each_midnight_is_marked() -> None:
    plot = plot_of([Read(NOON, 1), Read(NOON + timedelta(days=2), 9)])
    assert plot is not None
    assert plot.days == f"M77 0V{HEIGHT}M223 0V{HEIGHT}"


def test_what_stood_still_or_has_no_time_is_not_drawn() -> None:
    assert plot_of([]) is None
    assert plot_of(hourly(7)) is None
    assert plot_of(hourly(7, 7, 7)) is None
    assert plot_of([Read(None, 1), Read(NOON, 5)]) is None


def test_of_two_sources_the_one_that_told_most_is_drawn() -> None:
    other = [Read(NOON + timedelta(minutes=30), 90, source="jsonl")]
    assert plot_of([*hourly(1, 2, 3), *other]) == plot_of(hourly(1, 2, 3))


def test_many_readings_are_thinned_and_keep_their_end() -> None:
    plot = plot_of(hourly(*range(1_000)))
    assert plot is not None
    (line,) = plot.lines
    assert line.path.count("L") <= MOST_POINTS and line.path.endswith("L296 4")
    assert line.dots == "M296 4h0"
    assert plot.days == ""  # forty-one of them would be a grey box


def test_the_table_has_a_row_for_each_change() -> None:
    plot = plot_of(
        [
            Read(NOON, 1, None, 5),
            Read(NOON + timedelta(hours=1), 1, 2, 5),
            Read(NOON + timedelta(hours=2), 1, 2, 5),
            Read(NOON + timedelta(hours=3), 4, 3, 5),
        ]
    )
    assert plot is not None
    assert plot.names == ["upvotes", "num_comments"]
    assert [((row.at - NOON) // timedelta(hours=1), *row.counts.values()) for row in plot.rows] == [
        (0, 1, None),
        (1, 1, 2),
        (3, 4, 3),
    ]


def test_a_long_table_has_the_last_of_each_day() -> None:
    plot = plot_of(hourly(*range(100)))
    assert plot is not None
    assert len(plot.rows) <= MOST_ROWS
    assert [row.at.isoformat() for row in plot.rows] == [
        "2026-11-19T23:00:00+00:00",
        "2026-11-20T23:00:00+00:00",
        "2026-11-21T23:00:00+00:00",
        "2026-11-22T23:00:00+00:00",
        "2026-11-23T15:00:00+00:00",
    ]
