"""`manage.py train_topics`, end to end on PostgreSQL with a made-up corpus."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from papers.learning import lessons
from papers.learning.lessons import Compared, better, imported_examples
from papers.matching import TopicRule
from papers.models import LearnedWeights, Paper, PaperTopic, Topic
from papers.topics.filing import file_papers, matcher_of
from papers.topics.learned import current_weights, store
from papers.topics.phrases import fold
from papers.topics.weights import Model, Weights, from_json, shipped_weights
from tests.factories import file_under, make_paper, make_topic
from tests.papers.made_up_corpus import FIELDS, corpus, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def topics() -> list[Topic]:
    return [
        make_topic(slug="robots", name="Robots", phrases=["android"], categories=["cs.RO"]),
        make_topic(slug="sound", name="Sound", phrases=["noise"], categories=["cs.SD"]),
    ]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return write(tmp_path / "rows.jsonl.gz", 600)


def write(path: Path, papers: int, seed: int = 1) -> Path:
    lines = "\n".join(map(json.dumps, rows(corpus(papers, seed))))
    path.write_bytes(gzip.compress(lines.encode()))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: Any, **options: Any) -> str:
    call_command("train_topics", *arguments, **options)
    return capsys.readouterr().out


def imported(papers: int, seed: int) -> None:
    for one in corpus(papers, seed):
        make_paper(
            title=f"{one.title}, again",
            abstract=one.abstract,
            categories=list(one.categories),
            primary_category=one.categories[0],
        )


def test_it_learns_shows_before_and_after_and_files_anew(
    topics: list[Topic], labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper = make_paper(title="Grasping", abstract="With legged locomotion and a gripper for manipulation.")
    file_papers(None)
    before = set(paper.filings.values_list("topic__slug", flat=True))
    out = run(capsys, str(labelled))
    assert "600 papers, 0 decisions of editors; 600 papers are new to the weights in use" in out
    assert "The new weights are in use.\n1 papers are filed anew, 1 filing changed." in out
    assert [line.split()[0] for line in out.splitlines()[2:4]] == ["robots", "sound"]
    row = LearnedWeights.objects.get()
    assert row.figures["after"] > row.figures["before"]
    assert from_json(row.weights) == current_weights()
    filing = PaperTopic.objects.get(paper=paper, topic__slug="robots")
    assert filing.score > 0.5 and "grasping" in filing.evidence
    assert before <= {"robots"}


def test_imported_papers_and_editors_decisions_are_learned_from(
    topics: list[Topic], capsys: pytest.CaptureFixture[str]
) -> None:
    imported(600, seed=3)
    cooks = make_topic(slug="cooks", name="Cooks", phrases=[])
    for number, paper in enumerate(Paper.objects.order_by("pk")[:120]):
        decision = "added" if "malware" in (paper.abstract or "").lower() else "removed"
        file_under(paper, cooks, decision=decision, evidence=[str(number)])
    out = run(capsys)
    assert "600 papers, 120 decisions of editors" in out
    assert "topic:cooks" in current_weights().models
    (match,) = matcher_of(Topic.objects.filter(is_active=True)).match("Malware", "More malware and malware")
    assert (match.topic, match.evidence[0]) == ("cooks", "malware")


def test_the_same_papers_again_teach_nothing_and_change_nothing(
    topics: list[Topic], labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, str(labelled))
    kept = LearnedWeights.objects.get()
    out = run(capsys, str(labelled))
    assert "100 papers that are new to the weights in use are needed; nothing was learned." in out
    assert LearnedWeights.objects.get() == kept


def test_weights_that_file_no_better_do_not_replace_those_in_use(
    topics: list[Topic], labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Three words of its own field against one of another: nothing files these papers better.
    perfect = Weights(
        {
            field: Model(-2.8, {" ".join(fold(term)[:2]): 12.0 for term in FIELDS[field]})
            for field in ("cs.RO", "cs.SD")
        }
    )
    kept = store(perfect, figures={}, now=timezone.now())
    out = run(capsys, str(labelled))
    assert out.endswith("The new weights file no better, so the weights in use stay.\n")
    assert list(LearnedWeights.objects.all()) == [kept]


def test_only_topics_that_are_filed_better_get_new_models(
    topics: list[Topic], labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    perfect = Model(-2.8, {" ".join(fold(term)[:2]): 12.0 for term in FIELDS["cs.RO"]})
    deaf = Model(-9.0, {"speech": 1.0})
    idle = Model(-1.0, {"malware": 5.0}, papers=900)  # of no topic, and learned from more papers
    used = Weights({"cs.RO": perfect, "cs.SD": deaf, "cs.CR": idle}, primary={"cs.RO": 0.125})
    store(used, figures={}, now=timezone.now())
    out = run(capsys, str(labelled))
    learned = current_weights()
    assert (learned.models["cs.RO"], learned.models["cs.CR"]) == (perfect, idle)
    assert learned.models["cs.SD"] != deaf
    assert learned.primary["cs.RO"] == 0.125
    assert {one.models for one in learned.offsets.values()} == {("cs.SD",)}
    assert "The new weights are in use for 1 of 2 topics; the other models stay." in out
    figures = LearnedWeights.objects.order_by("-pk")[0].figures
    robots, sound = figures["topics"]
    assert (robots["taken"], sound["taken"]) == (False, True)
    assert figures["after"] == round((robots["before"] + sound["after"]) / 2, 4)


def test_what_is_judged_is_what_would_be_stored(labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An old model that no new paper can replace goes on speaking, however good the new ones are."""
    make_topic(slug="robots", name="Robots", phrases=[], categories=["cs.RO", "cs.XX"])
    shouting = Weights({"cs.XX": Model(9.0, {"study": 9.0})})
    kept = store(shouting, figures={}, now=timezone.now())
    out = run(capsys, str(labelled))
    assert out.endswith("The new weights file no better, so the weights in use stay.\n")
    assert list(LearnedWeights.objects.all()) == [kept]


