"""Topics found in a paper's text and categories, with score and evidence."""

import pytest

from papers.matching import THRESHOLD, Match, Matcher, TopicRule
from papers.topics.phrases import PhraseError

ROBOTS = TopicRule("robots", "Robots", ["robot", "gripper", "scene ^0.3"], ["cs.RO"])
SOUND = TopicRule("sound", "Sound", ["speech", "sound ^0.5"], ["cs.SD", "eess.AS"])


def topics(*paper: object, **signals: object) -> list[str]:
    return [match.topic for match in Matcher([ROBOTS, SOUND]).match(*paper, **signals)]  # type: ignore[arg-type]


def test_a_title_word_files_a_paper_and_is_its_evidence() -> None:
    assert Matcher([ROBOTS, SOUND]).match("A robot that cooks", None) == [Match("robots", 0.6321, ("robot",))]


def test_one_broad_word_in_the_abstract_files_nothing() -> None:
    assert topics("A study", "It looks at one scene after another, scene by scene.") == []


def test_broad_words_file_a_paper_together() -> None:
    assert topics("A study", "A robot with a gripper in a scene.") == ["robots"]


def test_the_title_counts_more_than_the_abstract() -> None:
    matcher = Matcher([ROBOTS, SOUND])
    titled = matcher.match("Robots", "We record speech, speech and speech; sound too.")
    assert [match.topic for match in titled] == ["robots", "sound"]


def test_repeating_a_word_adds_little() -> None:
    matcher = Matcher([ROBOTS], threshold=0)
    once, often = (matcher.match("A study", "robot " * times)[0].score for times in (1, 1000))
    assert (once, often) == (0.3935, 0.5275)


def test_the_primary_category_files_by_itself_and_a_cross_list_does_not() -> None:
    matcher = Matcher([ROBOTS, SOUND])
    assert matcher.match("A study", "", (), ["cs.RO", "cs.SD"]) == [Match("robots", 0.5934, ("arXiv cs.RO",))]


def test_keywords_count_and_no_phrase_is_found_across_two_of_them() -> None:
    rule = TopicRule("t", "T", ["neural field", "speech", "codec"])
    assert Matcher([rule]).match("A study", "", ["deep neural", "field work"]) == []
    assert Matcher([rule]).match("A study", "", ["speech", "neural codec"]) == [
        Match("t", 0.5034, ("codec", "speech"))
    ]


def test_evidence_names_the_strongest_terms_first_and_at_most_five() -> None:
    rule = TopicRule("t", "T", ["a1 ^0.1", "b2 ^0.2", "c3 ^0.3", "d4 ^0.4", "e5 ^0.5", "f6 ^0.6"])
    (match,) = Matcher([rule]).match("a1 b2 c3 d4 e5 f6", "")
    assert match.evidence == ("f6", "e5", "d4", "c3", "b2")


def test_topics_may_share_a_phrase_with_weights_of_their_own() -> None:
    matcher = Matcher([TopicRule("one", "One", ["codec"]), TopicRule("two", "Two", ["codec ^2"])])
    assert [(match.topic, match.score) for match in matcher.match("A codec")] == [
        ("two", 0.8647),
        ("one", 0.6321),
    ]


def test_equal_scores_come_in_the_order_of_their_slugs() -> None:
    rules = [TopicRule(slug, slug, ["codec"]) for slug in ("c", "a", "b")]
    assert [match.topic for match in Matcher(rules).match("A codec")] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "title", ["", " ", "\x00", "?" * 100_000, "robot " * 100_000, "-" * 50_000, "\ud800"]
)
def test_scores_stay_within_bounds_whatever_the_text(title: str) -> None:
    matches = Matcher([ROBOTS, SOUND]).match(title, title, [title], ["", "cs.RO"])
    assert all(THRESHOLD <= match.score <= 1 for match in matches)


def test_no_topics_match_nothing() -> None:
    assert Matcher([]).match("A robot", "speaks", ["speech"], ["cs.RO"]) == []


def test_a_phrase_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(PhraseError, match="needs a number"):
        Matcher([TopicRule("t", "T", ["speech ^loud"])])
