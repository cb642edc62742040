"""Phrases as editors type them, found in text as people write it."""

import pytest

from papers.topics.phrases import Phrase, PhraseError, PhraseIndex, parse_phrase, singular


@pytest.mark.parametrize(
    ("line", "phrase"),
    [
        ("reward model", Phrase("reward model", 1.0)),
        ("reward model ^0.5", Phrase("reward model", 0.5)),
        ("  reward   model^2 ", Phrase("reward model", 2.0)),
        ("LLM ^.3", Phrase("LLM", 0.3)),
    ],
)
def test_a_phrase_is_read_with_its_weight(line: str, phrase: Phrase) -> None:
    assert parse_phrase(line) == phrase


@pytest.mark.parametrize(
    "line", ["", "   ", "^0.5", "---", "agent ^", "agent ^high", "agent ^0", "agent ^11", "agent ^-1"]
)
def test_a_phrase_that_says_nothing_or_weighs_nonsense_is_refused(line: str) -> None:
    with pytest.raises(PhraseError, match=r"phrase|weight"):
        parse_phrase(line)


@pytest.mark.parametrize(
    ("phrase", "text", "times"),
    [
        ("agent", "An agent, two Agents and AGENT-based work", 3),
        ("agent", "reagents and agentic pages", 0),  # whole words only
        ("LLM", "LLMs beat an llm", 2),
        ("policy", "Policies differ from one policy", 2),
        ("loss", "losses of a loss", 2),
        ("bias", "bias and bias", 2),
        ("Alzheimer", "Alzheimer's disease, Alzheimer\u2019s", 2),
        ("fine-tuning", "fine-tuning, fine tuning and finetuning; Fine\u2011Tuning", 4),
        ("pretraining", "pretraining and pre-training", 2),
        ("pre-trained model", "pretrained models and pre-trained models", 2),
        ("text to image", "text-to-image", 1),
        ("graph network", "a graph. Neural network", 0),
        ("language model", "language\n  model", 1),
        ("R\u00e9nyi entropy", "R\u00c9NYI ENTROPY", 1),
        ("3D", "3D and 13D", 1),
    ],
)
def test_a_phrase_is_found_however_it_is_written(phrase: str, text: str, times: int) -> None:
    assert PhraseIndex([phrase]).count(text) == ({0: times} if times else {})


def test_phrases_inside_each_other_are_all_counted() -> None:
    index = PhraseIndex(["language model", "large language model", "model", "large model"])
    assert index.count("A large language model is a model.") == {0: 1, 1: 1, 2: 2}


def test_a_long_run_of_the_same_word_takes_no_time() -> None:
    index = PhraseIndex(["a a a a b", "a-a"])
    assert index.count("a " * 20_000) == {1: 19_999}


@pytest.mark.parametrize(
    ("word", "root"),
    [("boxes", "box"), ("studies", "study"), ("gas", "gas"), ("analysis", "analysis"), ("class", "class")],
)
def test_plurals_fold_and_other_words_stay(word: str, root: str) -> None:
    assert singular(word) == root
