"""What was sent to whom and what became of it: shown, never changed here."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet
from django.db.models.expressions import Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from newsletter.addresses import AddressError, parse_address
from newsletter.admin import doubt
from newsletter.mixes import topics_in_words
from newsletter.models import Delivery, Edition, Event, OutboxMail, Subscriber, TopicMix
from papers.admin.readonly import ReadOnlyAdmin

EDITIONS_OFFERED = 31


class EditionFilter(admin.SimpleListFilter):
    title = "edition"
    parameter_name = "edition"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = Edition.objects.order_by("-date")[:EDITIONS_OFFERED].values_list("date", flat=True)
        return [(date.isoformat(), f"{date:%a %d %b %Y}") for date in newest]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        dates = dict(self.lookup_choices)
        if self.value() is None:
            return queryset
        return queryset.filter(edition__date=self.value()) if self.value() in dates else queryset.none()


class ByAddress(ReadOnlyAdmin):
    """Shown only. Search by a whole address, compared the way addresses are compared everywhere."""

    search_fields = ["subscriber__email_key"]
    search_help_text = "A whole address."
    address_field = "subscriber__email_key"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        try:
            key = parse_address(search_term).key
        except AddressError:
            return queryset.none(), False
        return queryset.filter(**{self.address_field: key}), False


@admin.register(Delivery)
class DeliveryAdmin(ByAddress):
    list_display = [
        "subscriber",
        "edition",
        "window",
        "state",
        "reason",
        "attempts",
        "due_at",
        "handed_over_at",
        "outcome",
    ]
    list_filter = ["state", EditionFilter]
    list_select_related = ["subscriber", "edition"]
    ordering = ["-pk"]
    show_full_result_count = False
    exclude = ["token"]
    actions = ["they_arrived", "send_them_again"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        return [path("decide/", view, name="newsletter_delivery_decide"), *super().get_urls()]

    def decide_view(self, request: HttpRequest) -> HttpResponse:
        return doubt.decide(self, request)

    @admin.display(description="papers of")
    def window(self, delivery: Delivery) -> str:
        """The days whose editions this mail tells of."""
        first, last = delivery.first_on, delivery.last_on
        return f"{last:%d %b}" if first == last else f"{first:%d %b} to {last:%d %b}"

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return doubt.may_decide(request)

    @admin.action(description="In doubt: they arrived", permissions=["decide"])
    def they_arrived(self, request: HttpRequest, mails: QuerySet[Delivery]) -> HttpResponse | None:
        return doubt.ask(self, request, mails, "arrived")

    @admin.action(description="In doubt: send them again", permissions=["decide"])
    def send_them_again(self, request: HttpRequest, mails: QuerySet[Delivery]) -> HttpResponse | None:
        return doubt.ask(self, request, mails, "again")


@admin.register(OutboxMail)
class OutboxMailAdmin(ByAddress):
    list_display = ["subscriber", "kind", "state", "created_at", "sent_at", "used_at", "reason"]
    list_filter = ["state", "kind"]
    list_select_related = ["subscriber"]
    ordering = ["-pk"]
    exclude = ["token_hash"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "event_type", "reader", "timestamp", "reject_reason", "description"]
    list_filter = ["event_type"]
    list_select_related = ["delivery__subscriber", "delivery__edition"]
    ordering = ["-pk"]
    search_fields = ["event_id"]
    search_help_text = "The provider's id of the event."

    @admin.display(description="reader")
    def reader(self, event: Event) -> str:
        return event.delivery.subscriber.email if event.delivery else "unknown"


@admin.register(TopicMix)
class TopicMixAdmin(ReadOnlyAdmin):
    list_display = ["choice", "length", "when_empty", "readers"]
    list_filter = ["length", "when_empty"]
    fields = ["choice", "length", "language", "when_empty", "readers"]
    readonly_fields = ["choice", "readers"]
    ordering = ["pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TopicMix]:
        active = Subscriber.objects.filter(mix=OuterRef("pk"), state=Subscriber.State.ACTIVE)
        counts = active.order_by().values("mix").annotate(n=Count("pk")).values("n")
        mixes: QuerySet[TopicMix] = super().get_queryset(request)
        return mixes.annotate(readers=Coalesce(Subquery(counts), 0)).prefetch_related("choices__topic")

    @admin.display(description="topics")
    def choice(self, mix: TopicMix) -> str:
        return topics_in_words(mix)

    @admin.display(description="active readers", ordering="readers")
    def readers(self, mix: TopicMix) -> int:
        count: int = mix.readers  # type: ignore[attr-defined]  # annotated above
        return count
