"""Papers: what an editor may decide about them; everything bibliographic comes from the sources."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from papers.admin import merging
from papers.admin.evidence import ObservationInline, SourceRecordInline
from papers.admin.filings import FilingInline, decide, save_filings
from papers.admin.filters import ListDayFilter, StateFilter, TopicFilter
from papers.models import Paper, PaperTopic, Topic
from papers.ranking.scoring import score_papers

EDITORS_FIELDS = ("pinned", "hidden", "boost", "editor_note")


class PaperActionForm(ActionForm):
    """The topic that "add to" and "remove from" mean; the other actions do not read it."""

    topic = forms.ModelChoiceField(queryset=Topic.objects.all(), required=False, empty_label="topic …")


class PaperForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Paper
        fields = list(EDITORS_FIELDS)

    def clean_boost(self) -> float:
        boost: float = self.cleaned_data["boost"]
        if not -1 <= boost <= 1:  # also refuses "nan", which compares with nothing
            raise forms.ValidationError("A boost lies between -1 and 1.")
        return boost


def public_path(paper: Paper) -> str | None:
    """The path of the paper's page on the site, None where the site has none."""
    try:
        return reverse("paper", args=[paper.arxiv_id or paper.title_hash])
    except NoReverseMatch:
        return None


@admin.register(Paper)
class PaperAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = PaperForm
    action_form = PaperActionForm
    list_display = ["title_short", "listed_on", "topic_names", "attention", "score", "boost", "states"]
    list_editable = ["boost"]
    list_filter = [StateFilter, ListDayFilter, TopicFilter]
    list_per_page = 50
    date_hierarchy = "listed_on"
    search_fields = ["title", "arxiv_id"]
    search_help_text = "Words of the title, or an arXiv id."
    ordering = ["-listed_on", "-trending_score", "-pk"]
    actions = ["pin", "unpin", "hide", "show", "add_to_topic", "remove_from_topic", "merge_into"]
    inlines = [FilingInline, SourceRecordInline, ObservationInline]
    readonly_fields = [
        "title",
        "arxiv_id",
        "abstract",
        "authors_in_words",
        "organization_name",
        "published_on",
        "published_inferred",
        "categories",
        "keywords",
        "listed_on",
        "from_archive",
        "withdrawn",
        "needs_review",
        "links",
        "edition",
        "attention",
        "score",
        "terms_in_words",
        "created_at",
    ]
    fieldsets = [
        ("What the editor decides", {"fields": [("pinned", "hidden"), "boost", "editor_note"]}),
        ("Where it stands", {"fields": ["edition", "score", "terms_in_words", "attention", "links"]}),
        (
            "What the sources say",
            {
                "fields": [
                    "title",
                    "arxiv_id",
                    "abstract",
                    "authors_in_words",
                    "organization_name",
                    ("published_on", "published_inferred"),
                    ("listed_on", "from_archive"),
                    ("withdrawn", "needs_review"),
                    "categories",
                    "keywords",
                    "created_at",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Paper]:
        filings = PaperTopic.objects.exclude(decision=PaperTopic.Decision.REMOVED).select_related("topic")
        return (
            super()
            .get_queryset(request)
            .select_related("entry__edition")
            .prefetch_related(Prefetch("filings", filings.order_by("-score", "pk"), to_attr="shown_filings"))
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.merge_view)
        return [path("<int:paper_id>/merge/", view, name="papers_paper_merge"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # papers come from sources

    def has_delete_permission(self, request: HttpRequest, obj: Paper | None = None) -> bool:
        return False  # the next import would bring it back; hiding is what lasts

    def save_model(self, request: HttpRequest, obj: Paper, form: Any, change: bool) -> None:
        """Write the editor's columns only: an import may have changed the others meanwhile."""
        obj.save(update_fields=[name for name in EDITORS_FIELDS if name in form.changed_data])
        score_papers([obj.pk], now=timezone.now())  # a boost counts at once

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if formset.model is PaperTopic:
            save_filings(formset, request.user)
        else:
            super().save_formset(request, form, formset, change)

    # The list

    @admin.display(description="paper", ordering="title")
    def title_short(self, paper: Paper) -> str:
        return paper.title if len(paper.title) <= 110 else f"{paper.title[:109].rstrip()}…"

    @admin.display(description="topics")
    def topic_names(self, paper: Paper) -> str:
        filings: list[PaperTopic] = paper.shown_filings  # type: ignore[attr-defined]  # prefetched above
        return ", ".join(filing.topic.name for filing in filings) or "–"

    @admin.display(description="attention", ordering="upvotes")
    def attention(self, paper: Paper) -> str:
        """The known counts; what no source told is left out, never shown as 0."""
        counts = [
            (paper.upvotes, "▲ {:,}"),
            (paper.num_comments, "{:,} comment" if paper.num_comments == 1 else "{:,} comments"),
            (paper.github_stars, "★ {:,}"),
        ]
        return " · ".join(text.format(count) for count, text in counts if count is not None) or "unknown"

    @admin.display(description="score", ordering="trending_score")
    def score(self, paper: Paper) -> str:
        return f"{paper.trending_score:.2f}"

    @admin.display(description="state")
    def states(self, paper: Paper) -> str | SafeString:
        flags = [
            (paper.pinned, "pinned"),
            (paper.hidden, "hidden"),
            (paper.withdrawn, "withdrawn"),
            (paper.needs_review, "needs review"),
            (paper.from_archive, "archive"),
            (hasattr(paper, "entry"), "in an edition"),
        ]
        tags = [(word.replace(" ", "-"), word) for is_set, word in flags if is_set]
        return format_html_join(" ", '<span class="desk-tag {}">{}</span>', tags) or "–"

    # The page

    @admin.display(description="authors")
    def authors_in_words(self, paper: Paper) -> str:
        if not paper.authors:
            return (
                "unknown" if paper.author_count is None else f"{paper.author_count:,} authors, names unknown"
            )
        rest = len(paper.authors) - 20
        return ", ".join(paper.authors[:20]) + (f" and {rest:,} more" if rest > 0 else "")

    @admin.display(description="why this score")
    def terms_in_words(self, paper: Paper) -> str:
        return "; ".join(str(term.get("text", "")) for term in paper.trending_terms) or "not scored yet"

    @admin.display(description="edition")
    def edition(self, paper: Paper) -> str | SafeString:
        if not hasattr(paper, "entry"):
            return "in none yet"
        url = reverse("admin:newsletter_edition_change", args=[paper.entry.edition_id])
        return format_html('<a href="{}">{}, rank {}</a>', url, paper.entry.edition, paper.entry.rank)

    @admin.display(description="links")
    def links(self, paper: Paper) -> str | SafeString:
        arxiv = f"https://arxiv.org/abs/{paper.arxiv_id}" if paper.arxiv_id else None
        found = [
            (public_path(paper), "page on the site"),
            (arxiv, "arXiv"),
            (paper.github_url, "code"),
            (paper.project_url, "project"),
        ]
        safe = [(url, word) for url, word in found if url and url.startswith(("https://", "http://", "/"))]
        return format_html_join(" · ", '<a href="{}" rel="noreferrer">{}</a>', safe) or "none"

    # The actions

    def _flag(self, request: HttpRequest, papers: QuerySet[Paper], word: str, **values: bool) -> None:
        chosen = list(papers)
        Paper.objects.filter(pk__in=[paper.pk for paper in chosen]).update(**values)
        for paper in chosen:
            self.log_change(request, paper, f"{word.capitalize()}.")
        messages.success(request, f"{_papers(len(chosen))} {word}.")

    @admin.action(permissions=["change"], description="Pin: lead the next edition")
    def pin(self, request: HttpRequest, papers: QuerySet[Paper]) -> None:
        self._flag(request, papers, "pinned", pinned=True)

    @admin.action(permissions=["change"], description="Unpin")
    def unpin(self, request: HttpRequest, papers: QuerySet[Paper]) -> None:
        self._flag(request, papers, "unpinned", pinned=False)

    @admin.action(permissions=["change"], description="Hide: never enter an edition")
    def hide(self, request: HttpRequest, papers: QuerySet[Paper]) -> None:
        self._flag(request, papers, "hidden", hidden=True)

    @admin.action(permissions=["change"], description="Show again")
    def show(self, request: HttpRequest, papers: QuerySet[Paper]) -> None:
        self._flag(request, papers, "shown again", hidden=False)

    @admin.action(permissions=["change"], description="Add to the topic chosen beside")
    def add_to_topic(self, request: HttpRequest, papers: QuerySet[Paper]) -> None:
        self._refile(request, papers, PaperTopic.Decision.ADDED, "added to")

    @admin.action(permissions=["change"], description="Remove from the topic chosen beside")
    def remove_from_topic(self, request: HttpRequest, papers: QuerySet[Paper]) -> None:
        self._refile(request, papers, PaperTopic.Decision.REMOVED, "removed from")

    def _refile(self, request: HttpRequest, papers: QuerySet[Paper], decision: str, words: str) -> None:
        number = request.POST.get("topic", "")
        topic = Topic.objects.filter(pk=number).first() if number.isascii() and number.isdigit() else None
        if topic is None:
            messages.error(request, "Choose a topic beside the action first.")
            return
        chosen = list(papers)
        decide(chosen, topic, decision, request.user)
        for paper in chosen:
            self.log_change(request, paper, f"{words.capitalize()} the topic {topic.name}.")
        messages.success(request, f"{_papers(len(chosen))} {words} {topic.name}, by your decision.")

    @admin.action(permissions=["change"], description="Merge into another paper …")
    def merge_into(self, request: HttpRequest, papers: QuerySet[Paper]) -> HttpResponse | None:
        chosen = list(papers.order_by("pk")[:3])
        if len(chosen) > 2:
            messages.error(request, "Choose one paper to merge, or the two that are one.")
            return None
        url = reverse("admin:papers_paper_merge", args=[chosen[-1].pk])
        return HttpResponseRedirect(f"{url}?into={chosen[0].pk}" if len(chosen) == 2 else url)

    def merge_view(self, request: HttpRequest, paper_id: int) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return merging.merge_view(self, request, paper_id)


def _papers(count: int) -> str:
    return "1 paper" if count == 1 else f"{count:,} papers"
