"""The evaluation of the ranking: measures by hand, who is a candidate when, and what the command prints."""

import gzip
import json
import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from papers.models import Observation
from papers.ranking.evaluation import RANKINGS, Candidate, Report, evaluate
from papers.ranking.histories import Gathering, History
from papers.ranking.measures import comparable_pairs, ndcg, ordered_share
from papers.trending import Seen, trending_score
from tests.factories import make_paper

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "hf_observations.jsonl.gz"
MONDAY = date(2026, 5, 18)
BEGAN = datetime(2026, 5, 18, tzinfo=UTC)


def log2(place: int) -> float:
    return math.log2(place + 1)


def row(
    paper: str, day: int, hour: float, upvotes: int, observer: str = "B", **fields: Any
) -> dict[str, Any]:
    """A row of a paper on the list of Monday + `day`, read `hour` hours after that day began."""
    return {
        "paper_id": paper,
        "list_date": str(MONDAY + timedelta(days=day)),
        "observed_at": (BEGAN + timedelta(days=day, hours=hour)).isoformat(),
        "observer": observer,
        "upvotes": upvotes,
        **fields,
    }


def histories_of(*rows: dict[str, Any]) -> list[History]:
    gathering = Gathering()
    for number, one in enumerate(rows):
        gathering.take(json.dumps(one).encode(), f"row {number}")
    assert gathering.rejects == []
    return gathering.histories()


# Monday's paper had 10 votes after 10 h and 24 after a day, and ended with 30; Tuesday's had 20 after 10 h
# and ended with 60. A third one was never seen by the week's list.
WEEK = [
    row("mon", 0, 10, 10),
    row("mon", 0, 24, 24, "F"),
    row("mon", 0, 160, 30, "W"),
    row("tue", 1, 10, 20),
    row("tue", 1, 136, 60, "W"),
    row("tue", 1, 600, 50, "M"),
    row("lost", 1, 10, 500),
]


def figures(report: Report) -> dict[str, tuple[Any, Any]]:
    return {name: (quality.ndcg, quality.ordered) for name, quality in report.qualities.items()}


def test_ndcg_by_hand() -> None:
    ideal = 30 / log2(1) + 20 / log2(2) + 10 / log2(3)
    assert ndcg([3, 2, 1], [30, 20, 10]) == 1
    assert ndcg([1, 2, 3], [30, 20, 10]) == pytest.approx(
        (10 / log2(1) + 20 / log2(2) + 30 / log2(3)) / ideal
    )
    assert ndcg([1, 2, 3], [30, 20, 10], places=1) == pytest.approx(10 / 30)


def test_papers_with_equal_scores_share_their_places() -> None:
    expected = (20 / log2(1) + 20 / log2(2)) / (30 / log2(1) + 10 / log2(2))
    assert ndcg([1, 1], [30, 10]) == ndcg([1, 1], [10, 30]) == pytest.approx(expected)


def test_an_order_of_papers_without_votes_cannot_be_judged() -> None:
    assert ndcg([1, 2], [0, 0]) is None and ndcg([], []) is None


def test_pairs_are_of_different_days_and_different_outcomes() -> None:
    assert comparable_pairs([5, 9, 9, 1], ["mon", "mon", "tue", "tue"]) == [(2, 0), (0, 3), (1, 3)]


def test_a_tie_is_half_right() -> None:
    assert ordered_share([1.0, 2.0, 2.0], [(0, 1), (1, 2), (2, 0)]) == pytest.approx((0 + 0.5 + 1) / 3)
    assert ordered_share([1.0], []) is None


def test_a_tiny_week_by_hand() -> None:
    noon, freeze = evaluate(histories_of(*WEEK))
    assert (noon.moment, noon.days, noon.pair_days, noon.candidates, noon.pairs) == ("noon", 2, 1, 3, 1)
    # Monday noon: one paper. Tuesday noon: Monday's at 24 votes, Tuesday's at 20, which ends higher.
    wrong = (30 / log2(1) + 60 / log2(2)) / (60 / log2(1) + 30 / log2(2))
    assert figures(noon) == {
        "ours": (1, 1),
        "upvotes": (pytest.approx((1 + wrong) / 2), 0),
        "votes_per_hour": (1, 1),  # 24 / 24 and 20 / 10
        "gravity": (1, 1),  # 24 / 38 ** 1.8 and 20 / 14 ** 1.8
    }
    # The editions of Tuesday (Monday's paper), of Wednesday and Thursday (both), of Friday (Tuesday's).
    assert (freeze.days, freeze.pair_days, freeze.candidates, freeze.pairs) == (4, 2, 6, 2)
    assert figures(freeze)["upvotes"] == (pytest.approx((1 + wrong + wrong + 1) / 4), 0)
    assert figures(freeze)["ours"] == (1, 1)


