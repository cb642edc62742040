"""Lays a front page out: what leads, what else is in the paper, and which section a paper stands in. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from papers.reasons import explain
from papers.sources.names import name_of

ALSO = 4
# From this many on, a topic gets a section of its own; fewer share the briefs.
SECTION_FROM = 3
# In a section, so many stand with a summary; the others with their headline.
WITH_SUMMARY = 3


@dataclass(frozen=True, slots=True)
class Story:
    """One paper of an edition; `card` has the shape of `papers.card`, `why` is half a sentence or ""."""

    card: dict[str, Any]
    topic: str = ""
    topic_name: str = ""
    why: str = ""


@dataclass(slots=True)
class Section:
    topic: str
    name: str
    stories: list[Story] = field(default_factory=list)

    @property
    def told(self) -> list[Story]:
        return self.stories[:WITH_SUMMARY]

    @property
    def headlines(self) -> list[Story]:
        return self.stories[WITH_SUMMARY:]


@dataclass(frozen=True, slots=True)
class FrontPage:
    lead: Story | None
    also: Sequence[Story]
    sections: Sequence[Section]
    briefs: Sequence[Section]


def sources_in_words(states: Iterable[Mapping[str, str]]) -> str:
    """ "Hugging Face read at 00:17 UTC · arXiv stale since Thursday 19 November, 23:40 UTC"."""
    return " · ".join(f"{name_of(state['source'])} {state['text']}" for state in states)


def story_of(
    card: dict[str, Any], matches: Sequence[dict[str, Any]], terms: Iterable[dict[str, Any]]
) -> Story:
    """Return the story of one edition entry, under its best match."""
    best = matches[0] if matches else {}
    return Story(
        card=card,
        topic=best.get("topic", ""),
        topic_name=best.get("name", ""),
        why=explain(list(terms), beside_counts=True),  # the line of facts shows comments and stars
    )


def lay_out(stories: Sequence[Story]) -> FrontPage:
    """Put ranked stories on the page; each stands once. Sections come in the order of their best paper."""
    sections: dict[str, Section] = {}
    for story in stories[1 + ALSO :]:
        section = sections.setdefault(story.topic, Section(story.topic, story.topic_name or "Elsewhere"))
        section.stories.append(story)
    return FrontPage(
        lead=stories[0] if stories else None,
        also=stories[1 : 1 + ALSO],
        sections=[section for section in sections.values() if len(section.stories) >= SECTION_FROM],
        briefs=[section for section in sections.values() if len(section.stories) < SECTION_FROM],
    )