def test_topics_that_share_a_model_get_new_ones_together_or_not_at_all() -> None:
    def rule(slug: str, *categories: str) -> TopicRule:
        return TopicRule(slug, slug, (), categories)

    rules = [rule("a", "1", "2"), rule("b", "3"), rule("c", "2", "3"), rule("d", "4"), rule("e", "5")]
    compared = [Compared("a", 0.2, 0.9), Compared("c", 0.5, 0.4), Compared("d", 0.1, 0.2)]
    assert better(rules, compared) == {"d"}
    compared[1] = Compared("c", 0.5, 0.5)
    assert better(rules, compared) == {"a", "b", "c", "d"}


def test_the_newest_papers_are_learned_from_and_all_that_editors_decided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lessons, "MOST_PAPERS", 2)
    for number, day in enumerate([18, 17, 19, None, 16], start=1):
        published = day and date(2026, 11, day)
        make_paper(title=f"Paper {number}", categories=["cs.RO"], published_on=published)
    make_paper(title="Newest, without categories", published_on=date(2026, 11, 20))
    file_under(Paper.objects.get(title="Paper 5"), make_topic(slug="cooks"), decision="added")
    file_under(Paper.objects.get(title="Paper 3"), make_topic(slug="cooks"), decision="removed")
    found = list(imported_examples())
    assert [(one.title, dict(one.decisions)) for one in found] == [
        *(("Paper 3", {"cooks": False}), ("Paper 1", {}), ("Paper 5", {"cooks": True})),
    ]


def test_too_few_papers_keep_the_shipped_weights(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = run(capsys, str(write(tmp_path / "few.gz", 99)))
    assert out.endswith("500 papers with categories are needed; nothing was learned.\n")
    assert not LearnedWeights.objects.exists()
    assert current_weights() is shipped_weights()


def test_what_was_learned_can_be_forgotten(
    topics: list[Topic], labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, str(labelled))
    assert "1 sets of weights deleted" in run(capsys, forget=True)
    assert current_weights() is shipped_weights()


def test_the_artefact_is_written_from_the_files_alone_and_nothing_is_stored(
    tmp_path: Path, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_paper(title="Never in the artefact", categories=["cs.RO"])
    target = tmp_path / "weights.json"
    out = run(capsys, str(labelled), write_artefact=target)
    weights = from_json(json.loads(target.read_text(encoding="utf-8")))
    assert sorted(weights.models) == ["cs.CR", "cs.LG", "cs.RO", "cs.SD", "math.NA"]
    assert (weights.about["papers"], weights.about["files"]) == (600, ["rows.jsonl.gz"])
    assert "5 models from 600 papers" in out
    assert not LearnedWeights.objects.exists()


def test_bad_rows_and_missing_files_are_named(
    topics: list[Topic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match=r"none\.jsonl cannot be read"):
        call_command("train_topics", str(tmp_path / "none.jsonl"))
    with pytest.raises(CommandError, match="needs FILES"):
        call_command("train_topics", write_artefact=tmp_path / "x")
    bad = tmp_path / "bad.jsonl"
    bad.write_text("nonsense\n" * 7)
    call_command("train_topics", str(bad))
    assert "bad.jsonl, line 1: not JSON." in (err := capsys.readouterr().err)
    assert "and 2 more rows that cannot be used" in err


def test_stored_weights_that_cannot_be_read_cost_only_themselves(
    topics: list[Topic], caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    store(Weights({}), figures={}, now=timezone.now())
    LearnedWeights.objects.update(weights={"models": 3})
    assert current_weights() is shipped_weights()
    assert "Papers are filed by the weights that come with the code" in caplog.text


def test_only_the_last_sets_of_weights_are_kept() -> None:
    for number in range(5):
        store(Weights({}, about={"number": number}), figures={}, now=timezone.now())
    assert [row.weights["about"]["number"] for row in LearnedWeights.objects.all()] == [4, 3, 2]
