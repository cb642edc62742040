import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.sources import huggingface
from papers.sources.record import PaperRecord, Reading, Reject

AT = datetime(2026, 5, 20, 4, 17, 30, tzinfo=UTC)


def item(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An item of our own with every key of 2026; `changes` replace keys of its paper."""
    paper = {
        "id": f"2605.{number:05}",
        "authors": [
            {"_id": "a", "name": "Ada Example", "hidden": False},
            {"_id": "b", "name": "Hidden Person", "hidden": True},
            {"_id": "c", "name": "Bo\u0000b\n  Example"},
        ],
        "publishedAt": "2026-05-18T00:00:00.000Z",
        "submittedOnDailyAt": "2026-05-20T00:16:26.668Z",
        "title": f"Paper Number\n  {number}",
        "submittedOnDailyBy": {"user": "ada", "fullname": "Ada Example"},
        "summary": "Two lines\n  of a summary.",
        "upvotes": 17,
        "discussionId": "d",
        "projectPage": "https://example.org/project/",
        "githubRepo": "https://github.com/example/repo",
        "githubRepoAddedBy": "user",
        "ai_summary": "A machine's summary.",
        "ai_keywords": ["attention", " ", "state space models"],
        "githubStars": 26,
        "organization": {
            "_id": "o",
            "name": "EX",
            "fullname": "Example Lab",
            "avatar": "https://example.org/a.png",
        },
    }
    paper.update(changes)
    return {
        "paper": {key: value for key, value in paper.items() if value is not ...},
        "publishedAt": "2026-05-17T20:00:00.000Z",
        "title": "Outer",
        "summary": "Outer.",
        "thumbnail": "https://example.org/thumb.png",
        "numComments": 3,
        "submittedBy": {"name": "ada"},
        "isAuthorParticipating": False,
    }


def parsed(*items: Any, **told: Any) -> list[PaperRecord | Reject]:
    return list(huggingface.parse_answer(json.dumps(list(items)), **told))


def reason(changed: Any) -> str:
    (reject,) = parsed(changed)
    assert isinstance(reject, Reject)
    return reject.reason


def test_every_key_finds_its_place() -> None:
    assert parsed(item(), listed_on=date(2026, 5, 20), observed_at=AT) == [
        PaperRecord(
            source="huggingface",
            title="Paper Number 1",
            arxiv_id="2605.00001",
            abstract="Two lines of a summary.",
            authors=("Ada Example", "Bob Example"),
            author_count=2,
            organization_slug="EX",
            organization_name="Example Lab",
            published_on=date(2026, 5, 18),
            keywords=("attention", "state space models"),
            ai_summary="A machine's summary.",
            github_url="https://github.com/example/repo",
            project_url="https://example.org/project/",
            thumbnail_url="https://example.org/thumb.png",
            submitted_by="Ada Example",
            listed_on=date(2026, 5, 20),
            read_at=AT,
            reading=Reading(AT, upvotes=17, num_comments=3, github_stars=26),
        )
    ]


def test_an_item_of_2024_tells_less() -> None:
    old = {
        "paper": {
            "id": "2405.00001",
            "authors": [],
            "title": "Old",
            "publishedAt": "2024-05-02T17:00:00.000Z",
        },
        "publishedAt": "2024-05-03T01:00:00.000Z",
        "title": "Old",
        "mediaUrl": "https://example.org/film.mp4",
    }
    assert parsed(old) == [
        PaperRecord(source="huggingface", title="Old", arxiv_id="2405.00001", published_on=date(2024, 5, 2))
    ]


def test_without_a_day_asked_for_the_utc_day_of_submission_is_the_list_day() -> None:
    (record,) = parsed(item(submittedOnDailyAt="2026-05-19T23:30:00-04:00"))
    assert isinstance(record, PaperRecord)
    assert record.listed_on == date(2026, 5, 20)


def test_votes_outside_and_comments_inside_paper_are_not_read() -> None:
    odd = item(upvotes=..., githubStars=...) | {"upvotes": 99}
    odd["paper"]["numComments"] = 99
    (record,) = parsed(odd)
    assert isinstance(record, PaperRecord)
    assert record.reading == Reading(None, num_comments=3)


def test_nothing_counted_is_no_reading() -> None:
    bare = item(upvotes=..., githubStars=...)
    del bare["numComments"]
    (record,) = parsed(bare)
    assert isinstance(record, PaperRecord)
    assert record.reading is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": ...}, "paper.id is missing"),
        ({"id": 2605.1}, "paper.id is a number, not text"),
        ({"id": "2613.00001"}, "paper.id '2613.00001' is no arXiv id"),
        ({"title": "  \u200b "}, "paper.title is blank"),
        ({"title": ["T"]}, "paper.title is a list, not text"),
        ({"title": "x" * 1001}, "paper.title has 1,001 characters, more than 1,000"),
        ({"authors": "Ada"}, "paper.authors is text, not a list"),
        ({"authors": ["Ada"]}, "paper.authors[0] is text, not an object"),
        ({"authors": [{"name": 3}]}, "paper.authors[0].name is a number, not text"),
        ({"upvotes": "17"}, "paper.upvotes is text, not a whole number"),
        ({"upvotes": -1}, "paper.upvotes is -1: no possible count"),
        ({"upvotes": 10**400}, "paper.upvotes is huge: no possible count"),
        ({"upvotes": True}, "paper.upvotes is true or false, not a whole number"),
        ({"upvotes": float("nan")}, "paper.upvotes is a number, not a whole number"),
        ({"summary": 5}, "paper.summary is a number, not text"),
        ({"publishedAt": "0000-01-01"}, "paper.publishedAt is '0000-01-01', not a time"),
        ({"publishedAt": "0001-01-01"}, "paper.publishedAt lies in the year 1"),
        ({"publishedAt": 7}, "paper.publishedAt is a number, not a time"),
        ({"organization": "EX"}, "paper.organization is text, not an object"),
        ({"ai_keywords": {"a": 1}}, "paper.ai_keywords is an object, not a list"),
        ({"githubRepo": 1}, "paper.githubRepo is a number, not text"),
    ],
)
def test_a_missing_or_wrong_field_rejects_its_item_and_names_itself(
    changes: dict[str, Any], expected: str
) -> None:
    assert reason(item(**changes)) == expected


def test_items_that_are_no_papers_are_rejected() -> None:
    assert [reason(value) for value in (None, 3, {"title": "T"}, {"paper": []})] == [
        "the item is nothing, not an object",
        "the item is a number, not an object",
        "paper is missing",
        "paper is a list, not an object",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "example.org",
        "https://",
        "https://a b.org",
        "https://u:p@x.org/",
        "https://example.org/\u202egpj",
        "http://[::1",
        "https://example.org/" + "x" * 500,
        "ftp://example.org/",
    ],
)
def test_a_link_that_is_no_web_link_is_left_out(url: str) -> None:
    (record,) = parsed(item(projectPage=url))
    assert isinstance(record, PaperRecord)
    assert record.project_url is None


def test_3303_authors_are_kept() -> None:
    (record,) = parsed(item(authors=[{"name": f"Author {n}"} for n in range(3303)]))
    assert isinstance(record, PaperRecord)
    assert (record.author_count, len(record.authors or ())) == (3303, 3303)


def test_a_megabyte_of_abstract_is_cut_at_a_sentence() -> None:
    (record,) = parsed(item(summary="A short sentence. " * 60_000))
    assert isinstance(record, PaperRecord)
    assert record.abstract is not None
    assert record.abstract.endswith("A short sentence. …")
    assert 19_900 < len(record.abstract) <= 20_000


def test_lone_surrogates_and_direction_marks_are_removed() -> None:
    body = json.dumps([item(title="A\u202eB \ud800C\u2066D")])
    (record,) = huggingface.parse_answer(body)
    assert isinstance(record, PaperRecord)
    assert record.title == "AB CD"


def test_a_cut_answer_keeps_its_whole_items() -> None:
    body = json.dumps([item(1), item(2), item(3)])
    for cut in (body[: body.index("Number\\n  3") + 3], body[: body.rindex("{") + 9]):
        records = list(huggingface.parse_answer(cut))
        assert [getattr(record, "arxiv_id", "rejected") for record in records] == [
            "2605.00001",
            "2605.00002",
            "rejected",
        ]
        assert records[2].position == "item 3"
        assert "breaks off" in records[2].reason  # type: ignore[union-attr]


def test_a_broken_item_in_the_middle_costs_only_itself() -> None:
    body = json.dumps([item(1), item(2), item(3)]).replace('"2605.00002"', "2605.00x02", 1)
    records = list(huggingface.parse_answer(body))
    assert [getattr(record, "arxiv_id", "rejected") for record in records] == [
        "2605.00001",
        "rejected",
        "2605.00003",
    ]


def test_a_recording_gives_its_day_and_time_to_its_items() -> None:
    line = json.dumps(
        {"list_date": "2026-05-20", "observed_at": "2026-05-20T04:17:30Z", "observer": "A", "items": [item()]}
    )
    (record,) = huggingface.parse_recording(line, "line 1")
    assert isinstance(record, PaperRecord)
    assert (record.listed_on, record.read_at, record.position) == (date(2026, 5, 20), AT, "line 1, item 1")
    assert record.reading == Reading(AT, upvotes=17, num_comments=3, github_stars=26)


def test_a_cut_recording_keeps_its_whole_items() -> None:
    line = json.dumps(
        {"list_date": "2026-05-20", "observed_at": "2026-05-20T04:17:30Z", "items": [item(1), item(2)]}
    )
    records = list(huggingface.parse_recording(line[:-200], "line 9"))
    assert [getattr(record, "listed_on", None) for record in records] == [date(2026, 5, 20), None]
    assert records[1].position == "line 9, item 2"


def test_a_recording_of_a_wrong_day_is_one_reject() -> None:
    line = json.dumps({"list_date": 5, "observed_at": None, "items": [item()]})
    assert list(huggingface.parse_recording(line, "line 1")) == [
        Reject(
            "line 1", "list_date is a number, not a time", "list_date: 5, observed_at: None, items: a list"
        )
    ]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from(sorted([*item()["paper"], *item()])), value=ANYTHING)
def test_whatever_a_field_holds_the_item_is_read_or_rejected(key: str, value: Any) -> None:
    odd = item()
    for holder in (odd, odd["paper"]):
        if key in holder:
            holder[key] = value
    (answer,) = huggingface.recorded({"items": [odd]}, "line 1")
    assert isinstance(answer, PaperRecord | Reject)
