"""Addresses that must never be mailed. Lifting one is a superuser's decision, with a reason, on record."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import DELETION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from newsletter.addresses import AddressError, parse_address
from newsletter.models import Suppression
from newsletter.suppression import address_hashes
from papers.admin.readonly import ReadOnlyAdmin


class LiftForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the history: who asked, and why this address may be mailed again.",
    )


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    list_display = ["fingerprint", "reason", "created_at"]
    list_filter = ["reason"]
    ordering = ["-created_at", "-pk"]
    search_fields = ["address_hash"]
    search_help_text = "A whole address: the list keeps only fingerprints and finds the one of this address."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(address_hash__in=address_hashes(parse_address(search_term).key)), False
        except AddressError:
            return queryset.none(), False

    @admin.display(description="address (fingerprint)", ordering="address_hash")
    def fingerprint(self, suppression: Suppression) -> str:
        return suppression.address_hash[:16]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.lift_view)
        return [path("<int:number>/lift/", view, name="newsletter_suppression_lift"), *super().get_urls()]

    def lift_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Ask for a reason, then lift. The history is written with the deletion or not at all."""
        if not request.user.is_active or not getattr(request.user, "is_superuser", False):
            raise PermissionDenied
        suppression = get_object_or_404(Suppression, pk=number)
        form = LiftForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            words = f"Lifted ({suppression.reason}): {form.cleaned_data['reason']}"
            with transaction.atomic():
                row = Suppression.objects.filter(pk=number)
                LogEntry.objects.log_actions(request.user.pk, row, DELETION, words, single_object=True)
                row.delete()
            messages.success(
                request, "Lifted. Nobody is mailed by that alone: activate the reader, or let them sign up."
            )
            return HttpResponseRedirect(reverse("admin:newsletter_suppression_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Lift a suppression",
            "opts": self.model._meta,
            "suppression": suppression,
            "form": form,
        }
        return TemplateResponse(request, "admin/newsletter/suppression/lift.html", context)
