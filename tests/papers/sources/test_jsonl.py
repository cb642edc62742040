from datetime import UTC, date, datetime
from typing import Any

import pytest

from papers.sources import jsonl
from papers.sources.record import PaperRecord, Reading
from papers.sources.values import FieldError

AT = datetime(2026, 5, 20, 4, tzinfo=UTC)


def test_a_title_is_enough() -> None:
    line = {"title": " A\n Title ", "unknown": 1}
    assert jsonl.parse_paper(line, "line 1") == PaperRecord("jsonl", "A Title")


def test_every_key_finds_its_place() -> None:
    line = {
        "title": "A Title",
        "arxiv_id": "https://arxiv.org/abs/2605.00001v2",
        "abstract": "About it.",
        "authors": ["Ada Example", "Bob Example"],
        "organization": {"slug": "ex", "name": "Example Lab"},
        "published_on": "2026-05-18",
        "categories": ["cs.SY", "cs.LG"],
        "primary_category": "cs.SY",
        "keywords": ["nets"],
        "github_url": "https://github.com/example/repo",
        "project_url": "javascript:alert(1)",
        "list_date": "2026-05-20",
        "observed_at": "2026-05-20T04:00:00Z",
        "upvotes": 3,
    }
    assert jsonl.parse_paper(line, "line 1") == PaperRecord(
        source="jsonl",
        title="A Title",
        arxiv_id="2605.00001",
        arxiv_version=2,
        abstract="About it.",
        authors=("Ada Example", "Bob Example"),
        author_count=2,
        organization_slug="ex",
        organization_name="Example Lab",
        published_on=date(2026, 5, 18),
        categories=("eess.SY", "cs.LG"),
        primary_category="eess.SY",
        keywords=("nets",),
        github_url="https://github.com/example/repo",
        listed_on=date(2026, 5, 20),
        read_at=AT,
        reading=Reading(AT, upvotes=3),
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"id": "2605.00001"}, "title is missing"),
        ({"title": "T", "id": "abc"}, "arxiv_id 'abc' is no arXiv id"),
        ({"title": "T", "authors": "Ada"}, "authors is text, not a list"),
        ({"title": "T", "upvotes": 1.5}, "upvotes is a number, not a whole number"),
        ({"title": "T", "published": "May 4"}, "published_on is 'May 4', not a time"),
    ],
)
def test_a_wrong_field_rejects_its_line(line: dict[str, Any], reason: str) -> None:
    with pytest.raises(FieldError) as error:
        jsonl.parse_paper(line, "line 1")
    assert str(error.value) == reason
