"""`manage.py evaluate_topics`, end to end on PostgreSQL with a made-up corpus."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from papers.learning.labelled import LabelledPaper
from papers.learning.measuring import Filing, figures, primary_figures
from papers.matching import TopicRule
from papers.models import Topic
from tests.factories import make_topic
from tests.papers.made_up_corpus import corpus, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def topics() -> list[Topic]:
    return [
        make_topic(slug="robots", name="Robots", phrases=["robot", "gripper"], categories=["cs.RO"]),
        make_topic(slug="sound", name="Sound", phrases=["speech"], categories=["cs.SD"]),
        make_topic(slug="gardens", name="Gardens", phrases=["garden"]),
        make_topic(slug="unseen", name="Unseen", phrases=["star"], categories=["astro-ph.GA"]),
    ]


def write(path: Path, papers: int, seed: int) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows(corpus(papers, seed))))
    return path


def evaluated(capsys: pytest.CaptureFixture[str], *files: Path, **options: Any) -> dict[str, Any]:
    call_command("evaluate_topics", *map(str, files), json=True, **options)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_figures_are_counted_right() -> None:
    def paper(*categories: str, sample: str = "") -> LabelledPaper:
        return LabelledPaper("A", "", categories, sample)

    papers = [paper("cs.RO"), paper("cs.SD", "cs.RO"), paper("cs.AI"), paper("math.NA", sample="offtopic"),
              paper("math.NA", "cs.RO", sample="offtopic")]  # fmt: skip
    rules = [TopicRule("r", "R", (), ["cs.RO"])]
    filing = Filing({"r": [0.9, 0.1, 0.8, 0.6, 0.0]}, {"r": [True, False, True, True, False]})
    found = figures(rules, papers, filing)
    (topic,) = found.topics
    assert (topic.papers, topic.filed, topic.precision, topic.recall, topic.f1) == (
        3,
        3,
        0.3333,
        0.3333,
        0.3333,
    )
    assert topic.precision_at_50 == 0.5  # of the four with any score
    assert (topic.marked_per_100, topic.untouched_per_100) == (100.0, 100.0)
    assert (found.marked, found.untouched, found.all_marked_in_any_per_100) == (1, 2, 50.0)


def test_the_primary_category_is_scored_over_the_categories_that_are_some_papers() -> None:
    found = primary_figures(["a", "a", "b", "c"], ["a", "b", "b", None])
    assert (found.papers, found.classes, found.accuracy) == (4, 3, 0.5)
    assert found.macro_f1 == round((2 / 3 + 2 / 3 + 0) / 3, 4)


def test_ours_beats_both_baselines_on_papers_that_nobody_saw(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = write(tmp_path / "train.jsonl", 600, 1), write(tmp_path / "test.jsonl", 300, 2)
    call_command("train_topics", str(train))
    capsys.readouterr()
    found = evaluated(capsys, test, train=[train])
    assert [one["topic"] for one in found["ours"]["topics"]] == ["robots", "sound"]
    assert found["ours"]["macro_f1"] > 0.95 > found["any_phrase"]["macro_f1"]
    assert found["regression"]["macro_f1"] > 0.9
    assert found["primary"]["classes"] == 4 and found["primary"]["macro_f1"] > 0.8
    assert found["papers"] + found["left_out"] == 300  # two corpora may share a title
    assert (found["cross_validated"], found["rejected"]) == (False, 0)
    assert found["ours"]["marked"] > 50 and found["ours"]["marked_in_any_per_100"] <= 5


def test_papers_that_the_weights_were_learned_from_are_not_measured(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = write(tmp_path / "train.jsonl", 600, 1), write(tmp_path / "test.jsonl", 700, 1)
    call_command("train_topics", str(train))
    capsys.readouterr()
    found = evaluated(capsys, test)
    known = 700 - found["papers"]
    assert 500 < known <= 600
    assert f"{known:,} papers that the weights were learned from are left out." in found["notes"]
    assert found["regression"] is None
    found = evaluated(capsys, train)
    assert (found["papers"], found["cross_validated"]) == (600, True)
    assert found["notes"][0].startswith("The weights in use were learned from these papers")
    assert found["regression"]["macro_f1"] > 0.9


def test_the_report_for_people_names_everything(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "rows.jsonl", 200, 1)
    with file.open("a") as rest:
        rest.write("\nnonsense\n")
    call_command("evaluate_topics", str(file), train=[write(tmp_path / "more.jsonl", 210, 1)])
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].startswith("200 papers, filed by the weights in use; ")
    assert "training rows are measured papers too and are not trained on." in captured.out
    starts = [line.split("  ")[0] for line in lines]
    assert {"topic", "robots", "sound", "macro averages", "ours", "any phrase occurs"} <= set(starts)
    assert "rows.jsonl, line 201: not JSON." in captured.err


def test_without_scikit_learn_all_but_the_trained_baseline_is_measured(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    file = write(tmp_path / "rows.jsonl", 200, 1)
    found = evaluated(capsys, file, train=[write(tmp_path / "more.jsonl", 200, 2)])
    assert found["regression"] is None and found["ours"] is not None
    assert "The trained baseline is left out: it needs requirements-training.txt." in found["notes"]
    with pytest.raises(CommandError, match="Training needs scikit-learn"):
        call_command("evaluate_topics", str(file), cross_validate=True)


def test_what_cannot_be_measured_is_said_in_one_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(CommandError, match="The files hold no paper that can be used"):
        call_command("evaluate_topics", str(empty))
    with pytest.raises(CommandError, match="No active topic has a category"):
        call_command("evaluate_topics", str(write(tmp_path / "rows.jsonl", 60, 1)))
    with pytest.raises(CommandError, match=r"none cannot be read"):
        call_command("evaluate_topics", str(tmp_path / "none"))
