"""Editions: the day's ordered papers, the editor's note, and the mail as anybody would get it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, OuterRef, QuerySet
from django.db.models.expressions import Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from newsletter import edition as editing
from newsletter.admin import edition_decisions, previewing
from newsletter.admin.standing import standing
from newsletter.editorial import REVISED
from newsletter.models import Edition, EditionPaper
from newsletter.releasing import kept_by
from newsletter.tally import mails_by_state, mails_in_words
from papers.admin.readonly import ReadOnlyInline
from papers.sources.names import name_of

NOTE_STATES = {Edition.State.OPEN, Edition.State.HELD}


class EditionList(ChangeList):
    """The list with the mails of the whole page counted at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        editions = list(self.result_list)
        counts = mails_by_state([edition.pk for edition in editions])
        for edition in editions:
            edition.mail_counts = counts[edition.pk]
        self.result_list = editions


class EntryInline(ReadOnlyInline):
    model = EditionPaper
    fields = ["rank", "paper_link", "score_in_words", "why", "topics"]
    readonly_fields = ["paper_link", "score_in_words", "why", "topics", "taking_out"]
    verbose_name_plural = "papers in their order"

    def get_fields(self, request: HttpRequest, obj: Edition | None = None) -> list[Any]:
        may = request.user.has_perm("newsletter.change_edition")
        shown = may and obj is not None and obj.frozen_at is not None and obj.state in REVISED
        return [*self.fields, "taking_out"] if shown else list(self.fields)

    @admin.display(description="take out")
    def taking_out(self, entry: EditionPaper) -> SafeString | str:
        if entry.removed_in is not None:
            return f"taken out in revision {entry.removed_in}"
        url = reverse("admin:newsletter_edition_withdraw", args=[entry.edition_id, entry.pk])
        title = entry.card.get("title") or f"paper {entry.paper_id}"
        return format_html('<a href="{}" aria-label="Take out: {}">Take out …</a>', url, title)

    @admin.display(description="paper")
    def paper_link(self, entry: EditionPaper) -> SafeString:
        url = reverse("admin:papers_paper_change", args=[entry.paper_id])
        return format_html('<a href="{}">{}</a>', url, entry.card.get("title") or f"paper {entry.paper_id}")

    @admin.display(description="score")
    def score_in_words(self, entry: EditionPaper) -> str:
        return f"{entry.score:.2f}"

    @admin.display(description="why here")
    def why(self, entry: EditionPaper) -> str:
        return "; ".join(str(term.get("text", "")) for term in entry.terms if term.get("text")) or "–"

    @admin.display(description="topics")
    def topics(self, entry: EditionPaper) -> str:
        return ", ".join(_match_in_words(match) for match in entry.matches) or "–"


def _match_in_words(match: dict[str, Any]) -> str:
    """ "Agents 80% (tool use, planning)"."""
    name, score = match.get("name", match.get("topic", "")), match.get("score")
    evidence = ", ".join(str(term) for term in match.get("evidence", []))
    percent = f" {score:.0%}" if isinstance(score, int | float) else ""
    return f"{name}{percent}{f' ({evidence})' if evidence else ''}"