def test_only_what_was_read_before_the_moment_is_known() -> None:
    late = [
        row("mon", 0, 12, 10),
        row("mon", 0, 160, 30, "W"),
        row("tue", 1, 0.5, 3),
        row("tue", 1, 90, 9, "W"),
    ]
    noon, freeze = evaluate(histories_of(*late))
    assert (noon.days, noon.candidates) == (1, 2)  # on Monday the paper is read at noon, not before
    assert (freeze.days, freeze.candidates) == (4, 6)


def test_papers_of_three_list_days_are_ranked_together_across_a_weekend() -> None:
    days = (0, 3, 4, 7)
    rows = [
        one for day in days for one in (row(f"p{day}", day, 8, 5), row(f"p{day}", day, 100, 9 + day, "W"))
    ]
    noon, freeze = evaluate(histories_of(*rows))
    assert (noon.days, noon.candidates) == (4, 1 + 2 + 3 + 3)
    # Editions: Tue to Thu have Monday's list, Fri Thursday's, Sat and Sun both, Mon Friday's, then Monday's.
    assert (freeze.days, freeze.candidates) == (10, 3 + 1 + 2 + 2 + 1 + 3)


def test_the_score_is_the_products_own() -> None:
    seen = Seen(BEGAN + timedelta(hours=10), 61, 4, 1200)
    (history,) = histories_of(row("p", 0, 10, 61, num_comments=4, github_stars=1200))
    assert history.readings == (seen,)
    now = BEGAN + timedelta(hours=12)
    alone = trending_score([seen], listed_on=MONDAY, published_on=None, from_archive=False, boost=0, now=now)
    assert RANKINGS["ours"](Candidate(MONDAY, history.readings, 0), now) == alone.value > 0


def test_a_list_read_without_a_paper_says_when_it_came() -> None:
    (_, late) = histories_of(row("early", 0, 4, 1, "A"), row("late", 0, 10, 20), row("late", 0, 24, 30, "F"))
    assert late.absent_at == BEGAN + timedelta(hours=4)
    now = BEGAN + timedelta(hours=12)
    knowing, ignorant = (
        RANKINGS["ours"](Candidate(MONDAY, late.readings[:1], 0, absent_at), now)
        for absent_at in (late.absent_at, None)
    )
    assert knowing > ignorant


GOOD = json.dumps(row("p", 0, 10, 1))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "it is not valid JSON (expecting property name enclosed in double quotes at character 2)"),
        (b"[1]", "it is a list, not an object"),
        (b"\xff{}", "it is not UTF-8 text"),
        (b"{}", "list_date is missing"),
        (GOOD.replace('"B"', '"X"').encode(), "observer is 'X', not one of A B C F W M"),
        (GOOD.replace('"upvotes": 1', '"upvotes": -1').encode(), "upvotes is -1: no possible count"),
        (GOOD.replace('"upvotes": 1', '"upvotes": "1"').encode(), "upvotes is text, not a whole number"),
        (GOOD.replace('"upvotes": 1', '"upvotes": NaN').encode(), "upvotes is a number, not a whole number"),
        (GOOD.replace("2026-05-18T", "soon").encode(), "observed_at is 'soon10:00:00+00:00', not a time"),
        (GOOD.replace('"p"', '" "').encode(), "paper_id is blank"),
        (b'{"a": ' + b"[" * 100_000, "it is nested too deeply"),
        (b'{"a": "' + b"x" * 1_000_000 + b'"}', "it has more than 1,000,000 bytes"),
    ],
)
def test_a_bad_row_costs_only_itself(line: bytes, reason: str) -> None:
    gathering = Gathering()
    gathering.take(line, "line 1")
    gathering.take(GOOD.encode(), "line 2")
    assert [(reject.position, reject.reason) for reject in gathering.rejects] == [("line 1", reason)]
    assert [history.paper for history in gathering.histories()] == ["p"]


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_bytes(lines(rows))
    return path


def lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)


