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


def test_ours_is_measured_beside_both_baselines_on_papers_that_nobody_saw(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = write(tmp_path / "train.jsonl", 600, 1), write(tmp_path / "test.jsonl", 300, 2)
    call_command("train_topics", str(train))
    capsys.readouterr()
    found = evaluated(capsys, test, train=[train])
    assert [one["topic"] for one in found["ours"]["topics"]] == ["robots", "sound"]
    assert found["ours"]["macro_f1"] > 0.95 > found["any_phrase"]["macro_f1"]
    assert found["ours"]["macro_f1"] >= found["regression"]["macro_f1"] > 0.9
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
    assert f"Left out, because the weights were learned from them: {known:,} papers." in found["notes"]
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
    assert "Training rows not trained on, because they are measured: 200." in captured.out
    starts = [line.split("  ")[0] for line in lines]
    assert {"topic", "robots", "sound", "ours", "any phrase occurs"} <= set(starts)
    assert "rows.jsonl, line 201: not JSON." in captured.err


def test_without_scikit_learn_all_but_the_trained_baseline_is_measured(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    file = write(tmp_path / "rows.jsonl", 200, 1)
    found = evaluated(capsys, file, train=[write(tmp_path / "more.jsonl", 200, 2)])
    assert found["regression"] is None and found["ours"] is not None
    assert (
        "The trained baseline is left out: it needs scikit-learn. Get it with"
        " `.venv/bin/pip install -r requirements-training.txt`, then"
        " `python manage.py evaluate_topics FILE... --train TRAINING_FILE...`."
    ) in found["notes"]
    with pytest.raises(CommandError, match="To learn weights takes scikit-learn"):
        call_command("evaluate_topics", str(file), cross_validate=True)


def test_what_cannot_be_measured_is_said_in_one_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(CommandError, match="The files hold no paper that can be used"):
        call_command("evaluate_topics", str(empty))
    with pytest.raises(CommandError, match=r"none cannot be read"):
        call_command("evaluate_topics", str(tmp_path / "none"))


def one_sided(papers: int) -> list[dict[str, Any]]:
    """Rows of one category only."""
    return [row for row in rows(corpus(papers * 8)) if row["primary_category"] == "cs.RO"][:papers]


def saved(path: Path, some: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in some))
    return path


@pytest.mark.parametrize("cross_validate", [False, True])
@pytest.mark.parametrize("size", [1, 6, 80])
def test_few_or_one_sided_rows_are_measured_without_what_they_are_too_few_for(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int, cross_validate: bool
) -> None:
    file = saved(tmp_path / "rows.jsonl", one_sided(size))
    found = evaluated(capsys, file, cross_validate=cross_validate)
    assert [(one["topic"], one["papers"]) for one in found["ours"]["topics"]] == [("robots", size)]
    assert found["primary"] is None and found["primary_by_regression"] is None
    assert "The primary category is left out: fewer than two of the fixed ones occur." in found["notes"]
    if size < 50:
        assert found["regression"] is None
        assert any(
            note.startswith("The trained baseline is left out: too few rows.") for note in found["notes"]
        )
    else:
        assert [one["filed"] for one in found["regression"]["topics"]] == [0]  # nothing to tell apart


@pytest.mark.parametrize("size", [1, 6, 80])
def test_a_baseline_trained_on_few_or_one_sided_rows_files_nothing_or_is_left_out(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    test, train = write(tmp_path / "test.jsonl", 60, 2), saved(tmp_path / "train.jsonl", one_sided(size))
    found = evaluated(capsys, test, train=[train])
    assert found["papers"] == 60 and found["primary_by_regression"] is None
    if size < 50:
        assert found["regression"] is None
        assert (
            "The trained baseline is left out: too few rows. Name at least 50 to train it on:"
            " `python manage.py evaluate_topics FILE... --train TRAINING_FILE...`."
        ) in found["notes"]
    else:
        assert [one["filed"] for one in found["regression"]["topics"]] == [0, 0]


def test_rows_without_words_do_not_stop_the_evaluation(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No word comes twice, so there is no vocabulary to learn."""
    some = [
        {
            "title": f"{number}{number}{number}",
            "abstract": "",
            "categories": ["cs.RO" if number % 2 else "cs.SD"],
        }
        for number in range(100, 160)
    ]
    file = saved(tmp_path / "rows.jsonl", some)
    found = evaluated(capsys, file, cross_validate=True)
    assert (found["papers"], found["regression"]) == (60, None)


def test_the_only_row_of_a_class_does_not_stop_the_evaluation(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = next(row for row in rows(corpus(50)) if row["primary_category"] == "cs.SD")
    file = saved(tmp_path / "rows.jsonl", [*one_sided(79), {**other, "title": "One of its kind"}])
    found = evaluated(capsys, file, cross_validate=True)
    assert [(one["topic"], one["papers"]) for one in found["ours"]["topics"]] == [
        ("robots", 79),
        ("sound", 1),
    ]
    assert [one["filed"] for one in found["regression"]["topics"]] == [0, 0]


def test_off_topic_papers_are_counted_under_all_active_topics(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_topic(slug="studies", name="Studies", phrases=["study"])  # stands in every title
    make_topic(slug="off", name="Off", phrases=["mesh"], is_active=False)
    file = write(tmp_path / "rows.jsonl", 200, 1)
    found = evaluated(capsys, file)
    assert (found["active_topics"], len(found["ours"]["topics"])) == (5, 2)
    for way in (found["ours"], found["any_phrase"]):
        assert way["marked_in_any_active_per_100"] == 100 > way["marked_in_any_per_100"]
        assert way["untouched_in_any_active_per_100"] == 100 > way["untouched_in_any_per_100"]
    assert found["regression"]["marked_in_any_active_per_100"] is None
    call_command("evaluate_topics", str(file))
    out = capsys.readouterr().out
    assert "the 2 above" in out and "all 5 active" in out


@pytest.mark.parametrize("json", [False, True])
def test_where_nothing_can_be_measured_it_is_said_after_the_report(
    json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="No active topic has a category that these papers carry"):
        call_command("evaluate_topics", str(write(tmp_path / "rows.jsonl", 60, 1)), json=json)
    assert capsys.readouterr().out.startswith('{\n "threshold": 0.5' if json else "60 papers, filed by")


def test_without_training_rows_the_trained_baseline_is_cross_validated(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "rows.jsonl", 200, 1)
    found = evaluated(capsys, file)
    assert (found["cross_validated"], found["regression_cross_validated"]) == (False, True)
    assert found["regression"]["macro_f1"] > 0.8
    assert any(note.startswith("The trained baseline is cross-validated") for note in found["notes"])
    found = evaluated(capsys, file, train=[write(tmp_path / "train.jsonl", 200, 2)])
    assert found["regression"] and not found["regression_cross_validated"]


def test_papers_new_to_the_weights_are_measured_even_where_they_are_few(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = write(tmp_path / "train.jsonl", 600, 1), write(tmp_path / "test.jsonl", 630, 1)
    call_command("train_topics", str(train))
    capsys.readouterr()
    found = evaluated(capsys, test)
    assert (found["papers"], found["left_out"], found["cross_validated"]) == (30, 600, False)
    assert found["notes"][1].startswith("Measured: the 30 papers left. So few say little;")


def test_cross_validation_of_few_rows_says_what_was_learned(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluated(capsys, write(tmp_path / "rows.jsonl", 60, 1), cross_validate=True)
    assert (found["cross_validated"], found["topics_with_model"]) == (True, 0)
    assert "Topics with a model: 0 of 2. The others were filed by their phrases alone." in found["notes"]
    assert any(note.startswith("Cross-validated on fewer than 500 rows") for note in found["notes"])
    found = evaluated(capsys, write(tmp_path / "more.jsonl", 200, 1), cross_validate=True)
    assert found["topics_with_model"] == 2


def test_a_paper_that_comes_twice_counts_once_however_its_title_is_written(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    titles = ("Robot 1", "Robot 2", "ROBOT 1")
    some = [{"title": title, "abstract": "", "categories": ["cs.RO"]} for title in titles]
    found = evaluated(capsys, saved(tmp_path / "rows.jsonl", some))
    assert found["papers"] == 2
    assert found["notes"][0] == "Rows of papers that came before, passed over: 1."


def test_rejected_rows_are_counted_for_each_side(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test, train = write(tmp_path / "test.jsonl", 60, 1), write(tmp_path / "train.jsonl", 60, 2)
    for file, times in ((test, 1), (train, 2)):
        with file.open("a") as rest:
            rest.write("\nnonsense" * times)
    found = evaluated(capsys, test, train=[train])
    assert (found["rejected"], found["rejects"]) == (1, ["test.jsonl, line 61: not JSON."])
    assert (found["training_rejected"], len(found["training_rejects"])) == (2, 2)


def test_one_paper_is_not_papers(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("evaluate_topics", str(saved(tmp_path / "rows.jsonl", one_sided(1))))
    assert capsys.readouterr().out.startswith("1 paper, filed by the weights in use; ")
