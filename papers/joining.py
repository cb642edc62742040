"""Decides which paper each source record belongs to, and moves records when a later one changes the answer.

The rule is a function of the set of records alone. Records of one arXiv id are one paper. The records
without id
that share a title are a group; the group joins the only paper with an id that has the title, and is a paper
of its
own where there is none. Where two or more have it, the group stands alone and waits for a curator. What a
curator decided stays. A paper that another table protects (it was in an edition) keeps its row.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import models

from papers.identity import title_hash
from papers.models import Observation, Paper, PaperTopic, SourceRecord


@dataclass(eq=False, slots=True)
class _Home:
    """A paper that exists (`pk`) or is about to."""

    pk: int | None = None


@dataclass
class Joining:
    """One run of the rule: settles `titles`, of which `rows` must hold all records, saved or not."""

    rows: list[SourceRecord]
    titles: set[str]
    homes: dict[str, _Home] = field(default_factory=dict)  # identity -> home
    touched: set[int] = field(default_factory=set)  # papers to fold anew
    created: set[int] = field(default_factory=set)
    review: dict[_Home, bool] = field(default_factory=dict)

    def run(self) -> None:
        """Give every row its paper; create, merge and split papers as needed. Rows are left to the caller to
        save, except rows that move from one saved paper to another."""
        by_pk: dict[int, _Home] = {}
        for row in self.rows:
            if row.paper_id is not None:
                self.homes[row.identity] = by_pk.setdefault(row.paper_id, _Home(row.paper_id))
        groups, holders = self._by_title()
        for identity in sorted({row.identity for row in self.rows if row.arxiv_id}):
            if identity not in self.homes:
                self.homes[identity] = self._adopted(identity, groups, holders) or _Home()
        for key in sorted(groups):
            self._settle(groups[key], {self.homes[identity] for identity in holders[key]})
        self._create()
        self._place()

    def _by_title(self) -> tuple[dict[str, list[SourceRecord]], dict[str, set[str]]]:
        """For each title: its records without id, and the identities with id that have it."""
        groups: dict[str, list[SourceRecord]] = defaultdict(list)
        holders: dict[str, set[str]] = defaultdict(set)
        for row in self.rows:
            for key in self.titles.intersection(row.title_keys):
                if row.arxiv_id:
                    holders[key].add(row.identity)
                else:
                    groups[key].append(row)
        return groups, holders

    def _adopted(
        self, identity: str, groups: dict[str, list[SourceRecord]], holders: dict[str, set[str]]
    ) -> _Home | None:
        """The oldest paper without id that this new id alone shares a title with."""
        taken = {home for name, home in self.homes.items() if name.startswith("arxiv:")}
        free = [
            self.homes[group[0].identity]
            for key, group in groups.items()
            if holders[key] == {identity} and group[0].identity in self.homes and not _decided(group)
        ]
        free = [home for home in free if home not in taken]
        return min(free, key=lambda home: home.pk or 0, default=None)

    def _settle(self, group: list[SourceRecord], holders: set[_Home]) -> None:
        identity = group[0].identity
        home = self.homes.get(identity)
        if _decided(group):
            return
        if len(holders) == 1:
            (holder,) = holders
            if home is None or home is holder or self._unite(home, holder):
                self.homes[identity] = holder
                self.review[holder] = False
            else:
                self.review[home] = True  # editions hold both rows: a curator's case
            return
        if home is None or home in holders:
            self.homes[identity] = home = _Home()
        self.review[home] = len(holders) > 1

    def _unite(self, home: _Home, holder: _Home) -> bool:
        """Make a group's own paper part of the holder's; False where editions hold both rows."""
        if holder.pk is None or home.pk is None:
            holder.pk = holder.pk or home.pk
            self._redirect(home, holder)
            return True
        keep = older_or_protected(home.pk, holder.pk)
        if keep is None:
            return False
        lose = home.pk if keep == holder.pk else holder.pk
        move_everything(lose, keep)
        self.touched.discard(lose)
        for row in self.rows:
            if row.paper_id == lose:
                row.paper_id = keep
        holder.pk = keep
        self._redirect(home, holder)
        self.touched.add(keep)
        return True

    def _redirect(self, home: _Home, holder: _Home) -> None:
        for identity, found in self.homes.items():
            if found is home:
                self.homes[identity] = holder

    def _create(self) -> None:
        """Save the papers that do not exist yet, with what the database insists on; the fold fills in the
        rest."""
        fresh: dict[_Home, Paper] = {}
        for row in self.rows:
            home = self.homes[row.identity]
            if home.pk is None and home not in fresh:
                title = row.payload["title"][1]
                key = row.title_keys[0]
                fresh[home] = Paper(title=title, title_key=key, title_hash=title_hash(key))
        Paper.objects.bulk_create(fresh.values())
        for home, paper in fresh.items():
            home.pk = paper.pk
            self.created.add(paper.pk)
            self.touched.add(paper.pk)

    def _place(self) -> None:
        for row in self.rows:
            home = self.homes[row.identity]
            assert home.pk is not None
            if row.pk and row.paper_id != home.pk:
                SourceRecord.objects.filter(pk=row.pk).update(paper=home.pk)
                move_observations(row, home.pk)
                self.touched |= {row.paper_id, home.pk}
            row.paper_id = home.pk
        for home, wanted in self.review.items():
            if home.pk and Paper.objects.filter(pk=home.pk).exclude(needs_review=wanted).update(
                needs_review=wanted
            ):
                self.touched.add(home.pk)


def _decided(group: list[SourceRecord]) -> bool:
    return any(row.decided_by_editor for row in group)


def neighbours(title_keys: Iterable[str], loaded: Iterable[SourceRecord]) -> list[SourceRecord]:
    """The loaded rows and every other saved row that has one of the titles."""
    rows = list(loaded)
    known = {row.pk for row in rows if row.pk}
    keys = list(title_keys)
    if not keys:
        return rows
    found = SourceRecord.objects.filter(title_keys__overlap=keys).exclude(pk__in=known)
    return rows + list(found.order_by("pk"))


def protected(pks: Iterable[int]) -> set[int]:
    """Those of these papers that a row of another table forbids to delete (found without naming the
    table)."""
    wanted = list(pks)
    held: set[int] = set()
    for relation in Paper._meta.related_objects:
        if relation.on_delete is models.PROTECT:  # type: ignore[attr-defined]
            name = relation.field.name
            rows = relation.related_model._base_manager.filter(**{f"{name}__in": wanted})  # type: ignore[union-attr]
            held |= set(rows.values_list(f"{name}_id", flat=True))
    return held


def older_or_protected(one: int, other: int) -> int | None:
    """Which of two papers keeps its row: the protected one, else the older; None where both are protected."""
    held = protected([one, other])
    if len(held) == 2:
        return None
    return held.pop() if held else min(one, other)


def move_observations(row: SourceRecord, to: int) -> None:
    """Let a row's observations follow it to another paper."""
    Observation.objects.filter(paper=row.paper_id, source=row.source, identity=row.identity).update(paper=to)


def move_everything(lose: int, keep: int) -> None:
    """Move records, observations and editors' decisions from one paper to another and delete the first."""
    SourceRecord.objects.filter(paper=lose).update(paper=keep)
    Observation.objects.filter(paper=lose).update(paper=keep)
    filed = PaperTopic.objects.filter(paper=keep)
    decided = PaperTopic.objects.filter(paper=lose).exclude(decision=PaperTopic.Decision.MATCHED)
    filed.filter(decision=PaperTopic.Decision.MATCHED, topic__in=decided.values("topic")).delete()
    decided.exclude(topic__in=filed.values("topic")).update(paper=keep)
    loser, keeper = Paper.objects.get(pk=lose), Paper.objects.get(pk=keep)
    notes = dict.fromkeys(note for note in (keeper.editor_note, loser.editor_note) if note)
    Paper.objects.filter(pk=keep).update(
        pinned=keeper.pinned or loser.pinned,
        hidden=keeper.hidden or loser.hidden,
        boost=keeper.boost or loser.boost,
        editor_note="\n".join(notes),
    )
    loser.delete()
