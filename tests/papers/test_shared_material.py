"""The recorded material beside the checkout, where it is at hand: the counts that it must give."""

import gzip
import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from papers.importing import import_file, read_file
from papers.models import Observation, Paper
from papers.sources.record import PaperRecord, Reject
from tests.papers import canonical

SHARED = Path(__file__).resolve().parents[3] / "shared"
SEEDS = sorted((SHARED / "seeds").glob("*.txt"))
SAMPLE = SHARED / "data" / "hf_daily_papers_sample.jsonl.gz"
FEEDS = SHARED / "data" / "arxiv_fixtures"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

pytestmark = [
    pytest.mark.skipif(not SAMPLE.exists(), reason="../shared is not at hand"),
    pytest.mark.django_db,
]


def counts(path: Path) -> tuple[int, ...]:
    report = import_file(path, now=NOW)
    return report.read, report.new, report.updated, report.unchanged, report.rejected


def test_the_seeds_are_439_cards_of_406_papers() -> None:
    reports = [import_file(path, now=NOW) for path in SEEDS]
    assert [report.read for report in reports] == [39, 45, 56, 260, 39]
    assert sum(report.rejected for report in reports) == 0
    assert sum(report.new for report in reports) == Paper.objects.count() == 406
    assert set(Paper.objects.values_list("from_archive", "listed_on")) == {(True, NOW.date())}


def test_the_seeds_in_any_order_give_one_database() -> None:
    for path in SEEDS:
        import_file(path, now=NOW)
    expected = canonical.database()
    Paper.objects.all().delete()
    for path in [*reversed(SEEDS), SEEDS[2]]:
        import_file(path, now=NOW)
    assert canonical.database() == expected


def test_the_sample_is_1355_items_of_825_papers_and_nothing_is_new_the_second_time() -> None:
    assert counts(SAMPLE) == (1355, 825, 530, 0, 0)
    assert Paper.objects.count() == 825
    assert Observation.objects.count() == 1355
    assert counts(SAMPLE) == (1355, 0, 0, 1355, 0)
    assert not Paper.objects.filter(listed_on=None).exists()
    assert Paper.objects.filter(from_archive=True).count() == 0


def test_seeds_and_sample_in_either_order_give_one_database() -> None:
    files = [*SEEDS, SAMPLE, *sorted(FEEDS.glob("*.xml"))]
    for path in files:
        import_file(path, now=NOW)
    expected = canonical.database()
    Paper.objects.all().delete()
    for path in reversed(files):
        import_file(path, now=NOW)
    assert canonical.database() == expected


@pytest.mark.parametrize(
    ("name", "read", "rejected"),
    [
        ("api_query_100_entries.xml", 100, 0),
        ("api_single_entry.xml", 1, 0),
        ("api_id_list_one_unknown_one_known.xml", 1, 0),
        ("api_id_unknown_empty.xml", 0, 0),
        ("api_id_malformed_error.xml", 1, 1),
        ("rss_atom_cs.AI_2025-08-20.xml", 86, 0),
    ],
)
def test_the_feeds_give_their_entries(name: str, read: int, rejected: int) -> None:
    report = import_file(FEEDS / name, now=NOW)
    assert (report.read, report.new, report.rejected) == (read, read - rejected, rejected)


def test_cross_lists_keep_all_their_categories() -> None:
    _, records = read_file(FEEDS / "rss_atom_cs.AI_2025-08-20.xml")
    kept = [record for record in records if isinstance(record, PaperRecord)]
    assert sum(1 for record in kept if record.categories and record.categories[0] != "cs.AI") >= 40
    assert all(record.categories and "cs.AI" in record.categories for record in kept)
    assert {record.listed_on.isoformat() for record in kept if record.listed_on} == {"2025-08-20"}


def spoil(item: dict[str, Any], how: int) -> None:
    paper = item["paper"]
    if how == 0:
        del paper["id"]
    elif how == 1:
        del paper["title"], item["title"]
    elif how == 2:
        paper["upvotes"] = "many"
    elif how == 3:
        paper["authors"] = {"name": 1}
    elif how == 4:
        item["paper"] = None
    elif how == 5:
        paper["publishedAt"] = [2026]
    else:
        paper["title"] = 7


def test_a_spoilt_copy_rejects_exactly_its_spoilt_records(tmp_path: Path) -> None:
    chance = random.Random(7)
    spoilt: list[str] = []
    lines = []
    with gzip.open(SAMPLE, "rt") as file:
        for number, line in enumerate(file, start=1):
            answer = json.loads(line)
            for position, item in enumerate(answer["items"], start=1):
                if chance.random() < 0.1:
                    spoil(item, len(spoilt) % 7)
                    spoilt.append(f"line {number}, item {position}")
            lines.append(json.dumps(answer))
    copy = tmp_path / "spoilt.jsonl"
    copy.write_text("\n".join(lines))
    kinds = Counter[type]()
    rejected = []
    for record in read_file(copy)[1]:
        kinds[type(record)] += 1
        if isinstance(record, Reject):
            rejected.append(record.position)
    assert rejected == spoilt
    assert kinds == {PaperRecord: 1355 - len(spoilt), Reject: len(spoilt)}


def test_a_cut_answer_rejects_only_the_item_that_was_cut(tmp_path: Path) -> None:
    body = (SHARED / "data" / "hf_api_response_2026-05-20.json").read_bytes()
    titles = [item["paper"]["id"] for item in json.loads(body)]
    chance = random.Random(11)
    for _ in range(40):
        cut = body[: chance.randrange(2_000, len(body) - 3)]
        path = tmp_path / "cut.json"
        path.write_bytes(cut.decode(errors="ignore").encode())
        *whole, last = list(read_file(path)[1])
        ids = [record.arxiv_id for record in whole if isinstance(record, PaperRecord)]
        assert ids == titles[: len(whole)]
        assert isinstance(last, Reject)
        assert "breaks off" in last.reason
