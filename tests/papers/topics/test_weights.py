"""Learned weights: what they find in a text, what is shown of it, and the file that ships with the code."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from papers.learning.evaluation import PRIMARY_CATEGORIES
from papers.learning.primary import PrimaryGuess
from papers.matching import Match, Matcher, TopicRule
from papers.topics import weights as weights_module
from papers.topics.artefact import starter_rules
from papers.topics.function_words import FUNCTION_WORDS
from papers.topics.phrases import fold, read
from papers.topics.weights import (
    NOTHING_LEARNED,
    SHIPPED,
    Model,
    Offset,
    TermIndex,
    Weights,
    WeightsError,
    as_json,
    fingerprint,
    from_json,
    mark_of,
    shipped_weights,
    title_key_of,
)

ROBOTS = Model(-1.0, {"robots": 12.0, "imitation learning": 9.0, "speech": -6.0}, 40)
SOUND = Model(-1.0, {"speech": 12.0, "robots": -3.0}, 30)
WEIGHTS = Weights(
    {"cs.RO": ROBOTS, "cs.SD": SOUND}, {}, {"papers": 70}, frozenset({"00ff1100ff", "a0b1c2d3e4"})
)


def test_a_margin_is_the_bias_and_what_each_term_adds() -> None:
    index = TermIndex([ROBOTS, SOUND])
    heard = index.hear(read("Robots"), read("speech, speech"))
    scale = (2 + 30) ** -0.5
    title, twice = 1 + 1.0986122886681098, 1 + 0.6931471805599453  # 1 + ln 3 and 1 + ln 2
    assert index.margins(heard) == pytest.approx(
        [-1 + scale * (12 * title - 6 * twice), -1 + scale * (12 * twice - 3 * title)]
    )


@pytest.mark.parametrize("text", ["imitation learning", "Imitation-Learning", "the imitation learning's"])
def test_a_pair_is_found_however_it_is_written(text: str) -> None:
    index = TermIndex([ROBOTS])
    assert [index.text(number) for number in index.hear(read(text), read(""))] == ["imitation learning"]


def test_a_pair_is_not_found_apart_or_turned_round() -> None:
    assert TermIndex([ROBOTS]).hear(read("learning imitation"), read("imitation of learning")) == {}


def test_a_learned_topic_shows_the_terms_that_spoke_for_it_and_no_others() -> None:
    matcher = Matcher([TopicRule("r", "Robots", (), ["cs.RO"])], WEIGHTS)
    assert matcher.match("A robot", "Imitation learning from speech") == [
        Match("r", 0.9758, ("robots", "imitation learning"))
    ]


def test_the_loudest_of_several_models_gives_score_and_evidence() -> None:
    both = TopicRule("b", "Both", (), ["cs.RO", "cs.SD", "cs.XX"])
    (match,) = Matcher([both], WEIGHTS).match("Speech", "speech recognised")
    assert match.evidence == ("speech",)


def test_a_topics_own_model_speaks_instead_of_its_categories() -> None:
    own = Weights({**WEIGHTS.models, "topic:b": Model(-1, {"garden": 30.0})})
    matcher = Matcher([TopicRule("b", "Both", (), ["cs.RO"])], own)
    assert [match.evidence for match in matcher.match("A garden robot")] == [("garden",)]
    assert matcher.match("A robot") == []


def test_a_phrase_that_was_learned_too_is_shown_once() -> None:
    rule = TopicRule("r", "Robots", ["robot", "cook"], ["cs.RO"])
    (match,) = Matcher([rule], calibrated(rule, 0.0)).match("Robots that cook")
    assert match.evidence == ("robot", "cook")


def test_words_that_tell_a_reader_nothing_are_shown_only_where_nothing_else_spoke() -> None:
    loud = {"using": 40.0, "state": 30.0, "gpu based": 20.0, "textsc": 20.0, "state space": 15.0, "legs": 9.0}
    weights = Weights({"cs.RO": Model(-1.0, {**loud, "faint": 0.5})})
    matcher = Matcher([TopicRule("r", "Robots", (), ["cs.RO"])], weights)
    (match,) = matcher.match("GPU-based state space using legs", r"\textsc{state} faint")
    assert match.evidence == ("state space", "legs")
    assert [match.evidence for match in matcher.match("Using a state")] == [("using", "state")]


def test_an_editors_phrase_is_shown_whatever_its_words() -> None:
    rule = TopicRule("r", "Robots", ["using robots", "state ^0.1"], ["cs.RO"])
    (match,) = Matcher([rule], calibrated(rule, 0.0)).match("Using robots of any state")
    assert match.evidence == ("robots", "using robots", "state")


def calibrated(rule: TopicRule, offset: float) -> Weights:
    """Weights whose training has seen the topic as it is."""
    models = WEIGHTS.keys_for(rule.slug, rule.categories)
    return replace(WEIGHTS, offsets={fingerprint(models, rule.phrases): Offset(tuple(models), offset)})


RULE = TopicRule("r", "Robots", ["robot", "cook ^0.5"], ["cs.RO"])


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        (replace(RULE, slug="other", name="Other"), True),
        (replace(RULE, phrases=["Cook ^0.5", "Robots"]), True),
        (replace(RULE, categories=["cs.RO", "cs.XX"]), True),  # of cs.XX nothing is known
        (replace(RULE, categories=["cs.RO", "cs.SD"]), False),
        (replace(RULE, phrases=[]), False),
        (replace(RULE, phrases=["robot", "cook"]), False),
        (replace(RULE, phrases=[*RULE.phrases, "kettle"]), False),
    ],
)
def test_an_offset_holds_for_the_models_and_phrases_it_was_found_for_whatever_the_slug(
    rule: TopicRule, holds: bool
) -> None:
    weights = calibrated(RULE, -20.0)
    assert weights.offset_for(rule.slug, rule.categories, rule.phrases) == (-20.0 if holds else None)
    filed = [match.topic for match in Matcher([rule], weights).match("A robot", "imitation learning")]
    assert filed == ([] if holds else [rule.slug])


def test_where_phrases_were_edited_the_offset_of_the_models_alone_holds() -> None:
    weights = replace(WEIGHTS, offsets={fingerprint(["cs.RO"], ()): Offset(("cs.RO",), -20.0)})
    assert Matcher([RULE], weights).match("A robot", "imitation learning") == []
    assert Matcher([RULE], WEIGHTS).match("A robot", "imitation learning") != []


def test_phrases_add_nothing_to_what_was_learned_where_no_offset_takes_it_back() -> None:
    study = Weights({"cs.RO": Model(-1.0, {"robot study": 2.5})})
    rule = replace(RULE, phrases=["cook", "kettle"])
    trained = replace(study, offsets={fingerprint(["cs.RO"], rule.phrases): Offset(("cs.RO",), 0.0)})
    assert [match.evidence for match in Matcher([rule], trained).match("Robot study of cooks")] == [
        ("cook", "robot study")
    ]
    assert Matcher([rule], study).match("Robot study of cooks") == []
    learned = Weights({"cs.RO": Model(-1.0, {"robot study": 9.0})})
    assert [match.evidence for match in Matcher([rule], learned).match("Robot study of cooks")] == [
        ("robot study",)
    ]


def test_very_strong_phrases_find_a_paper_whatever_was_learned() -> None:
    silent = Weights({"cs.RO": Model(-30.0, {"robots": 1.0})})
    rule = TopicRule("r", "Robots", ["kettle", "cook", "kitchen"], ["cs.RO"])
    matcher = Matcher([rule], silent)
    assert matcher.match("A kettle and a cook") == []  # a sum of 4: 1.4 is needed, and 3 more
    assert matcher.match("A kettle for a cook", "in a kitchen") == [
        Match("r", 0.6321, ("cook", "kettle", "kitchen"))
    ]


def test_phrases_do_not_rank_a_paper_above_those_that_the_learned_terms_are_sure_of() -> None:
    told = ("A kettle and a cook in a kitchen", "a kettle, a cook, a kitchen")
    rule = TopicRule("r", "Robots", ["kettle", "cook", "kitchen"], ["cs.RO"])
    for bias, score in ((-30.0, 0.7), (0.0, 0.7), (2.0, 0.8808)):
        (match,) = Matcher([rule], Weights({"cs.RO": Model(bias, {"robots": 1.0})})).match(*told)
        assert match.score == score
    (match,) = Matcher([replace(rule, categories=[])]).match(*told)
    assert match.score == 0.9889  # where nothing was learned there is nothing to stand behind


def test_a_topic_without_learned_categories_works_from_its_phrases_as_if_nothing_was_learned() -> None:
    rule = TopicRule("g", "Gardens", ["garden"], ["cs.XX"])
    paper = ("A garden robot", "speech in a garden")
    assert Matcher([rule], WEIGHTS).match(*paper) == Matcher([rule]).match(*paper) != []


def test_the_likeliest_primary_category_is_named_after_each_ones_shift() -> None:
    categories = ("cs.RO", "cs.SD", "cs.XX")
    assert PrimaryGuess(WEIGHTS, categories).of("An imitation", "of speech") == "cs.SD"
    shifted = replace(WEIGHTS, primary={"cs.RO": 9.0})
    assert PrimaryGuess(shifted, categories).of("An imitation", "of speech") == "cs.RO"
    assert PrimaryGuess(WEIGHTS, ["cs.XX"]).of("An imitation") is None


def test_weights_come_back_from_json_as_they_were() -> None:
    weights = Weights(
        WEIGHTS.models, {"0a": Offset(("cs.RO",), -0.5)}, {"papers": 70}, WEIGHTS.known, {"cs.RO": 1.0}
    )
    assert from_json(json.loads(json.dumps(as_json(weights)))) == weights


EMPTY = as_json(Weights({}))


@pytest.mark.parametrize(
    "data",
    [
        *(None, [], {}, {**EMPTY, "models": 3}, {**EMPTY, "known": 3}),
        {**EMPTY, "models": {"cs.RO": {"bias": "x", "papers": 1, "terms": {}}}},
        {**EMPTY, "models": {"cs.RO": {"bias": 1, "papers": 1, "terms": {"b": float("nan")}}}},
        {**EMPTY, "models": {"cs.RO": {"bias": 1, "papers": 1, "terms": {"one two three": 1}}}},
        {**EMPTY, "models": {"cs.RO": {"bias": 1, "papers": 1, "terms": {"": 1}}}},
        {**EMPTY, "known": "0" * 11},
    ],
)
def test_what_is_no_weights_is_refused_in_one_sentence(data: object) -> None:
    with pytest.raises(WeightsError, match=r"^The learned weights cannot be read: .*\.$"):
        from_json(data)


def test_a_mark_tells_papers_apart_and_spellings_not() -> None:
    assert mark_of("Robots  that Cook") == mark_of("robots that cook") != mark_of("Robots that sing")
    # Marks are for recognising papers. For telling papers of one set apart there is the title itself.
    assert title_key_of("Robots  that Cook") == "robot that cook"
    assert title_key_of("?!") == title_key_of(" ?!") != title_key_of("...")


def test_where_the_shipped_file_is_missing_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(weights_module, "SHIPPED", tmp_path / "none.json")
    shipped_weights.cache_clear()
    try:
        assert shipped_weights() is shipped_weights() is NOTHING_LEARNED
    finally:
        shipped_weights.cache_clear()
    assert [record.message for record in caplog.records] == [
        f"Papers are filed by phrases alone: {tmp_path / 'none.json'} is missing."
    ]


def test_the_shipped_weights_are_small_and_tell_where_they_come_from() -> None:
    weights = shipped_weights()
    assert SHIPPED.stat().st_size < 400_000
    assert {"origin", "files", "papers", "cross_validated_macro_f1"} <= set(weights.about)
    assert set(PRIMARY_CATEGORIES) <= set(weights.models)
    learned = [rule for rule in starter_rules() if weights.keys_for(rule.slug, rule.categories)]
    offsets = [weights.offset_for(rule.slug, rule.categories, rule.phrases) for rule in learned]
    # A starter topic with categories cannot be edited without `train_topics --write-artefact`.
    assert offsets and None not in offsets
    alone = [weights.offset_for(rule.slug, rule.categories, ()) for rule in learned]
    assert None not in alone


def test_every_shipped_term_is_one_or_two_readable_words() -> None:
    for model in shipped_weights().models.values():
        assert 0 < len(model.terms) <= 600
        for text in model.terms:
            folded = fold(text)
            assert 1 <= len(folded) <= 2, text
            assert text == text.casefold() and text.replace(" ", "").isalnum(), text
            assert not FUNCTION_WORDS.intersection(folded), text
            assert not any(word.isdigit() or len(word) == 1 for word in folded), text
