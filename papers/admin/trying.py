"""A topic's page after "Try it": what the topic as typed would match. Nothing is saved."""

from copy import copy
from typing import Any

from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from papers.models import Topic
from papers.topics.trial import MOST_PAPERS, try_topic

BUTTON = "_try"


def page(
    desk: "admin.ModelAdmin[Topic]", request: HttpRequest, number: str | None, context: dict[str, Any]
) -> HttpResponse:
    """The form as it was sent, with the trial below it, or with the form's own errors."""
    saved = _saved(desk, request, number)
    fieldsets: list[Any] = list(desk.get_fieldsets(request, saved))
    form_class = desk.get_form(request, saved, change=saved is not None, fields=flatten_fieldsets(fieldsets))
    # Reading the form writes what was typed into its topic: a copy, for the page names the saved one.
    form = form_class(request.POST, instance=copy(saved))
    if form.is_valid():
        is_filing = saved if saved and saved.is_active else None
        context["trial"] = try_topic(form.instance, saved=is_filing, today=timezone.now().date())
        context["most_papers"] = MOST_PAPERS
    admin_form = helpers.AdminForm(
        form,
        fieldsets,
        desk.get_prepopulated_fields(request, saved),
        desk.get_readonly_fields(request, saved),
        model_admin=desk,
    )
    context = {
        **desk.admin_site.each_context(request),
        "title": f"{'Change' if saved else 'Add'} {desk.opts.verbose_name}",
        "subtitle": str(saved) if saved else None,
        "adminform": admin_form,
        "object_id": number,
        "original": saved,
        "is_popup": IS_POPUP_VAR in request.POST or IS_POPUP_VAR in request.GET,
        "to_field": request.POST.get(TO_FIELD_VAR),
        "media": desk.media + admin_form.media,
        "inline_admin_formsets": [],
        "errors": helpers.AdminErrorList(form, []),
        "preserved_filters": desk.get_preserved_filters(request),
        **context,
    }
    return desk.render_change_form(request, context, add=saved is None, change=saved is not None, obj=saved)


def _saved(desk: "admin.ModelAdmin[Topic]", request: HttpRequest, number: str | None) -> Topic | None:
    """The topic of this page, None for a new one. Who may not save one may not try one either."""
    if number is None:
        if not desk.has_add_permission(request):
            raise PermissionDenied
        return None
    saved = desk.get_object(request, unquote(number))
    if not desk.has_change_permission(request, saved):
        raise PermissionDenied
    if saved is None:
        raise Http404
    return saved