@admin.register(Edition)
class EditionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["date", "number", "state", "kept_by", "papers_held", "mails"]
    list_filter = ["state"]
    list_per_page = 31
    date_hierarchy = "date"
    inlines = [EntryInline]
    fields = [
        ("date", "number"),
        ("state", "candidate_count"),
        ("frozen_at", "closed_at"),
        "how_sources_were_read",
        "mails",
        "note",
    ]
    actions = ["freeze_in_spite_of_sources"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EditionList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Edition]:
        entries = EditionPaper.objects.filter(edition=OuterRef("pk")).order_by()
        counts = entries.values("edition").annotate(n=Count("pk")).values("n")
        editions: QuerySet[Edition] = super().get_queryset(request)
        return editions.annotate(paper_count=Coalesce(Subquery(counts), 0))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:number>/preview/", view(self.preview_view), name="newsletter_edition_preview"),
            path(
                "<int:number>/preview/html/", view(self.preview_html), name="newsletter_edition_preview_html"
            ),
            re_path(
                r"^(?P<number>[0-9]{1,17})/(?P<verb>approve|pause|resume|hold|freeze)/$",
                view(self.decide_view),
                name="newsletter_edition_decide",
            ),
            path("<int:number>/cancel/", view(self.cancel_view), name="newsletter_edition_cancel"),
            path("<int:number>/tick/", view(self.tick_view), name="newsletter_edition_tick"),
            path(
                "<int:number>/withdraw/<int:entry>/",
                view(self.withdraw_view),
                name="newsletter_edition_withdraw",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        edition = self.get_object(request, unquote(object_id))
        if edition is not None and self.has_view_or_change_permission(request, edition):
            may_change = self.has_change_permission(request, edition)
            extra_context = {**(extra_context or {}), "standing": standing(edition, may_change=may_change)}
        return super().change_view(request, object_id, form_url, extra_context)

    def decide_view(self, request: HttpRequest, number: str, verb: str) -> HttpResponse:
        return edition_decisions.decide(self, request, int(number), verb)

    def cancel_view(self, request: HttpRequest, number: int) -> HttpResponse:
        return edition_decisions.cancel(self, request, number)

    def withdraw_view(self, request: HttpRequest, number: int, entry: int) -> HttpResponse:
        return edition_decisions.withdraw(self, request, number, entry)

    def tick_view(self, request: HttpRequest, number: int) -> HttpResponse:
        return edition_decisions.tick(self, request, number)

    def preview_view(self, request: HttpRequest, number: int) -> HttpResponse:
        return previewing.page(self, request, number)

    def preview_html(self, request: HttpRequest, number: int) -> HttpResponse:
        return previewing.html_part(self, request, number)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # editions are built, one a day

    def has_delete_permission(self, request: HttpRequest, obj: Edition | None = None) -> bool:
        return False  # the ledger refers to them

    def get_readonly_fields(self, request: HttpRequest, obj: Edition | None = None) -> list[str]:
        fixed = ["date", "number", "state", "candidate_count", "frozen_at", "closed_at"]
        fixed += ["how_sources_were_read", "mails"]
        return fixed if obj and obj.state in NOTE_STATES else [*fixed, "note"]

    def save_model(self, request: HttpRequest, obj: Edition, form: Any, change: bool) -> None:
        """Write the note only, while the edition still waits: the tick may have frozen it meanwhile."""
        if "note" not in form.changed_data:
            return
        if not Edition.objects.filter(pk=obj.pk, state__in=NOTE_STATES).update(note=obj.note):
            self.message_user(
                request, "The edition was frozen meanwhile; the note is left as it was.", "ERROR"
            )

    @admin.action(description="Freeze it in spite of its sources", permissions=["change"])
    def freeze_in_spite_of_sources(self, request: HttpRequest, editions: QuerySet[Edition]) -> None:
        """A curator's word where a source is stale or silent: the edition is made from what there is."""
        chosen_ones = list(editions.order_by("date"))
        waiting = [chosen for chosen in chosen_ones if chosen.state in editing.WAITING]
        for chosen in waiting:
            try:
                built = editing.build(chosen.date, now=timezone.now())
            except editing.EditionError as error:
                self.message_user(request, f"{chosen}: {error}.", "ERROR")
                continue
            self.log_change(request, built, "Frozen in spite of its sources.")
            self.message_user(request, f"{built} is {built.get_state_display()}.")
        if others := len(chosen_ones) - len(waiting):
            told = f"{others} did not wait, and {'is' if others == 1 else 'are'} left as before."
            self.message_user(request, told, "WARNING")

    @admin.display(description="sources")
    def how_sources_were_read(self, edition: Edition) -> SafeString | str:
        """What readers are told of each, and in parentheses what only the desk is."""
        rows = [(name_of(one["source"]), one["text"], one.get("detail") or "–") for one in edition.sources]
        return format_html_join("; ", "{} {} ({})", rows) or "–"

    @admin.display(description="kept by")
    def kept_by(self, edition: Edition) -> str:
        return kept_by(edition) or "–"

    @admin.display(description="papers", ordering="paper_count")
    def papers_held(self, edition: Edition) -> int:
        count: int = edition.paper_count  # type: ignore[attr-defined]  # annotated above
        return count

    @admin.display(description="mails")
    def mails(self, edition: Edition) -> str:
        counts = getattr(edition, "mail_counts", None)
        return mails_in_words(mails_by_state([edition.pk])[edition.pk] if counts is None else counts)
