"""Hugging Face Daily Papers: answers of `/api/daily_papers` and recordings of them → PaperRecord.

Facts this file rests on: votes stand only inside `paper`, comments only outside; `item.publishedAt` is local
time written as UTC, so only `paper.publishedAt` counts; unknown keys are absent, not null; before March 2025
there is no summary, submission time or submitter. Keys we do not know are ignored.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from papers.sources import values
from papers.sources.jsontext import Broken, array_items, loads
from papers.sources.record import PaperRecord, Reading, Records, Reject

_ITEMS = re.compile(r',?\s*"items"\s*:\s*\[')


def parse_answer(
    body: str,
    *,
    listed_on: date | None = None,
    observed_at: datetime | None = None,
    start: int = 0,
    where: str = "",
) -> Records:
    """The records of one answer, a JSON array beginning at `start`.

    `listed_on` is the day that was asked for: it counts for items that do not tell their own, as those before
    March 2025. `observed_at` is when the answer came. A paper named twice gives two records; they are folded
    into one later.
    """
    yield from _records(array_items(body, start), listed_on, observed_at, where)


def parse_recording(line: str, position: str) -> Records:
    """The records of one recorded answer: `{"list_date", "observed_at", "observer", "items"}` on one line.

    A line that breaks off inside `items` still gives its whole items; the rest is one Reject.
    """
    try:
        value = loads(line)
    except ValueError as error:
        opening = _ITEMS.search(line)
        try:
            head = loads(line[: opening.start()] + "}") if opening else None
        except ValueError:
            head = None
        if opening is None or not isinstance(head, dict):
            yield Reject(position, str(error), values.excerpt(line))
        else:
            yield from recorded({**head, "items": array_items(line, opening.end() - 1)}, position)
        return
    yield from recorded(value, position)


def is_cut_recording(line: str) -> bool:
    """Whether a line that is no whole JSON begins as a recording does, so that its whole items can be
    saved."""
    return bool(_ITEMS.search(line[:2_000]))


def recorded(value: dict[str, Any], position: str) -> Records:
    """The records of a recording that is parsed already."""
    try:
        listed_on = values.day(value.get("list_date"), "list_date")
        observed_at = values.moment(value.get("observed_at"), "observed_at")
        items = value.get("items")
        if isinstance(items, dict | str) or not isinstance(items, Iterable):
            raise values.FieldError(f"items is {values.kind(items)}, not a list")
    except values.FieldError as error:
        yield Reject(position, str(error), values.excerpt(value))
        return
    yield from _records(items, listed_on, observed_at, f"{position}, ")


def _records(
    items: Iterable[Any], listed_on: date | None, observed_at: datetime | None, where: str
) -> Records:
    for number, item in enumerate(items, start=1):
        position = f"{where}item {number}"
        if isinstance(item, Broken):
            yield Reject(position, item.reason, item.excerpt)
            continue
        try:
            yield parse_item(item, position=position, listed_on=listed_on, observed_at=observed_at)
        except values.FieldError as error:
            yield Reject(position, str(error), values.excerpt(item))


def parse_item(
    item: Any, *, position: str, listed_on: date | None = None, observed_at: datetime | None = None
) -> PaperRecord:
    """One item of an answer. Raises FieldError where a field is missing or of the wrong kind."""
    if not isinstance(item, dict):
        raise values.FieldError(f"the item is {values.kind(item)}, not an object")
    if "paper" not in item:
        raise values.FieldError("paper is missing")
    paper = values.mapping(item["paper"], "paper")
    arxiv_id, version = values.arxiv_id(paper.get("id"), "paper.id")
    authors, author_count = _authors(paper.get("authors"))
    slug, name = _organization(paper, item)
    title = paper.get("title")
    return PaperRecord(
        source="huggingface",
        title=values.title(item.get("title") if title is None else title, "paper.title"),
        arxiv_id=arxiv_id,
        arxiv_version=version,
        abstract=values.text(paper.get("summary"), "paper.summary")
        or values.text(item.get("summary"), "summary"),
        authors=authors,
        author_count=author_count,
        organization_slug=slug,
        organization_name=name,
        published_on=values.day(paper.get("publishedAt"), "paper.publishedAt"),
        keywords=values.names(paper.get("ai_keywords"), "paper.ai_keywords", values.KEYWORDS_LIMIT),
        ai_summary=values.text(paper.get("ai_summary"), "paper.ai_summary"),
        github_url=values.link(paper.get("githubRepo"), "paper.githubRepo"),
        project_url=values.link(paper.get("projectPage"), "paper.projectPage"),
        thumbnail_url=values.link(item.get("thumbnail"), "thumbnail"),
        submitted_by=_submitter(paper, item),
        listed_on=_list_day(paper, listed_on, observed_at),
        read_at=observed_at,
        reading=_reading(paper, item, observed_at),
        position=position,
    )


def _list_day(paper: dict[str, Any], asked_for: date | None, observed_at: datetime | None) -> date | None:
    """The day on which the paper was submitted to its list: the same in all 1,355 recorded items. Where
    Hugging Face gives another list than was asked for, this is what tells. A day after the answer is a clock
    gone wrong and is not believed."""
    try:
        told = values.day(paper.get("submittedOnDailyAt"), "paper.submittedOnDailyAt")
    except values.FieldError:
        if asked_for is None:
            raise
        return asked_for
    if told and asked_for and observed_at and told > observed_at.astimezone(UTC).date():
        return asked_for
    return told or asked_for


def _authors(value: Any) -> tuple[tuple[str, ...] | None, int | None]:
    """The names that are not hidden, and how many they are."""
    if value is None:
        return None, None
    if not isinstance(value, list):
        raise values.FieldError(f"paper.authors is {values.kind(value)}, not a list")
    names = []
    for index, author in enumerate(value):
        where = f"paper.authors[{index}]"
        fields = values.mapping(author, where)
        name = values.text(fields.get("name"), f"{where}.name", values.NAME_LIMIT)
        if name and fields.get("hidden") is not True:
            names.append(name)
    return tuple(names[: values.AUTHORS_LIMIT]) or None, len(names) or None


def _organization(paper: dict[str, Any], item: dict[str, Any]) -> tuple[str | None, str | None]:
    where = "paper.organization" if paper.get("organization") is not None else "organization"
    fields = values.mapping(paper.get("organization") or item.get("organization"), where)
    return (
        values.text(fields.get("name"), f"{where}.name", values.NAME_LIMIT),
        values.text(fields.get("fullname"), f"{where}.fullname", values.NAME_LIMIT),
    )


def _submitter(paper: dict[str, Any], item: dict[str, Any]) -> str | None:
    for where, value in (
        ("paper.submittedOnDailyBy", paper.get("submittedOnDailyBy")),
        ("submittedBy", item.get("submittedBy")),
    ):
        fields = values.mapping(value, where)
        for key in ("fullname", "name", "user"):
            name = values.text(fields.get(key), f"{where}.{key}", values.NAME_LIMIT)
            if name:
                return name
    return None


def _reading(paper: dict[str, Any], item: dict[str, Any], observed_at: datetime | None) -> Reading | None:
    reading = Reading(
        observed_at=observed_at,
        upvotes=values.count(paper.get("upvotes"), "paper.upvotes"),
        num_comments=values.count(item.get("numComments"), "numComments"),
        github_stars=values.count(paper.get("githubStars"), "paper.githubStars"),
    )
    known = (reading.upvotes, reading.num_comments, reading.github_stars)
    return reading if any(entry is not None for entry in known) else None
