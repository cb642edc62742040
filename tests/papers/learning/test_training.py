"""Training on a made-up corpus: what is learned, that it is the same every time, and what it takes."""

import sys
from dataclasses import replace

import numpy
import pytest

from papers.learning.corpus import document, matrix
from papers.learning.examples import Example, examples_of, foreign, is_marked
from papers.learning.training import TrainingError, _Fit, best_threshold, train
from papers.matching import Matcher, TopicRule
from papers.topics.phrases import read
from papers.topics.weights import Model, TermIndex, Weights
from tests.papers.made_up_corpus import corpus

RULES = [
    TopicRule("robots", "Robots", ["robot"], ["cs.RO"]),
    TopicRule("sound", "Sound", [], ["cs.SD", "cs.XX"]),
    TopicRule("gardens", "Gardens", ["garden"]),
]


def learn(examples: list[Example], rules: list[TopicRule] = RULES) -> Weights:
    return train(examples, rules, lambda _: None)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return learn(examples_of(corpus(300)))


def test_every_category_with_enough_papers_is_learned(weights: Weights) -> None:
    assert sorted(weights.models) == ["cs.CR", "cs.LG", "cs.RO", "cs.SD", "math.NA"]
    assert sorted(offset.models for offset in weights.offsets.values()) == [
        ("cs.RO",),
        ("cs.RO",),
        ("cs.SD",),
    ]
    offsets = [weights.offset_for(rule.slug, rule.categories, rule.phrases) for rule in RULES]
    assert [offset is None for offset in offsets] == [False, False, True]
    assert weights.offset_for("robots", ["cs.RO"], ()) is not None
    assert len(weights.known) == 300


def test_unseen_papers_are_filed_right(weights: Weights) -> None:
    matcher = Matcher(RULES, weights)
    wanted, got = [], []
    for paper in corpus(200, seed=2):
        wanted.append({"cs.RO": ["robots"], "cs.SD": ["sound"]}.get(paper.categories[0], []))
        got.append([match.topic for match in matcher.match(paper.title, paper.abstract)])
    assert sum(one == other for one, other in zip(wanted, got, strict=True)) >= 190


def test_terms_are_written_as_the_papers_write_them(weights: Weights) -> None:
    terms = weights.models["cs.RO"].terms
    assert {"robot", "gripper", "grasping", "legged locomotion"} <= set(terms)
    assert not {"grasp", "legged locomot"} & set(terms)  # as words are folded
    assert max(weights.models["cs.SD"].terms, key=lambda term: weights.models["cs.SD"].terms[term]) in (
        *("speech", "voice conversion", "spectrogram", "music", "acoustic model", "singing"),
        *("voice", "conversion", "acoustic"),
    )


def test_the_same_papers_give_the_same_weights(weights: Weights) -> None:
    assert learn(examples_of(corpus(300))) == weights


def test_training_and_filing_see_the_same_values() -> None:
    title, abstract = "Robots and a robot's grasp", "The speech of a robot, sim-to-real; speech 2024 x"
    known = document(title, abstract)
    numbers = {term: number for number, term in enumerate(sorted(known.counts))}
    row = matrix([known], numbers).toarray()[0]
    index = TermIndex([Model(0.0, dict.fromkeys(numbers, 1.0))])
    heard = index.hear(read(title), read(abstract))
    assert {index.text(number): value for number, value in heard.items()} == pytest.approx(
        {term: row[number] for term, number in numbers.items()}
    )
    assert not {"2024", "x", "the", "speech 2024"} & set(numbers)


def test_editors_decisions_teach_a_topic_that_has_no_categories() -> None:
    examples = [
        Example(
            one.title,
            one.abstract,
            one.categories,
            decisions={"gardens": "singing" in one.abstract} if number % 2 == 0 else {},
        )
        for number, one in enumerate(corpus(300))
    ]
    matcher = Matcher(RULES, learn(examples))
    assert [match.topic for match in matcher.match("On singing", "More singing")][:1] == ["gardens"]
    assert "gardens" not in [match.topic for match in matcher.match("On malware", "More malware")]


@pytest.mark.parametrize(("added", "removed"), [(1, 9), (2, 12), (4, 30), (12, 0)])
@pytest.mark.parametrize("slug", ["gardens", "robots"])
def test_decisions_that_are_too_few_or_all_alike_teach_nothing_and_break_nothing(
    slug: str, added: int, removed: int
) -> None:
    examples = examples_of(corpus(150))
    if slug == "robots":  # its categories tell of all other papers
        examples = [replace(one, categories=("cs.SD",)) for one in examples]
    decided = [
        replace(one, decisions={slug: number < added} if number < added + removed else {})
        for number, one in enumerate(examples)
    ]
    learned = {key for key in learn(decided).models if key.startswith("topic:")}
    assert learned == ({f"topic:{slug}"} if added >= 5 else set())


def test_papers_all_of_one_category_teach_nothing_and_break_nothing() -> None:
    alike = [replace(one, categories=("cs.RO",)) for one in examples_of(corpus(100))]
    assert learn([*alike, Example("A note", "on nothing", ())]).models == {}
    assert learn([*alike, Example("A note", "on nothing", ("cs.SD",))]).models == {}


def test_a_model_of_papers_that_are_all_alike_is_empty() -> None:
    fit = _Fit([document("A robot", "grasps a robot's arm")] * 5)
    yes = numpy.ones(5, dtype=bool)
    columns, weights, _ = fit.fit(yes, yes * 1.0)
    assert (len(columns), len(weights)) == (0, 0)
    empty = _Fit([document("A", "of the")] * 5).fit(numpy.arange(5) < 2, yes * 1.0)
    assert len(empty[0]) == 0


def test_the_threshold_is_where_f1_is_best() -> None:
    margins = numpy.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    belongs = numpy.array([True, True, False, True, False, False])
    nobody = numpy.zeros(6, dtype=bool)
    assert best_threshold(margins, belongs, nobody, ~nobody) == 1.5


def test_the_threshold_keeps_strangers_out_even_if_f1_suffers() -> None:
    margins = numpy.arange(100.0)[::-1]
    belongs = (margins >= 50) | (margins >= 20) & (margins < 40)
    strangers = (margins >= 40) & (margins < 50)
    known = numpy.ones(100, dtype=bool)
    assert best_threshold(margins, belongs, ~known, known) == 19.5
    assert best_threshold(margins, belongs, strangers, known) >= 49.5
    assert best_threshold(margins, belongs, strangers, ~strangers) == 19.5


def test_a_marked_paper_is_foreign_only_without_a_home_category() -> None:
    def example(*categories: str, marked: bool = False) -> Example:
        return Example("A", "", categories, marked)

    examples = [
        *(example("cs.RO"), example("cs.LG", "math.OC"), example("math.OC")),
        *(example("math.OC", marked=True), example("math.OC", "cs.LG", marked=True)),
        *(example("math.OC", marked=True), example(marked=True)),
    ]
    assert foreign(examples) == [False, False, False, True, False, True, True]


@pytest.mark.parametrize(
    ("categories", "sample", "marked"),
    [
        (["cs.RO"], "offtopic", True),
        (["math.OC"], "natural", False),
        (["math.OC"], "", True),
        (["math.OC", "stat.ML"], "", False),
    ],
)
def test_a_row_says_whether_it_is_marked_and_else_its_categories_do(
    categories: list[str], sample: str, marked: bool
) -> None:
    assert is_marked(categories, sample) is marked


def test_where_scikit_learn_is_missing_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(TrainingError, match=r"pip install -r requirements-training.txt"):
        learn(examples_of(corpus(50)))
