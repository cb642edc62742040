"""The filters beside the list of papers."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date

from papers.models import Paper, PaperTopic, Topic

DAYS_OFFERED = 14

_filed = PaperTopic.objects.exclude(decision=PaperTopic.Decision.REMOVED)

_STATES: dict[str, tuple[str, Callable[[QuerySet[Paper]], QuerySet[Paper]]]] = {
    "pinned": ("pinned", lambda papers: papers.filter(pinned=True)),
    "hidden": ("hidden", lambda papers: papers.filter(hidden=True)),
    "withdrawn": ("withdrawn", lambda papers: papers.filter(withdrawn=True)),
    "archive": ("from an archive", lambda papers: papers.filter(from_archive=True)),
    "review": ("needs review", lambda papers: papers.filter(needs_review=True)),
    "unfiled": ("under no topic", lambda papers: papers.filter(~Exists(_filed.filter(paper=OuterRef("pk"))))),
}


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in _STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Paper]) -> QuerySet[Paper]:
        state = _STATES.get(self.value() or "")
        return state[1](queryset) if state else queryset


class ListDayFilter(admin.SimpleListFilter):
    """The newest list days with the number of their papers; older days are in the date bar on top."""

    title = "list day"
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        days = (
            Paper.objects.exclude(listed_on=None)
            .values_list("listed_on")
            .annotate(papers=Count("pk"))
            .order_by("-listed_on")[:DAYS_OFFERED]
        )
        return [(day.isoformat(), f"{day:%a %d %b %Y} ({count})") for day, count in days]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Paper]) -> QuerySet[Paper]:
        try:
            day = parse_date(self.value() or "")
        except ValueError:  # well formed, but no day of the calendar
            return queryset.none()
        return queryset.filter(listed_on=day) if day else queryset


class TopicFilter(admin.SimpleListFilter):
    """Papers filed under a topic, by matching or by an editor."""

    title = "topic"
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Topic.objects.values_list("slug", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Paper]) -> QuerySet[Paper]:
        if not self.value():
            return queryset
        return queryset.filter(Exists(_filed.filter(paper=OuterRef("pk"), topic__slug=self.value())))
