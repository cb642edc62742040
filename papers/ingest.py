"""Saves what sources gave: PaperRecord → SourceRecord, Paper and Observation, the same whatever the order.

Records are saved in batches, each in one transaction under one lock, so an import can be stopped and run
again, and two imports at once wait for each other. A record that cannot be saved costs only itself.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice

from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from papers.folding import claims, join
from papers.identity import identity, title_key
from papers.joining import Joining, move_everything, neighbours, protected
from papers.locks import save_alone
from papers.models import Paper, SourceRecord, SourceRun
from papers.observing import save_readings
from papers.ranking.scoring import score_papers
from papers.reading import runs
from papers.refolding import refold
from papers.sources.record import PaperRecord, Reject, SourceError
from papers.sources.values import excerpt
from papers.topics.filing import file_papers

BATCH = 300
REJECTS_LISTED = 1_000  # in a report; all are counted, and runs.REJECTS_STORED are kept
_AHEAD = timedelta(days=2)  # clocks and zones may differ by this much before a date counts as future


@dataclass
class IngestReport:
    """What one reading of a source brought: read = new + updated + unchanged + rejected."""

    source: str
    target: str
    read: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)

    def reject(self, reject: Reject) -> None:
        """Count a record that was refused, and list it while there is room."""
        self.rejected += 1
        if len(self.rejects) < REJECTS_LISTED:
            self.rejects.append(reject)


def ingest(
    records: Iterable[PaperRecord | Reject],
    *,
    source: str,
    target: str,
    now: datetime,
    listed_on: date | None = None,
    progress: Callable[[int], None] | None = None,
) -> IngestReport:
    """Save all records and write a SourceRun; `progress` is told the number read after each batch.

    `listed_on` is the list day of papers whose source tells none (else the UTC date of `now`). Raises
    SourceError where the source ends in one; what came before stays saved.
    """
    report = IngestReport(source=source, target=target)
    run = SourceRun.objects.create(source=source, target=target[:500], started_at=now)
    try:
        save_records(records, report, first_read_on=listed_on or now.date(), now=now, progress=progress)
    except BaseException as error:
        told = str(error) if isinstance(error, SourceError) else f"it was stopped ({type(error).__name__})"
        _finish(run, report, SourceRun.Verdict.FAILED, told)
        raise
    _finish(run, report, SourceRun.Verdict.PARTIAL if report.rejected else SourceRun.Verdict.OK)
    return report


def save_records(
    records: Iterable[PaperRecord | Reject],
    report: IngestReport,
    *,
    first_read_on: date,
    now: datetime,
    batch_size: int = BATCH,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Save records as they come and count them in `report`; writes no SourceRun. Raises what `records` do."""
    for batch in _batches(records, report, now, batch_size):
        _save(batch, first_read_on, report, now)
        if progress:
            progress(report.read)


def merge(paper: Paper, into: Paper) -> Paper:
    """A curator's word that two papers are one: moves everything of `paper` to `into`, for good.

    Returns the paper that is left. It is `into`, unless an edition holds only the row of `paper`; then that
    row stays. Raises ValueError where editions hold both: neither row can go then.
    """
    if paper.pk == into.pk:
        raise ValueError("A paper cannot be merged with itself.")
    with transaction.atomic():
        save_alone()
        held = protected([paper.pk, into.pk])
        if len(held) == 2:
            raise ValueError("Both papers have been in an edition, so neither can be merged into the other.")
        keep, lose = (paper.pk, into.pk) if paper.pk in held else (into.pk, paper.pk)
        both = SourceRecord.objects.filter(paper__in=[keep, lose])
        # Records with an id that were at `into` stay undecided: theirs is the id that the paper keeps.
        both.filter(Q(paper=paper) | Q(arxiv_id=None)).update(decided_by_editor=True)
        move_everything(lose, keep)
        rows = list(SourceRecord.objects.filter(paper=keep))
        titles = {key for row in rows for key in row.title_keys}
        joining = Joining(neighbours(titles, rows), titles)
        joining.run()
        keep = rows[0].paper_id  # an id-less paper that could not choose before may have brought an older row
        Paper.objects.filter(pk=keep).update(needs_review=False)
        changed = refold(joining.touched | {keep}) | {keep}
        file_papers(sorted(changed))
        score_papers(changed, now=timezone.now())
        return Paper.objects.get(pk=keep)


def _batches(
    records: Iterable[PaperRecord | Reject], report: IngestReport, now: datetime, size: int
) -> Iterator[list[PaperRecord]]:
    """The records that can be saved, `size` at a time; the others go to the report."""
    source = iter(records)
    while True:
        batch: list[PaperRecord] = []
        taken = 0
        try:
            for record in islice(source, size):
                taken += 1
                report.read += 1
                checked = record if isinstance(record, Reject) else _checked(record, now)
                if isinstance(checked, Reject):
                    report.reject(checked)
                else:
                    batch.append(checked)
        except SourceError:
            yield batch  # what came before the break is whole and stays
            raise
        if taken:
            yield batch
        if taken < size:
            return