def run(*arguments: object) -> tuple[str, str]:
    """(standard output, standard error) of the command."""
    out, err = StringIO(), StringIO()
    call_command("evaluate_ranking", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_prints_a_table(tmp_path: Path) -> None:
    out, err = run(written(tmp_path / "week.jsonl", *WEEK))
    assert err == ""
    assert out.splitlines()[:8] == [
        "papers: 3; with a known outcome: 2",
        "",
        "At noon of every list day, the papers of the last three list days:",
        "days: 2; candidates: 3; pairs from different list days: 1, on days: 1",
        "                 NDCG@10   pairs",
        "our score          1.000   1.000",
        "raw upvotes        0.930   0.000",
        "votes per hour     1.000   1.000",
    ]


def test_the_command_gives_json_for_machines(tmp_path: Path) -> None:
    packed = tmp_path / "week.jsonl.gz"
    packed.write_bytes(
        gzip.compress(b"".join(json.dumps(one).encode() + b"\n" for one in WEEK) + b"broken\n")
    )
    out, err = run("--json", packed)
    found = json.loads(out)
    freeze = found["moments"].pop("freeze")
    assert found == {
        "papers": 3,
        "papers_with_outcome": 2,
        "rows": 8,
        "bad_rows": 1,
        "broken_files": [],
        "moments": {
            "noon": {
                "days": 2,
                "pair_days": 1,
                "candidates": 3,
                "pairs": 1,
                "rankings": {
                    "ours": {"ndcg_at_10": 1.0, "ordered_pairs": 1.0},
                    "upvotes": {"ndcg_at_10": pytest.approx(0.930, abs=0.0005), "ordered_pairs": 0.0},
                    "votes_per_hour": {"ndcg_at_10": 1.0, "ordered_pairs": 1.0},
                    "gravity": {"ndcg_at_10": 1.0, "ordered_pairs": 1.0},
                },
            }
        },
    }
    assert freeze.keys() == {"days", "pair_days", "candidates", "pairs", "rankings"}
    assert err == "week.jsonl.gz, line 8: it is not valid JSON (expecting value at character 1) [broken]\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_that_breaks_off_counts_up_to_there_and_the_status_says_so(
    tmp_path: Path, as_json: bool
) -> None:
    cut, out, err = tmp_path / "cut.gz", StringIO(), StringIO()
    cut.write_bytes(gzip.compress(lines(WEEK))[:-8])
    with pytest.raises(CommandError) as refused:
        call_command("evaluate_ranking", str(cut), json=as_json, stdout=out, stderr=err)
    assert str(refused.value) == f"Not read to the end: {cut}. What came before was judged."
    assert err.getvalue() == f"{cut}: the gzip data breaks off or is damaged\n"
    if as_json:
        found = json.loads(out.getvalue())
        assert (found["papers"], found["bad_rows"], found["broken_files"]) == (3, 0, [str(cut)])
    else:
        assert out.getvalue().startswith("papers: 3; with a known outcome: 2\n")


@pytest.mark.parametrize("as_json", [False, True])
def test_where_nothing_can_be_judged_the_report_is_printed_first(tmp_path: Path, as_json: bool) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="No day could be judged"):
        early = written(tmp_path / "early.jsonl", row("p", 0, 10, 1))
        call_command("evaluate_ranking", str(early), json=as_json, stdout=out)
    assert out.getvalue().startswith('{\n  "papers": 1' if as_json else "papers: 1; ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Name files with vote histories, or --database, not both."),
        (["--database", "x"], "Name files with vote histories, or --database, not both."),
        (["/nowhere/at/all"], "There is nothing to judge: no file has a row that can be read."),
    ],
)
def test_a_call_that_cannot_work_is_refused_in_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    assert str(refused.value) == sentence


def test_without_outcomes_nothing_can_be_judged_and_the_status_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No day could be judged"):
        run(written(tmp_path / "early.jsonl", row("p", 0, 10, 1)))


@pytest.mark.django_db
def test_an_installation_is_judged_on_its_own_observations() -> None:
    for title, day, votes, final in (
        ("Monday", 0, 24, 30),
        ("Tuesday", 1, 20, 60),
        ("Unsettled", 1, 99, None),
    ):
        paper = make_paper(title=title, listed_on=MONDAY + timedelta(days=day))
        seen = [(34 - 24 * day, votes), *([] if final is None else [(80, final)])]
        for hours, upvotes in seen:
            moment = BEGAN + timedelta(days=day, hours=hours)
            Observation.objects.create(paper=paper, source="huggingface", observed_at=moment, upvotes=upvotes)
    archived = make_paper(title="Archived", from_archive=True, listed_on=MONDAY)
    Observation.objects.create(paper=archived, source="jsonl", observed_at=BEGAN, upvotes=7)
    out, _ = run("--database", "--json")
    found = json.loads(out)
    assert (found["papers"], found["papers_with_outcome"]) == (3, 2)
    noon = found["moments"]["noon"]
    assert (noon["days"], noon["candidates"], noon["pairs"]) == (1, 2, 1)
    assert (noon["rankings"]["ours"]["ordered_pairs"], noon["rankings"]["upvotes"]["ordered_pairs"]) == (1, 0)


@pytest.mark.skipif(not SHARED.exists(), reason="../shared is not at hand")
def test_on_the_shared_histories_our_score_beats_every_baseline_at_both_moments() -> None:
    out, err = run("--json", SHARED)
    assert err == ""
    moments = json.loads(out)["moments"]
    assert {name: (found["days"], found["candidates"]) for name, found in moments.items()} == {
        "noon": (74, 3787),
        "freeze": (104, 4241),
    }
    for found in moments.values():
        ours = found["rankings"].pop("ours")
        for baseline in found["rankings"].values():
            assert ours["ndcg_at_10"] > baseline["ndcg_at_10"]
            assert ours["ordered_pairs"] > baseline["ordered_pairs"]
    # As high as the docs say; the baselines are those of the issue, on easier days.
    assert moments["noon"]["rankings"]["upvotes"]["ndcg_at_10"] == pytest.approx(0.925, abs=0.0005)
