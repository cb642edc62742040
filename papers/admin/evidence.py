"""What the sources said of a paper, shown below it and never changed here."""

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from papers.admin.readonly import ReadOnlyInline
from papers.models import Observation, SourceRecord


class SourceRecordInline(ReadOnlyInline):
    model = SourceRecord
    fields = ["source", "identity", "days", "first_read_on", "decided_by_editor", "record"]
    readonly_fields = ["days", "record"]
    verbose_name_plural = "source records: what each source said"

    @admin.display(description="list days")
    def days(self, record: SourceRecord) -> str:
        return ", ".join(day.isoformat() for day in record.list_days) or "–"

    @admin.display(description="record")
    def record(self, record: SourceRecord) -> SafeString:
        text = json.dumps(record.payload, indent=1, ensure_ascii=False, sort_keys=True)
        return format_html("<details><summary>as it was read</summary><pre>{}</pre></details>", text)


class ObservationInline(ReadOnlyInline):
    model = Observation
    fields = ["observed_at", "source", "upvotes", "num_comments", "github_stars"]
    ordering = ["-observed_at", "-pk"]
    verbose_name_plural = "observations: attention over time"
