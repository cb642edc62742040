"""The sample that the demo imports: facts, our own summaries, nobody's name."""

import gzip
import json
import re
from datetime import date
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "papers" / "sample" / "daily_papers.jsonl"
RECORDED = Path(__file__).parents[3] / "shared" / "data" / "hf_daily_papers_sample.jsonl.gz"
RESPONSES = [json.loads(line) for line in SAMPLE.read_text(encoding="utf8").splitlines()]
PAPERS = {item["paper"]["id"]: item["paper"] for response in RESPONSES for item in response["items"]}


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


def test_it_holds_enough_papers_of_three_days_with_two_readings_each() -> None:
    assert len(PAPERS) == 83
    assert sorted((response["list_date"], response["observer"]) for response in RESPONSES) == [
        (f"2026-05-{day}", observer) for day in (20, 21, 22) for observer in "AB"
    ]


def test_every_paper_has_a_summary_of_two_to_four_sentences() -> None:
    for key, paper in PAPERS.items():
        assert 2 <= len(re.findall(r"[.?!](?= [A-Z]|$)", paper["summary"])) <= 4, key
        assert 120 <= len(paper["summary"]) <= 400, key


def test_it_names_no_person() -> None:
    allowed = {
        *("id", "title", "summary", "publishedAt", "submittedOnDailyAt", "upvotes"),
        *("ai_keywords", "organization", "githubRepo", "githubStars"),
    }
    assert {key for paper in PAPERS.values() for key in paper} <= allowed
    assert {key for response in RESPONSES for item in response["items"] for key in item} == {
        *("paper", "title", "publishedAt", "numComments"),
    }


def test_every_date_is_in_the_week() -> None:
    for response in RESPONSES:
        listed = date.fromisoformat(response["list_date"])
        assert date.fromisoformat(response["observed_at"][:10]) == listed


@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not part of the repository")
def test_no_seven_words_in_a_row_are_the_abstracts() -> None:
    own = {run for paper in PAPERS.values() for run in runs(paper["summary"], 7)}
    theirs: set[tuple[str, ...]] = set()
    with gzip.open(RECORDED, "rt", encoding="utf8") as lines:
        for line in lines:
            for item in json.loads(line)["items"]:
                theirs |= runs(item["paper"]["summary"], 7) | runs(item["paper"].get("ai_summary", ""), 7)
    assert own & theirs == set()


@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not part of the repository")
def test_the_facts_are_the_recorded_ones() -> None:
    recorded = {}
    with gzip.open(RECORDED, "rt", encoding="utf8") as lines:
        for line in lines:
            response = json.loads(line)
            for item in response["items"]:
                paper = item["paper"]
                facts = (
                    paper["upvotes"],
                    item["numComments"],
                    paper.get("githubStars"),
                    paper["publishedAt"],
                )
                recorded[response["observed_at"], paper["id"]] = facts
    for response in RESPONSES:
        for item in response["items"]:
            paper = item["paper"]
            facts = (paper["upvotes"], item["numComments"], paper.get("githubStars"), paper["publishedAt"])
            assert recorded[response["observed_at"], paper["id"]] == facts
