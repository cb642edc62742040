"""Readers: found by address, added by hand, given other topics. Nobody is mailed again who said no."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from newsletter import own_time, schedule, weekdays
from newsletter.addresses import AddressError, parse_address
from newsletter.mixes import DEFAULT_LENGTH, LENGTHS, mix_for, topics_in_words
from newsletter.models import MixTopic, Subscriber, TopicMix, default_zone
from newsletter.own_data.erasing import NAMELESS
from newsletter.own_data.export import log_of
from newsletter.suppression import suppressed
from papers.models import Topic

State = Subscriber.State


class SubscriberForm(forms.ModelForm):  # type: ignore[type-arg]
    """The address (of a new reader only), the state, and the choice that `mix_for` turns into a mix."""

    topics = forms.ModelMultipleChoiceField(
        queryset=Topic.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: the overall top papers. A topic that stays keeps its reader’s weight.",
    )
    length = forms.TypedChoiceField(
        choices=[(n, f"{n} papers") for n in LENGTHS],
        coerce=int,
        initial=DEFAULT_LENGTH,
        label="digest length",
    )
    when_empty = forms.ChoiceField(choices=TopicMix.WhenEmpty.choices, label="when nothing matches")
    timezone = forms.CharField(
        required=False,
        max_length=64,
        label="time zone",
        help_text="A name such as Europe/Berlin. Empty: the zone of this installation.",
    )
    hour = forms.TypedChoiceField(
        required=False,
        choices=[("", "as soon as the edition is out"), *((hour, f"{hour:02}:00") for hour in range(24))],
        coerce=int,
        empty_value=None,
        help_text="On the reader’s own clock.",
    )
    days = forms.TypedMultipleChoiceField(
        required=False,
        choices=list(enumerate(weekdays.LONG)),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        label="days with mail",
        help_text="One day: a weekly digest. None chosen: every day.",
    )

    class Meta:
        model = Subscriber
        fields = ["email", "state", "timezone", "hour", "paused_until"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.old_state = self.instance.state if self.instance.pk else None
        self.weights: dict[int, str] = {}
        if self.instance.pk:
            mix = self.instance.mix
            self.weights = dict(mix.choices.values_list("topic_id", "weight"))
            self.initial.update(topics=list(self.weights), length=mix.length, when_empty=mix.when_empty)
        self.initial["days"] = weekdays.numbers(self.instance.weekdays)
        if "state" in self.fields:  # absent where the person may only look
            self._offer_states()

    def _offer_states(self) -> None:
        offered = {State.PENDING, State.ACTIVE}
        offered |= {State(self.old_state), State.UNSUBSCRIBED} if self.old_state else set()
        field = self.fields["state"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  for the type checker
        field.choices = [(value, label) for value, label in State.choices if value in offered]

    def clean_email(self) -> str:
        try:
            address = parse_address(self.cleaned_data["email"])
        except AddressError as error:
            raise forms.ValidationError(str(error)) from error
        if Subscriber.objects.filter(email_key=address.key).exists():
            raise forms.ValidationError("This address is on file already; search for it.")
        self.instance.email_key = address.key
        return address.email

    def clean_timezone(self) -> str:
        try:
            return schedule.canonical(self.cleaned_data["timezone"] or default_zone())
        except schedule.UnknownZone as error:
            raise forms.ValidationError(f"{error}.") from error

    def own_time(self) -> dict[str, Any]:
        """The columns of the reader that say when mail is wanted, as far as they were changed on the page."""
        chosen = sum(1 << number for number in self.cleaned_data["days"]) or weekdays.EVERY_DAY
        values = {**self.cleaned_data, "weekdays": chosen}
        changed = {"weekdays" if name == "days" else name for name in self.changed_data}
        return {name: values[name] for name in own_time.FIELDS if name in changed}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        state, key = cleaned.get("state"), self.instance.email_key
        if self.errors or state == self.old_state:
            return cleaned
        if state in (State.ACTIVE, State.PENDING):
            if key in suppressed([key]):
                self.add_error(
                    "state",
                    "This address is on the suppression list (bounced, complained): it cannot be activated.",
                )
            elif self.old_state == State.UNSUBSCRIBED:
                self.add_error(
                    "state", "This reader unsubscribed. Only they can come back, by confirming a new sign-up."
                )
        return cleaned

    def chosen_mix(self) -> TopicMix:
        """The mix of the ticked topics; weights and language that are not on this page stay as they are."""
        normal = MixTopic.Weight.NORMAL.value
        weights = {topic: self.weights.get(topic.pk, normal) for topic in self.cleaned_data["topics"]}
        return mix_for(
            weights,
            length=self.cleaned_data["length"],
            when_empty=self.cleaned_data["when_empty"],
            language=self.instance.mix.language if self.instance.pk else "en",
        )


@admin.register(Subscriber)
class SubscriberAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = SubscriberForm
    list_display = ["email", "state", "topics_in_words", "time_in_words", "origin", "created_at"]
    list_filter = ["state", "origin"]
    list_select_related = ["mix"]
    ordering = ["-pk"]
    show_full_result_count = False
    search_fields = ["email_key"]
    search_help_text = "An address, its beginning, @ and a domain, or what a link in the log begins with."
    own_time = ["timezone", "hour", "days", "paused_until"]
    fields = ["email", "state", "topics", "length", "when_empty", *own_time]
    dates = ["origin", "created_at", "confirmed_at", "active_from", "unsubscribed_at"]
    delete_confirmation_template = "admin/newsletter/subscriber/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/newsletter/subscriber/delete_selected_confirmation.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscriber]:
        return super().get_queryset(request).prefetch_related("mix__choices__topic")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Subscriber], search_term: str
    ) -> tuple[QuerySet[Subscriber], bool]:
        """Compare by key: a whole address exactly, else its beginning or its domain; or by the handle."""
        term = search_term.strip().casefold()
        if not term:
            return queryset, False
        try:
            return queryset.filter(email_key=parse_address(search_term.strip()).key), False
        except AddressError:
            by_handle = queryset.filter(handle=search_term.strip().removesuffix(".…"))
            if by_handle.exists():
                return by_handle, False
            ends = term.startswith("@")
            return queryset.filter(**{f"email_key__{'endswith' if ends else 'startswith'}": term}), False

    def get_fields(self, request: HttpRequest, obj: Subscriber | None = None) -> list[Any]:
        if obj is not None and not self.has_change_permission(request, obj):
            return ["email", "state", "topics_in_words", "time_in_words", *self.dates]
        return [*self.fields, *self.dates] if obj else list(self.fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Subscriber | None = None) -> list[str]:
        return ["email", "topics_in_words", "time_in_words", *self.dates] if obj else []

    @admin.display(description="topics")
    def topics_in_words(self, subscriber: Subscriber) -> str:
        return topics_in_words(subscriber.mix)

    @admin.display(description="mail")
    def time_in_words(self, subscriber: Subscriber) -> str:
        """ "every day at 07:00, Europe/Berlin, paused until 2026-12-24"."""
        hour = "as soon as it is out" if subscriber.hour is None else f"at {subscriber.hour:02}:00"
        words = f"{weekdays.in_words(subscriber.weekdays)} {hour}, {subscriber.timezone}"
        until = subscriber.paused_until
        return f"{words}, paused until {until}" if until else words

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """The ledger rows of a reader go with them, though nobody may delete such a row by itself."""
        shown, counts, missing, protected = super().get_deleted_objects(objs, request)
        return shown, counts, missing - {"delivery", "outbox mail"}, protected

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """The log tells that somebody was deleted, and not whom: it outlives them."""
        entries = super().log_deletions(request, queryset)
        for reader in queryset:
            log_of(reader).update(object_repr=NAMELESS)
        return entries

    def save_model(self, request: HttpRequest, obj: Subscriber, form: Any, change: bool) -> None:
        """Write what was changed on the page and nothing else: the reader may have left in the meantime."""
        now = timezone.now()
        if not change:
            obj.origin, obj.mix = "admin", form.chosen_mix()
            obj.active_from = now if obj.state == State.ACTIVE else None
            obj.weekdays = form.own_time().get("weekdays", obj.weekdays)
            obj.save()
            return
        if {"topics", "length", "when_empty"} & set(form.changed_data):
            obj.mix = form.chosen_mix()
            obj.save(update_fields=["mix"])
        if set(self.own_time) & set(form.changed_data):
            own_time.change(obj.pk, form.own_time(), now=now)
        if "state" in form.changed_data:
            values: dict[str, Any] = {"state": obj.state}
            if obj.state == State.ACTIVE:
                values["active_from"] = now
            elif obj.state == State.UNSUBSCRIBED:
                values["unsubscribed_at"] = now
            if not Subscriber.objects.filter(pk=obj.pk, state=form.old_state).update(**values):
                messages.error(
                    request, "The state was changed by someone else meanwhile and is left as it is."
                )
