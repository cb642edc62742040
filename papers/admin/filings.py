"""Filing by hand: what an editor decides about paper and topic, which matching never touches again."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import QuerySet
from django.http import HttpRequest

from papers.models import Paper, PaperTopic, Topic
from papers.topics.filing import file_papers

EDITORS_SCORE = 1.0  # an editor's word counts as a full match


def decide(
    papers: Iterable[Paper], topic: Topic, decision: str, editor: User | AbstractBaseUser | AnonymousUser
) -> int:
    """Add the papers to the topic or remove them from it, in the editor's name. Returns how many papers."""
    rows = [
        PaperTopic(
            paper=paper, topic=topic, score=EDITORS_SCORE, evidence=[], decision=decision, editor_id=editor.pk
        )
        for paper in papers
    ]
    PaperTopic.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["paper", "topic"],
        update_fields=["decision", "editor", "score"],
    )
    return len(rows)


class FilingForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = PaperTopic
        fields = ["topic", "decision"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        topic = self.fields["topic"]
        assert isinstance(topic, forms.ModelChoiceField)  # noqa: S101  for the type checker
        # Topics have a page of their own; no shortcuts to it in every row.
        for shortcut in ("add", "change", "delete", "view"):
            setattr(topic.widget, f"can_{shortcut}_related", False)
        if self.instance.pk:
            topic.disabled = True
            # The one that cannot be changed anyway, instead of all topics, which are a query for each row.
            topic.choices = [(self.instance.topic_id, self.instance.topic.name)]
        else:
            decision = self.fields["decision"]
            assert isinstance(decision, forms.ChoiceField)  # noqa: S101  for the type checker
            decision.choices = [
                (value, label)
                for value, label in PaperTopic.Decision.choices
                if value != PaperTopic.Decision.MATCHED
            ]
            decision.initial = PaperTopic.Decision.ADDED


class FilingInline(admin.TabularInline):  # type: ignore[type-arg]
    """The topics of a paper: score and evidence of the matching, and the editor's decision.

    A row is never deleted here: without it, matching would file the paper again. To undo a decision, set it
    back to "matched".
    """

    model = PaperTopic
    form = FilingForm
    fields = ["topic", "decision", "score_in_words", "evidence_in_words", "editor"]
    readonly_fields = ["score_in_words", "evidence_in_words", "editor"]
    extra = 1
    can_delete = False
    verbose_name = "topic"
    verbose_name_plural = "topics: re-file this paper"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaperTopic]:
        return (
            super().get_queryset(request).select_related("topic", "editor", "paper").order_by("-score", "pk")
        )

    # Who may change a paper may re-file it; there is no second right to hand out.
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("papers.change_paper")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("papers.change_paper")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("papers.view_paper") or request.user.has_perm("papers.change_paper")

    @admin.display(description="score")
    def score_in_words(self, filing: PaperTopic) -> str:
        return "–" if filing.pk is None else f"{filing.score:.0%}"

    @admin.display(description="evidence")
    def evidence_in_words(self, filing: PaperTopic) -> str:
        if filing.pk is None:
            return "–"
        return ", ".join(str(term) for term in filing.evidence) or "the editor's word"


def save_filings(formset: Any, editor: Any) -> None:
    """Save the inline's changed rows in the editor's name; rows set back to "matched" are matched anew."""
    rematch: list[int] = []
    for filing in formset.save(commit=False):
        if filing.decision == PaperTopic.Decision.MATCHED:
            filing.editor = None
            rematch.append(filing.paper_id)
        else:
            filing.editor = editor
            filing.score = EDITORS_SCORE if filing.score is None else filing.score
        filing.save()
    if rematch:
        file_papers(rematch)