def _checked(record: PaperRecord, now: datetime) -> PaperRecord | Reject:
    """The record, or why it cannot be saved: a title that names nothing, or times that have not come yet."""
    if not title_key(record.title):
        return Reject(record.position, "the title holds no letter or digit", excerpt(record.title))
    latest = now + _AHEAD
    seen = record.reading.observed_at if record.reading else None
    for name, moment in (("observed_at", seen), ("read_at", record.read_at)):
        if moment and moment > latest:
            return Reject(
                record.position, f"{name} {moment:%Y-%m-%d} lies in the future", excerpt(record.title)
            )
    for name, day in (("the list day", record.listed_on), ("the date", record.published_on)):
        if day and day > latest.date():
            return Reject(
                record.position, f"{name} {day.isoformat()} lies in the future", excerpt(record.title)
            )
    return record


def _save(batch: list[PaperRecord], first_read_on: date, report: IngestReport, now: datetime) -> None:
    """Save a batch; where the database refuses it, its halves, down to the record at fault."""
    if not batch:
        return
    try:
        with transaction.atomic():
            save_alone()
            outcome = _save_batch(batch, first_read_on, now)
    except (DataError, IntegrityError, ValueError) as error:
        if len(batch) == 1:
            reason = f"it cannot be saved: {excerpt(str(error))}"
            report.reject(Reject(batch[0].position, reason, excerpt(batch[0].title)))
            return
        middle = len(batch) // 2
        _save(batch[:middle], first_read_on, report, now)
        _save(batch[middle:], first_read_on, report, now)
        return
    report.new += outcome.count("new")
    report.updated += outcome.count("updated")
    report.unchanged += outcome.count("unchanged")


def _save_batch(batch: list[PaperRecord], first_read_on: date, now: datetime) -> list[str]:
    """Save the records; for each "new", "updated" or "unchanged"."""
    identities = [identity(record) for record in batch]
    loaded = list(SourceRecord.objects.filter(identity__in=set(identities)))
    decided = {row.identity for row in loaded if row.decided_by_editor}
    rows = {(row.source, row.identity): row for row in loaded}
    changed: dict[tuple[str, str], SourceRecord] = {}
    titles: set[str] = set()  # whose papers must be settled anew
    told: list[bool] = []
    for record, name in zip(batch, identities, strict=True):
        key = (record.source, name)
        row = rows.get(key) or SourceRecord(
            source=record.source, identity=name, arxiv_id=record.arxiv_id,
            payload={}, title_keys=[], list_days=[], first_read_on=first_read_on,
            decided_by_editor=name in decided,
        )  # fmt: skip
        before = len(row.title_keys)
        told.append(_take_up(row, record, first_read_on) or key not in rows)
        if key not in rows or len(row.title_keys) > before:
            titles |= set(row.title_keys)
        if told[-1]:
            rows[key] = changed[key] = row
    joining = Joining(neighbours(titles, rows.values()), titles)
    joining.run()
    _write(changed.values())
    batch_rows = [rows[record.source, name] for record, name in zip(batch, identities, strict=True)]
    readings = [
        (row, record.reading) for row, record in zip(batch_rows, batch, strict=True) if record.reading
    ]
    news = iter(save_readings(readings))
    told = [bool(record.reading and next(news)) or known for record, known in zip(batch, told, strict=True)]
    touched = {row.paper_id for row, known in zip(batch_rows, told, strict=True) if known}
    if reworded := refold(touched | joining.touched) | joining.created:
        file_papers(sorted(reworded))
    score_papers(touched | joining.touched | reworded, now=now)
    return _outcomes(batch_rows, told, joining.created)


def _take_up(row: SourceRecord, record: PaperRecord, first_read_on: date) -> bool:
    """Join a record into its source's row; whether the row changed."""
    title_keys = sorted({*row.title_keys, title_key(record.title)})
    list_days = sorted({*row.list_days, *([record.listed_on] if record.listed_on else [])})
    payload = join(row.payload, claims(record))
    earliest = min(row.first_read_on, first_read_on)
    if (title_keys, list_days, payload, earliest) == (
        row.title_keys,
        row.list_days,
        row.payload,
        row.first_read_on,
    ):
        return False
    row.title_keys, row.list_days, row.payload, row.first_read_on = title_keys, list_days, payload, earliest
    return True


def _write(rows: Iterable[SourceRecord]) -> None:
    SourceRecord.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["source", "identity"],
        update_fields=["paper", "title_keys", "payload", "list_days", "first_read_on"],
    )


def _outcomes(rows: list[SourceRecord], told: list[bool], created: set[int]) -> list[str]:
    """A paper is new with its first record only."""
    fresh = set(created)
    outcomes = []
    for row, known in zip(rows, told, strict=True):
        if row.paper_id in fresh:
            fresh.discard(row.paper_id)
            outcomes.append("new")
        else:
            outcomes.append("updated" if known else "unchanged")
    return outcomes


def _finish(run: SourceRun, report: IngestReport, verdict: SourceRun.Verdict, message: str = "") -> None:
    count(run, report)
    runs.finish(run, verdict, message, rejects=report.rejects, now=timezone.now())


def count(run: SourceRun, report: IngestReport) -> None:
    """Copy the counts of a report into its run."""
    run.read_count, run.new_count, run.updated_count = report.read, report.new, report.updated
    run.unchanged_count, run.rejected_count = report.unchanged, report.rejected
