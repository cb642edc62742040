"""Papers to learn from, and what is known of them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from papers.learning.labelled import OFF_TOPIC, LabelledPaper
from papers.matching import TopicRule


@dataclass(frozen=True, slots=True)
class Example:
    """A paper to learn from: its arXiv categories, and what editors decided (topic slug -> belongs there).

    The primary category is first. `marked` papers are of a field that readers did not come for.
    """

    title: str
    abstract: str
    categories: tuple[str, ...]
    marked: bool = False
    decisions: Mapping[str, bool] = field(default_factory=dict)


def examples_of(papers: Iterable[LabelledPaper]) -> list[Example]:
    """Labelled rows as examples."""
    return [
        Example(one.title, one.abstract, one.categories, is_marked(one.categories, one.sample))
        for one in papers
    ]


def is_marked(categories: Iterable[str], sample: str = "") -> bool:
    """Whether a paper is of a field that readers did not come for.

    A labelled row says so itself; of other papers, none of the categories is of computing or statistics.
    """
    if sample:
        return sample == OFF_TOPIC
    return not any(one.startswith(("cs.", "stat.", "eess.")) for one in categories)


def foreign(examples: Sequence[Example]) -> list[bool]:
    """The marked examples without a home category: one that is more often primary of unmarked papers."""
    votes: Counter[str] = Counter()
    for one in examples:
        if one.categories:
            votes[one.categories[0]] += -1 if one.marked else 1
    home = {category for category, balance in votes.items() if balance > 0}
    return [one.marked and home.isdisjoint(one.categories) for one in examples]


def belongs_to(rule: TopicRule, example: Example) -> bool:
    """The truth of a topic: what an editor decided, else whether the categories meet."""
    decided = example.decisions.get(rule.slug)
    return bool({*example.categories} & {*rule.categories}) if decided is None else decided


def is_known(rule: TopicRule, example: Example) -> bool:
    """Whether the truth of a topic is known: by an editor, or by categories on both sides."""
    return rule.slug in example.decisions or bool(rule.categories and example.categories)
