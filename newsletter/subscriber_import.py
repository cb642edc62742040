"""Readers from a file. Brings people in; never brings anybody back who left, bounced or complained."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction

from newsletter import own_time
from newsletter.mixes import DEFAULT_LENGTH, LENGTHS, mix_for
from newsletter.models import MixTopic, Subscriber, TopicMix
from newsletter.subscriber_rows import BadRow, Row, read_header, read_rows, shown
from newsletter.suppression import suppressed
from papers.models import Topic

BATCH = 1000  # rows written in one transaction; a stopped import keeps its whole batches
NORMAL = MixTopic.Weight.NORMAL.value


@dataclass(frozen=True, slots=True)
class Note:
    """A row that was not taken, or not wholly, and why."""

    line: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """read = new + updated + unchanged + skipped + rejected."""

    read: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0
    differing: int = 0  # of the unchanged: rows whose choice on file is another one
    ignored_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """What a row asks for. None: the file does not say."""

    topics: frozenset[int]
    length: int | None
    when_empty: str | None
    time: Mapping[str, Any]  # columns of the reader: own_time.FIELDS, as far as the file tells


@dataclass(slots=True)
class Importer:
    """One run over one file. `note` is called for every row that is not taken, in the order of the file."""

    now: datetime
    state: str
    update: bool
    dry_run: bool
    note: Callable[[Note], None]
    report: ImportReport = field(default_factory=ImportReport)
    _topics: dict[str, Topic] = field(default_factory=dict)
    _mixes: dict[tuple[frozenset[tuple[int, str]], int, str, str], TopicMix] = field(default_factory=dict)
    _lines: dict[str, int] = field(default_factory=dict)

    def run(self, path: Path, progress: Callable[[int], None] | None = None) -> ImportReport:
        """Import the file; raises FileError where nothing can be read. `progress` gets the rows read."""
        header = read_header(path)
        self.report.ignored_columns = header.ignored
        for topic in Topic.objects.filter(is_active=True):
            self._topics[topic.name.casefold()] = topic
        self._topics.update({topic.slug.casefold(): topic for topic in list(self._topics.values())})
        rows = read_rows(path, header)
        while batch := list(islice(rows, BATCH)):
            wanted = list(self._wanted(batch))
            with transaction.atomic():
                self._save(wanted)
            if progress:
                progress(self.report.read)
        return self.report

    def _wanted(self, batch: list[Row | BadRow]) -> Iterator[tuple[Row, Choice]]:
        """Give the rows of the batch that can be read and stand for the first time, with their choices."""
        for row in batch:
            self.report.read += 1
            if isinstance(row, BadRow):
                self._reject(row.line, row.reason)
                continue
            choice = self._choice(row)
            if isinstance(choice, str):
                self._reject(row.line, choice)
                continue
            first = self._lines.setdefault(row.address.key, row.line)
            if first != row.line:
                self._skip(row.line, f"the same address as line {first}")
                continue
            yield row, choice

    def _choice(self, row: Row) -> Choice | str:
        """Read topics, length, what to do on an empty day, and times; or return what is wrong."""
        unknown = [name for name in row.topics if name.casefold() not in self._topics]
        if unknown:
            return f"there is no topic {shown(unknown[0])}"
        if row.length and row.length not in {str(length) for length in LENGTHS}:
            return f"length is {shown(row.length)}; it can be {', '.join(map(str, LENGTHS))}"
        if row.when_empty and row.when_empty not in TopicMix.WhenEmpty.values:
            return (
                f"when_empty is {shown(row.when_empty)}; it can be {' or '.join(TopicMix.WhenEmpty.values)}"
            )
        try:
            time = own_time.read(row.time)
        except own_time.BadTime as error:
            return str(error)
        return Choice(
            frozenset(self._topics[name.casefold()].pk for name in row.topics),
            int(row.length) if row.length else None,
            row.when_empty or None,
            time,
        )

    def _save(self, wanted: list[tuple[Row, Choice]]) -> None:
        keys = [row.address.key for row, _ in wanted]
        # Locked, so that nobody leaves between look and update; ordered, so that two imports cannot block.
        known = {
            reader.email_key: reader
            for reader in Subscriber.objects.filter(email_key__in=keys)
            .order_by("pk")
            .select_for_update(of=("self",))
            .select_related("mix")
            .prefetch_related("mix__choices")
        }
        banned = suppressed(keys)
        fresh: list[tuple[Row, Subscriber]] = []
        for row, choice in wanted:
            reader = known.get(row.address.key)
            if row.address.key in banned or (reader and reader.state == Subscriber.State.SUPPRESSED):
                self._skip(row.line, "on the suppression list: this address bounced or complained")
            elif reader is None:
                fresh.append((row, self._new(row, choice)))
            elif reader.state == Subscriber.State.UNSUBSCRIBED:
                self._skip(row.line, "unsubscribed; only the reader can come back, by signing up")
            else:
                self._known(reader, choice)
        self._insert(fresh)

    def _new(self, row: Row, choice: Choice) -> Subscriber:
        reader = Subscriber(
            email=row.address.email,
            email_key=row.address.key,
            state=self.state,
            origin="import",
            active_from=self.now if self.state == Subscriber.State.ACTIVE else None,
            **choice.time,
        )
        if not self.dry_run:
            weights = frozenset((topic, NORMAL) for topic in choice.topics)
            length = choice.length or DEFAULT_LENGTH
            reader.mix = self._mix(weights, length, choice.when_empty or TopicMix.WhenEmpty.SKIP.value, "en")
        return reader

    def _insert(self, fresh: list[tuple[Row, Subscriber]]) -> None:
        if self.dry_run:
            self.report.new += len(fresh)
            return
        # The form may have taken an address since we looked: that row stays theirs.
        Subscriber.objects.bulk_create([reader for _, reader in fresh], ignore_conflicts=True)
        ours = set(
            Subscriber.objects.filter(handle__in=[reader.handle for _, reader in fresh]).values_list(
                "handle", flat=True
            )
        )
        for row, reader in fresh:
            if reader.handle in ours:
                self.report.new += 1
            else:
                self._skip(row.line, "signed up in this very moment; left as it is")

    def _known(self, reader: Subscriber, choice: Choice) -> None:
        """Compare what the file says with what is on file; only `update` writes, and only choice and time."""
        mix = reader.mix
        weights = {chosen.topic_id: chosen.weight for chosen in mix.choices.all()}
        same = (
            choice.topics == frozenset(weights)
            and choice.length in (None, mix.length)
            and choice.when_empty in (None, mix.when_empty)
            and all(getattr(reader, name) == value for name, value in choice.time.items())
        )
        if same or not self.update:
            self.report.unchanged += 1
            self.report.differing += not same
            return
        self.report.updated += 1
        if not self.dry_run:
            kept = frozenset((topic, weights.get(topic, NORMAL)) for topic in choice.topics)
            reader.mix = self._mix(
                kept, choice.length or mix.length, choice.when_empty or mix.when_empty, mix.language
            )
            reader.save(update_fields=["mix"])
            own_time.change(reader.pk, choice.time, now=self.now)

    def _mix(
        self, weights: frozenset[tuple[int, str]], length: int, when_empty: str, language: str
    ) -> TopicMix:
        key = (weights, length, when_empty, language)
        if key not in self._mixes:
            by_pk = {topic.pk: topic for topic in self._topics.values()}
            chosen = {by_pk[pk]: weight for pk, weight in weights}
            self._mixes[key] = mix_for(chosen, length=length, when_empty=when_empty, language=language)
        return self._mixes[key]

    def _reject(self, line: int, reason: str) -> None:
        self.report.rejected += 1
        self.note(Note(line, reason))

    def _skip(self, line: int, reason: str) -> None:
        self.report.skipped += 1
        self.note(Note(line, reason))
