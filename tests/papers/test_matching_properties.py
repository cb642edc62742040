"""What holds of matching whatever the topics and the text."""

import random

from hypothesis import given
from hypothesis import strategies as st

from papers.matching import THRESHOLD, Matcher, TopicRule
from papers.topics.phrases import fold, read
from papers.topics.weights import Model, Weights

WORDS = ["robot", "speech", "graph", "neural", "networks", "policies", "fine-tuning", "of", "bias", "3D"]
MODELS = Weights(
    {
        "cs.RO": Model(-0.5, {"robots": 8.0, "policy": 3.0, "speech": -4.0}),
        "cs.SD": Model(-1.0, {"speech": 9.0, "fine tuning": 2.0}),
        "cs.LG": Model(0.2, {"neural networks": 6.0, "graph": -2.0, "bias": 1.0}),
    }
)
texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
phrases = st.lists(
    st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join), st.floats(0.1, 2)),
    max_size=4,
    unique_by=lambda phrase: phrase[0],
).map(lambda found: [f"{text} ^{weight:.2f}" for text, weight in found])
categories = st.lists(st.sampled_from(["cs.RO", "cs.SD", "cs.LG", "cs.XX"]), max_size=3, unique=True)
rules = st.builds(lambda phrases, categories: TopicRule("t", "T", phrases, categories), phrases, categories)


def score(rule: TopicRule, *paper: str) -> float:
    return max((match.score for match in Matcher([rule], MODELS, threshold=0).match(*paper)), default=0.0)


@given(rule=rules, more=phrases, title=texts, abstract=texts)
def test_adding_a_phrase_never_lowers_a_topic(
    rule: TopicRule, more: list[str], title: str, abstract: str
) -> None:
    richer = TopicRule("t", "T", [*rule.phrases, *more], rule.categories)
    assert score(richer, title, abstract) >= score(rule, title, abstract)


@given(rule=rules, title=texts, abstract=texts, keywords=st.lists(texts, max_size=2))
def test_evidence_occurs_in_the_text(rule: TopicRule, title: str, abstract: str, keywords: list[str]) -> None:
    said = [" ".join(read(text).stream) for text in (title, abstract, *keywords)]
    for match in Matcher([rule], MODELS, threshold=0).match(title, abstract, keywords):
        assert match.evidence
        for term in match.evidence:
            assert any(f" {' '.join(fold(term))} " in f" {text} " for text in said), term


@given(found=st.lists(rules, min_size=2, max_size=4), title=texts, abstract=texts, seed=st.integers(0, 99))
def test_the_order_of_topics_and_phrases_means_nothing(
    found: list[TopicRule], title: str, abstract: str, seed: int
) -> None:
    named = [TopicRule(f"t{place}", "T", rule.phrases, rule.categories) for place, rule in enumerate(found)]
    mixed = [
        TopicRule(
            rule.slug,
            "T",
            random.Random(seed).sample(list(rule.phrases), len(rule.phrases)),
            list(reversed(rule.categories)),
        )
        for rule in reversed(named)
    ]
    assert Matcher(mixed, MODELS).match(title, abstract) == Matcher(named, MODELS).match(title, abstract)


@given(rule=rules, title=st.text(max_size=300), abstract=st.text(max_size=300))
def test_scores_stay_within_bounds_in_any_script(rule: TopicRule, title: str, abstract: str) -> None:
    for match in Matcher([rule], MODELS).match(title, abstract):
        assert THRESHOLD <= match.score <= 1
