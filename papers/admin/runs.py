"""What each reading of a source brought, and which records it could not read."""

from datetime import UTC, datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from papers.admin.readonly import ReadOnlyAdmin
from papers.models import SourceRun
from papers.sources.names import name_of

REJECTS_SHOWN = 500


@admin.register(SourceRun)
class SourceRunAdmin(ReadOnlyAdmin):
    list_display = [
        "began",
        "result",
        "source_name",
        "target",
        "message_in_short",
        "counts",
        "duration",
        "tried_again",
    ]
    list_filter = ["source", "verdict"]
    search_fields = ["target"]
    date_hierarchy = "started_at"
    fields = [
        ("source", "target"),
        ("started_at", "finished_at"),
        ("day", "retry_at"),
        ("verdict", "message"),
        ("read_count", "new_count", "updated_count", "unchanged_count", "rejected_count"),
        "rejects_in_words",
    ]
    readonly_fields = ["rejects_in_words"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SourceRun]:
        queryset: QuerySet[SourceRun] = super().get_queryset(request)
        is_list = (
            request.resolver_match is not None
            and request.resolver_match.url_name == "papers_sourcerun_changelist"
        )
        return queryset.defer("rejects") if is_list else queryset

    @admin.display(description="began (UTC)", ordering="started_at")
    def began(self, run: SourceRun) -> str:
        return _moment(run.started_at)

    @admin.display(description="verdict", ordering="verdict")
    def result(self, run: SourceRun) -> str | SafeString:
        """The verdict's one word, set apart where somebody should look."""
        if run.verdict in (SourceRun.Verdict.FAILED, SourceRun.Verdict.STALE):
            return format_html('<strong class="desk-broken">{}</strong>', run.verdict)
        return run.verdict or "–"

    @admin.display(description="source", ordering="source")
    def source_name(self, run: SourceRun) -> str:
        return name_of(run.source)

    @admin.display(description="retry at (UTC)")
    def tried_again(self, run: SourceRun) -> str:
        return _moment(run.retry_at) if run.retry_at else "–"

    @admin.display(description="why")
    def message_in_short(self, run: SourceRun) -> str:
        return Truncator(run.message).chars(90)

    @admin.display(description="counts")
    def counts(self, run: SourceRun) -> str:
        """ "31 read: 5 new, 26 updated": those that are not 0."""
        parts = [
            (run.new_count, "new"),
            (run.updated_count, "updated"),
            (run.unchanged_count, "unchanged"),
            (run.rejected_count, "rejected"),
        ]
        told = ", ".join(f"{number:,} {word}" for number, word in parts if number)
        return f"{run.read_count:,} read: {told}" if told else "–"

    @admin.display(description="took")
    def duration(self, run: SourceRun) -> str:
        """ "12 s"; of a run that was never finished, what is known."""
        if run.finished_at is None:
            return "under way"
        return f"{(run.finished_at - run.started_at).total_seconds():.0f} s"

    @admin.display(description="rejected records")
    def rejects_in_words(self, run: SourceRun) -> str | SafeString:
        """One row a record: where it stood, why it was refused, how it begins."""
        if not run.rejects:
            return "none"
        rows = format_html_join(
            "", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", map(_cells, run.rejects[:REJECTS_SHOWN])
        )
        rest = len(run.rejects) - REJECTS_SHOWN
        return format_html(
            '<table class="desk-rows"><thead><tr><th>Where</th><th>Why</th>'
            "<th>What it begins with</th></tr></thead>"
            "<tbody>{}</tbody></table>{}",
            rows,
            f"and {rest:,} more" if rest > 0 else "",
        )


def _moment(moment: datetime) -> str:
    """ "21 Nov, 09:15": as the sources' own calendars and the front page count."""
    in_utc = moment.astimezone(UTC)
    return f"{in_utc.day} {in_utc:%b, %H:%M}"


def _cells(reject: object) -> tuple[str, str, str]:
    """A stored reject as three texts; rows of any other shape are shown as they are."""
    if isinstance(reject, dict):
        return str(reject.get("position", "")), str(reject.get("reason", "")), str(reject.get("excerpt", ""))
    return "", str(reject), ""
