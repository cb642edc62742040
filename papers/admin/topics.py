"""Topics: the phrases and categories that decide which papers belong to them."""

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, QuerySet
from django.db.models.expressions import Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from papers.admin import trying
from papers.locks import save_alone
from papers.models import PaperTopic, Topic
from papers.topics import refiling
from papers.topics.phrases import PhraseError, parse_phrase

# "cs.CL", "cond-mat.mtrl-sci", "physics.optics", "hep-th"; but neither "cs" nor "cs.cl".
CATEGORY = re.compile(r"[a-z]+(-[a-z]+)?\.([A-Z]{2}|[a-z]+-[a-z]+|[a-z]{4,})|[a-z]+-[a-z]+")
MATCHING_FIELDS = {
    "slug",
    "phrases",
    "categories",
    "is_active",
}  # a model learned from decisions is kept by slug


class LinesField(forms.CharField):
    """A list as a text with one item a line. Every wrong line is named with its number and what is wrong."""

    def __init__(self, *, check: Callable[[str], None], max_item: int, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}), **kwargs)
        self.check = check
        self.max_item = max_item

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed("\n".join(initial or []), "\n".join(_lines(data or "")))

    def clean(self, value: Any) -> Any:
        items: dict[str, int] = {}
        errors: list[str] = []
        for number, line in enumerate(str(super().clean(value) or "").splitlines(), start=1):
            item = " ".join(line.split())
            if not item:
                continue
            try:
                self._check_item(item, items)
            except ValidationError as error:
                errors.append(f"Line {number}: {error.message}")
            items.setdefault(item.casefold(), number)
        if errors:
            raise ValidationError(errors)
        return _lines(value or "")

    def _check_item(self, item: str, seen: dict[str, int]) -> None:
        if len(item) > self.max_item:
            raise ValidationError(f"{item[:40]!r}… is longer than {self.max_item} characters.")
        if item.casefold() in seen:
            raise ValidationError(f"{item!r} stands in line {seen[item.casefold()]} already.")
        self.check(item)


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def check_phrase(text: str) -> None:
    try:
        parse_phrase(text)
    except PhraseError as error:
        raise ValidationError(str(error)) from error


def check_category(text: str) -> None:
    if not CATEGORY.fullmatch(text):
        raise ValidationError(f"{text!r} is not an arXiv category; they are written like cs.CL or hep-th.")


class TopicForm(forms.ModelForm):  # type: ignore[type-arg]
    phrases = LinesField(
        check=check_phrase,
        max_item=120,
        required=False,
        help_text="One phrase a line. “reward model ^0.5” counts half; without a weight a phrase counts 1.",
    )
    categories = LinesField(
        check=check_category,
        max_item=20,
        required=False,
        help_text="One arXiv category a line, for example cs.CL.",
    )

    class Meta:
        model = Topic
        fields = [
            "name",
            "slug",
            "description",
            "phrases",
            "categories",
            "position",
            "is_active",
            "accepts_unvoted",
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (
            not self.errors
            and cleaned.get("is_active")
            and not cleaned.get("phrases")
            and not cleaned.get("categories")
        ):
            raise ValidationError(
                "A topic needs at least one phrase or category, or no paper is ever filed under it."
            )
        return cleaned


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = TopicForm
    list_display = [
        "name",
        "papers_filed",
        "phrase_count",
        "categories_in_words",
        "position",
        "is_active",
        "accepts_unvoted",
    ]
    list_filter = ["is_active", "accepts_unvoted"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        filings = PaperTopic.objects.filter(topic=OuterRef("pk")).exclude(
            decision=PaperTopic.Decision.REMOVED
        )
        counts = filings.order_by().values("topic").annotate(n=Count("pk")).values("n")
        topics: QuerySet[Topic] = super().get_queryset(request)
        return topics.annotate(filed=Coalesce(Subquery(counts), 0))

    def get_prepopulated_fields(self, request: HttpRequest, obj: Topic | None = None) -> dict[str, Any]:
        """Only a new topic takes its slug from the name: the slug stands in readers' links."""
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # deletes without asking has_delete_permission about each topic
        return actions

    def has_delete_permission(self, request: HttpRequest, obj: Topic | None = None) -> bool:
        """A topic that readers chose is switched off, not deleted: deleting would rewrite their choices."""
        if obj is not None and obj.mixes.exists():
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Topic, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if MATCHING_FIELDS & set(form.changed_data) or not change:
            _refile(request, f"{obj.name} was {'changed' if change else 'added'}")

    def delete_model(self, request: HttpRequest, obj: Topic) -> None:
        save_alone()  # or an import in between would file a paper under what is no more
        name = obj.name
        super().delete_model(request, obj)
        _refile(request, f"{name} was deleted")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), **_progress()})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {}), **_progress()}
        if request.method == "POST" and trying.BUTTON in request.POST:
            return trying.page(self, request, object_id, context)
        return super().changeform_view(request, object_id, form_url, context)

    @admin.display(description="papers", ordering="filed")
    def papers_filed(self, topic: Topic) -> int:
        filed: int = topic.filed  # type: ignore[attr-defined]  # annotated above
        return filed

    @admin.display(description="phrases")
    def phrase_count(self, topic: Topic) -> int:
        return len(topic.phrases)

    @admin.display(description="categories")
    def categories_in_words(self, topic: Topic) -> str:
        return ", ".join(topic.categories) or "–"


def _refile(request: HttpRequest, reason: str) -> None:
    run = refiling.ask(reason, now=timezone.now())
    if run.total:
        noun = "1 paper is" if run.total == 1 else f"{run.total:,} papers are"
        messages.info(request, f"{noun} being filed anew. The topics' pages say how far that is.")


def _progress() -> dict[str, Any]:
    """What the topics' pages say of re-filing: what is under way, else what was done last."""
    run = refiling.waiting()
    stands = run is not None and refiling.stalled(run, now=timezone.now())
    return {"filing": run, "filing_stands": stands, "last_filing": None if run else refiling.last_done()}
