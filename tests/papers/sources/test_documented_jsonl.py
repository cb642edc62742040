"""The example and the table of docs/importing.md, held against what is read."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.conf import settings

from papers.importing import import_file, read_file
from papers.models import Paper
from papers.sources import jsonl
from papers.sources.record import PaperRecord, Reading

pytestmark = pytest.mark.django_db
READ_AT = datetime(2026, 11, 19, 18, tzinfo=UTC)


@pytest.fixture
def page() -> str:
    return (Path(settings.BASE_DIR) / "docs" / "importing.md").read_text(encoding="utf8")


@pytest.fixture
def example(page: str, tmp_path: Path) -> Path:
    """The page's example as a file, as a reader would copy it."""
    (found,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "our-list.jsonl"
    path.write_text(found, encoding="utf8")
    return path


def test_the_documented_example_is_read_as_it_says(example: Path) -> None:
    source, records = read_file(example)
    assert (source, list(records)) == (
        "jsonl",
        [
            PaperRecord(
                source="jsonl",
                title="Grafting Pear Twigs onto Quince: A Pilot Study",
                abstract="We grafted forty twigs. Thirty-one of them bore leaves in spring.",
                authors=("Ada Example", "Ben Sample"),
                author_count=2,
                categories=("q-bio.OT",),
                keywords=("grafting",),
                project_url="https://example.org/pears",
                listed_on=date(2026, 11, 19),
                read_at=READ_AT,
                reading=Reading(READ_AT, upvotes=12, num_comments=3),
            ),
            PaperRecord(source="jsonl", title="What the Quince Said"),
        ],
    )


def test_the_documented_example_imports_and_an_unchanged_file_changes_nothing(example: Path) -> None:
    now = datetime(2026, 11, 20, 8, tzinfo=UTC)
    reports = [import_file(example, now=now) for _ in range(2)]
    assert [(one.read, one.new, one.unchanged, one.rejects) for one in reports] == [
        (2, 2, 0, []),
        (2, 0, 2, []),
    ]
    rows = Paper.objects.order_by("title").values_list("title", "listed_on", "from_archive", "upvotes")
    assert list(rows) == [
        ("Grafting Pear Twigs onto Quince: A Pilot Study", date(2026, 11, 19), False, 12),
        ("What the Quince Said", date(2026, 11, 20), True, None),
    ]


def test_the_table_names_every_key_that_is_read_and_no_other(page: str) -> None:
    table = page[page.index("| key | also read as |") : page.index("Dates and times are ISO 8601")]
    named = {
        key
        for row in table.splitlines()[2:]
        for cell in row.split("|")[1:3]
        for key in re.findall(r"`(\w+)`", cell)
    }
    code = Path(jsonl.__file__).read_text(encoding="utf8")
    read = set(re.findall(r'value\.get\("(\w+)"\)', code)) | {"upvotes", "num_comments", "github_stars"}
    read |= {alias for aliases in jsonl._ALIASES.values() for alias in aliases}
    assert named == read
