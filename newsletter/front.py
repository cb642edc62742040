"""Lays a front page out: what leads, what else is in the paper, and which section a paper stands in. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from newsletter.spans import Month, Span, Week
from papers.excerpt import cut_at_word
from papers.reading.telling import told
from papers.reasons import attention, explain
from papers.sources.names import name_of

ALSO = 4
# From this many on, a topic gets a section of its own; fewer share the briefs.
SECTION_FROM = 3
# In a section, so many are set large, the others small. So it is in the first sections; those that follow
# have small ones only.
LARGE = 3
LARGE_SECTIONS = 8
# A small card has two lines of the summary. No screen shows more characters than these in two lines.
TWO_LINES = 200
# Of the words that a paper was found by, and of its topics, a card names so many.
MOST_EVIDENCE = 2
TOPICS_NAMED = 2
# A page weighs less than 100 kB with its style sheet and script: what is more stands on the next.
A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Story:
    """One paper of an edition.

    `card` has the shape of `papers.card`, `matches` are those of `EditionPaper`, best first; `topic` is the
    best one's slug; `why` is half a sentence or "", made of `terms`; `settled`: its votes are in; `day` is
    the edition's; `withdrawn`: by its authors, be it since.
    """

    card: dict[str, Any]
    topic: str = ""
    topic_name: str = ""
    why: str = ""
    matches: Sequence[dict[str, Any]] = ()
    terms: Sequence[Mapping[str, Any]] = ()
    settled: bool = False
    withdrawn: bool = False
    day: date | None = None

    @property
    def attention(self) -> str:
        """As much of `why` as the counts, which stand beside it, do not say."""
        return attention(self.terms, settled=self.settled)

    @property
    def count(self) -> str:
        """The votes alone: a reason where there is no other. From an archive nothing came for them."""
        return "" if self.card["from_archive"] else self.why

    @property
    def brief(self) -> str:
        """As much of the summary as a small card shows."""
        return cut_at_word(self.card["summary"], TWO_LINES)

    @property
    def evidence(self) -> list[str]:
        """What it was filed under its topic by, as far as a card tells."""
        return list(self.matches[0].get("evidence", ()))[:MOST_EVIDENCE] if self.matches else []

    @property
    def other_topics(self) -> Sequence[dict[str, Any]]:
        """The matches that a card names besides its topic."""
        return self.matches[1:TOPICS_NAMED]


@dataclass(frozen=True, slots=True)
class OneDay:
    """A day in a line of days. `papers` is None where it has no edition."""

    day: date
    papers: int | None


@dataclass(slots=True)
class Section:
    """Stories under one topic ("" = none), or in a look back at a month, of one week and its days."""

    topic: str = ""
    name: str = ""
    week: Week | None = None
    days: Sequence[OneDay] = ()
    stories: list[Story] = field(default_factory=list)
    has_large: bool = True

    @property
    def large(self) -> list[Story]:
        return self.stories[:LARGE] if self.has_large else []

    @property
    def small(self) -> list[Story]:
        return self.stories[len(self.large) :]


@dataclass(frozen=True, slots=True)
class FrontPage:
    """`meanwhile`: of a day without papers, what stands in their place, from an earlier edition."""

    lead: Story | None
    also: Sequence[Story]
    sections: Sequence[Section]
    briefs: Sequence[Section]
    meanwhile: Sequence[Story] = ()


def sources_in_words(states: Iterable[Mapping[str, str]]) -> str:
    """ "Hugging Face read at 00:17 UTC · arXiv stale since Thursday 19 November, 23:40 UTC"."""
    return " · ".join(f"{name_of(state['source'])} {told(state['text'])}" for state in states)


def story_of(
    card: dict[str, Any],
    matches: Sequence[dict[str, Any]],
    terms: Iterable[dict[str, Any]],
    *,
    day: date | None = None,
    settled: bool = False,
    withdrawn: bool = False,
) -> Story:
    """Return the story of one edition entry, under its best match. `settled`: its votes are in."""
    terms = list(terms)
    best = matches[0] if matches else {}
    return Story(
        card=card,
        topic=best.get("topic", ""),
        topic_name=best.get("name", ""),
        why=explain(terms, beside_counts=True, settled=settled),  # the line of facts has comments and stars
        matches=matches,
        terms=terms,
        settled=settled,
        withdrawn=withdrawn,
        day=day,
    )


def lay_out(stories: Sequence[Story]) -> FrontPage:
    """Put ranked stories on the page; each stands once. Sections come in the order of their best paper."""
    sections: dict[str, Section] = {}
    for story in stories[1 + ALSO :]:
        section = sections.setdefault(story.topic, Section(story.topic, story.topic_name))
        section.stories.append(story)
    large = [section for section in sections.values() if len(section.stories) >= SECTION_FROM]
    for section in large[LARGE_SECTIONS:]:
        section.has_large = False
    return FrontPage(
        lead=stories[0] if stories else None,
        also=stories[1 : 1 + ALSO],
        sections=large,
        briefs=[section for section in sections.values() if len(section.stories) < SECTION_FROM],
    )


def lay_out_by_week(stories: Sequence[Story], month: Month, papers: Mapping[date, int]) -> FrontPage:
    """The same for a month, below the best of all: a section for each week, the latest first.

    `papers`: how many each day has that has an edition; its weeks have a section, be it without stories.
    """
    weeks = {
        week: Section(week=week, days=line_of_days(week, papers, month)) for week in map(Week.of, papers)
    }
    for story in stories[1 + ALSO :]:
        if story.day is not None:
            weeks[Week.of(story.day)].stories.append(story)
    return FrontPage(
        lead=stories[0] if stories else None,
        also=stories[1 : 1 + ALSO],
        sections=[weeks[week] for week in sorted(weeks, reverse=True)],
        briefs=[],
    )


def line_of_days(week: Week, papers: Mapping[date, int], within: Span) -> list[OneDay]:
    """The days of a week, Monday first, as far as they lie within the span that the page is about."""
    days = (week.first + timedelta(days=number) for number in range(7))
    return [OneDay(day, papers.get(day)) for day in days if day in within]
