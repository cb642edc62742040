"""Two papers that are one: choose, compare, confirm. The merging itself is `papers.ingest.merge`."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from papers.ingest import merge
from papers.models import Paper

CANDIDATES_SHOWN = 20


class MergeForm(forms.Form):
    """The paper that stays: one with the same title, or any by its arXiv id."""

    into = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    arxiv_id = forms.CharField(required=False, max_length=32, label="or the arXiv id of another paper")

    def __init__(self, *args: Any, paper: Paper, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.paper = paper

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        arxiv_id, number = cleaned["arxiv_id"].strip(), cleaned["into"]
        if not arxiv_id and number is None:
            raise forms.ValidationError("Choose the paper that stays.")
        found = Paper.objects.filter(arxiv_id=arxiv_id) if arxiv_id else Paper.objects.filter(pk=number)
        cleaned["target"] = found.first()
        if cleaned["target"] is None:
            raise forms.ValidationError(f"There is no paper {arxiv_id or number}.")
        if cleaned["target"].pk == self.paper.pk:
            raise forms.ValidationError("A paper cannot be merged with itself.")
        return cleaned


def merge_view(page: "admin.ModelAdmin[Paper]", request: HttpRequest, paper_id: int) -> HttpResponse:
    """GET and the first POST change nothing; the second, with `confirmed`, merges."""
    paper = get_object_or_404(Paper, pk=paper_id)
    asked = request.POST if request.method == "POST" else (request.GET if "into" in request.GET else None)
    form = MergeForm(asked, paper=paper)
    target = form.cleaned_data["target"] if form.is_bound and form.is_valid() else None
    if target is not None and request.method == "POST" and "confirmed" in request.POST:
        return _merge(page, request, paper, target)
    same_title = Paper.objects.filter(title_key=paper.title_key).exclude(pk=paper.pk).order_by("pk")
    context = {
        **page.admin_site.each_context(request),
        "title": "Merge two papers that are one",
        "opts": page.model._meta,
        "form": form,
        "paper": paper,
        "target": target,
        "candidates": same_title[:CANDIDATES_SHOWN],
    }
    return TemplateResponse(request, "admin/papers/paper/merge.html", context)


def _merge(
    page: "admin.ModelAdmin[Paper]", request: HttpRequest, paper: Paper, target: Paper
) -> HttpResponse:
    number = paper.pk
    try:
        left = merge(paper, into=target)
    except ValueError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:papers_paper_change", args=[number]))
    page.log_change(request, left, f"Merged papers {number} and {target.pk} into this one.")
    messages.success(request, "The two papers are one now; everything the sources said is under it.")
    return HttpResponseRedirect(reverse("admin:papers_paper_change", args=[left.pk]))
