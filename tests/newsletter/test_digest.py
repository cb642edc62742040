"""What a choice gets out of an edition, by example and for any edition at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from newsletter.digest import HELPINGS, Choice, Composer, Digest, Entry, Match, best_first


def entry(rank: int, **scores: float) -> Entry:
    return Entry(rank, tuple(Match(topic, topic.upper(), score) for topic, score in scores.items()))


def compose(entries: list[Entry], length: int = 10, *, top: bool = False, **weights: str) -> Digest:
    return Composer(entries).compose(Choice(weights, length, top))


def shown(digest: Digest) -> list[tuple[str | None, list[int]]]:
    return [(section.topic, [item.rank for item in section.items]) for section in digest.sections]


def test_every_topic_gets_its_first_before_any_gets_a_second() -> None:
    entries = [entry(1, a=0.9), entry(2, a=0.9), entry(3, a=0.9), entry(8, b=0.9), entry(9, c=0.9)]
    digest = compose(entries, 4, a="normal", b="normal", c="normal")
    assert shown(digest) == [("a", [1, 2]), ("b", [8]), ("c", [9])]


def test_a_topic_without_papers_leaves_its_share_to_the_others() -> None:
    entries = [entry(1, a=0.9), entry(2, a=0.9), entry(3, a=0.9)]
    assert shown(compose(entries, 3, a="normal", nothing="more")) == [("a", [1, 2, 3])]


def test_more_gets_twice_as_many_as_normal_and_less_half_as_many() -> None:
    entries = [entry(rank, **{"abc"[rank % 3]: 0.5}) for rank in range(1, 61)]
    digest = compose(entries, 14, a="more", b="normal", c="less")
    assert {section.topic: len(section.items) for section in digest.sections} == {"a": 8, "b": 4, "c": 2}


def test_a_paper_stands_under_its_best_topic_of_the_choice_only() -> None:
    entries = [entry(1, a=0.3, b=0.7, c=0.9), entry(2, a=0.5)]
    digest = compose(entries, a="normal", b="normal")
    assert shown(digest) == [("b", [1]), ("a", [2])]
    assert digest.items[0].match == Match("b", "B", 0.7)
    assert [section.name for section in digest.sections] == ["B", "A"]


def test_sections_are_in_the_order_of_their_best_paper_and_papers_in_the_order_of_rank() -> None:
    entries = [entry(4, a=0.9), entry(1, b=0.2), entry(3, a=0.1), entry(2, b=0.9)]
    assert shown(compose(entries, a="normal", b="normal")) == [("b", [1, 2]), ("a", [3, 4])]


def test_no_topics_is_the_overall_top() -> None:
    entries = [entry(rank, a=0.5) for rank in (3, 1, 2)]
    digest = compose(entries, 2)
    assert shown(digest) == [(None, [1, 2])]
    assert [item.match for item in digest.items] == [None, None]
    assert digest.sections[0].name == ""


@pytest.mark.parametrize(("top", "expected"), [(False, []), (True, [(None, [1, 2])])])
def test_where_nothing_matches_there_is_nothing_unless_the_top_was_asked_for(
    top: bool, expected: list[object]
) -> None:
    assert shown(compose([entry(1, a=0.5), entry(2)], top=top, b="normal")) == expected


def test_an_empty_edition_gives_empty_digests() -> None:
    assert compose([], a="normal", top=True) == compose([]) == Digest(())


def test_shortened_loses_the_lowest_ranked_paper_and_a_section_that_has_no_other() -> None:
    digest = compose([entry(1, a=0.5), entry(2, b=0.5), entry(3, a=0.5)], a="normal", b="normal")
    once = digest.shortened()
    assert (shown(once), shown(once.shortened())) == ([("a", [1]), ("b", [2])], [("a", [1])])


def test_several_editions_become_one_order_with_what_was_pinned_in_front() -> None:
    # The newer edition comes first among equals; the -1 is pinned in front of a 5.
    assert best_first([[4, 2], [], [-1, 5, 2]]) == [(2, 0), (2, 1), (0, 0), (2, 2), (0, 1)]
    assert best_first([]) == best_first([[], []]) == []


SCORES = some.lists(some.lists(some.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]), max_size=8), max_size=7)


@given(SCORES)
def test_each_edition_keeps_its_own_order_among_the_others(scores: list[list[float]]) -> None:
    order = best_first(scores)
    for number, own in enumerate(scores):
        assert [place for edition, place in order if edition == number] == list(range(len(own)))
    assert len(order) == sum(map(len, scores))
    # Where nothing is pinned, so that every edition is in the order of its scores, all of them are.
    if all(own == sorted(own, reverse=True) for own in scores):
        merged = [scores[edition][place] for edition, place in order]
        assert merged == sorted(merged, reverse=True)


TOPICS = some.sampled_from("abcdef")
EDITIONS = some.lists(some.dictionaries(TOPICS, some.floats(0, 1)), max_size=60).map(
    lambda papers: [entry(rank, **scores) for rank, scores in enumerate(papers, start=1)]
)
CHOICES = some.dictionaries(TOPICS, some.sampled_from(sorted(HELPINGS)), min_size=1)


@given(EDITIONS, CHOICES, some.integers(1, 20), some.randoms())
def test_a_digest_is_never_too_long_repeats_nothing_and_keeps_to_the_choice(
    entries: list[Entry], weights: dict[str, str], length: int, chance: object
) -> None:
    digest = Composer(entries).compose(Choice(weights, length))
    ranks = [item.rank for item in digest.items]
    by_rank = {entry.rank: entry for entry in entries}
    matching = [one for one in entries if any(match.topic in weights for match in one.matches)]
    assert len(ranks) == len(set(ranks)) == min(length, len(matching))
    for section in digest.sections:
        assert section.topic in weights
        for item in section.items:
            followed = [match for match in by_rank[item.rank].matches if match.topic in weights]
            assert item.match in followed
            assert item.match.score == max(match.score for match in followed)
    # Neither the order of entries nor of the choice's topics makes a difference.
    mixed, order = list(entries), list(weights.items())
    chance.shuffle(mixed)
    chance.shuffle(order)
    assert Composer(mixed).compose(Choice(dict(order), length)) == digest


@given(EDITIONS, some.lists(TOPICS, min_size=1, unique=True), some.integers(1, 20))
def test_no_topic_is_two_helpings_ahead_of_one_that_has_more_to_give(
    entries: list[Entry], topics: list[str], length: int
) -> None:
    choice = dict.fromkeys(topics, "normal")
    digest = Composer(entries).compose(Choice(choice, length))
    everything = Composer(entries).compose(Choice(choice, len(entries) + 1))
    got = {section.topic: len(section.items) for section in digest.sections}
    could = {section.topic: len(section.items) for section in everything.sections}
    for topic, most in could.items():
        if got.get(topic, 0) < most:
            assert max(got.values(), default=0) <= got.get(topic, 0) + 1
