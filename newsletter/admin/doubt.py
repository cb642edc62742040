"""The page on which somebody decides about mails in doubt: how many, why, and what that may do."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from newsletter.delivery import decisions
from newsletter.models import Delivery, Edition, Subscriber

MOST = 10_000  # mails that one decision settles


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the two decisions, and how it is told."""

    title: str
    button: str
    done: str
    verb: Callable[..., list[int]]


CHOICES = {
    "arrived": Choice("They arrived", "Yes, they arrived", "counted as accepted", decisions.arrived),
    "again": Choice("Send them again", "Yes, send them again", "to be sent again", decisions.send_again),
}


class DecisionForm(forms.Form):
    choice = forms.ChoiceField(choices=[(name, one.title) for name, one in CHOICES.items()])
    # One field for all of them: Django takes a thousand fields in a form at most.
    mails = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the history of each mail: how you know.",
    )

    def clean_mails(self) -> list[int]:
        words = self.cleaned_data["mails"].split(",")
        if len(words) > MOST or not all(
            word.isascii() and word.isdigit() and len(word) < 18 for word in words
        ):
            raise forms.ValidationError("These are no mails: choose them in the list again.")
        return [int(word) for word in words]


def may_decide(request: HttpRequest) -> bool:
    return request.user.has_perm("newsletter.change_delivery")


def ask(
    desk: "admin.ModelAdmin[Delivery]", request: HttpRequest, chosen: QuerySet[Delivery], choice: str
) -> HttpResponse | None:
    """The page that asks, for those of `chosen` that are in doubt; None, with a message, where none is."""
    doubtful = list(chosen.filter(state=Delivery.State.IN_DOUBT).order_by("pk").values_list("pk", flat=True))
    if not doubtful or len(doubtful) > MOST:
        words = f"Decide about {MOST:,} mails at most at once." if doubtful else "None of these is in doubt."
        desk.message_user(request, words, messages.WARNING)
        return None
    initial = {"choice": choice, "mails": ",".join(str(number) for number in doubtful)}
    return _page(desk, request, DecisionForm(initial=initial), doubtful, choice)


def decide(desk: "admin.ModelAdmin[Delivery]", request: HttpRequest) -> HttpResponse:
    """Take the decision of the page, with a line in the history of each mail, or say what is missing."""
    if not may_decide(request):
        raise PermissionDenied
    back = HttpResponseRedirect(reverse("admin:newsletter_delivery_changelist"))
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        numbers = form.cleaned_data.get("mails") if form.is_bound else None
        if not numbers or "choice" in form.errors:
            desk.message_user(request, "Choose the mails in the list first.", messages.WARNING)
            return back
        return _page(desk, request, form, numbers, form.cleaned_data["choice"])
    choice, reason = CHOICES[form.cleaned_data["choice"]], form.cleaned_data["reason"]
    asked = form.cleaned_data["mails"]
    with transaction.atomic():
        changed = choice.verb(asked, reason, now=timezone.now())
        rows = Delivery.objects.filter(pk__in=changed)
        words = f"In doubt, {choice.done}: {reason}"
        if changed:
            LogEntry.objects.log_actions(request.user.pk, rows, CHANGE, words)  # type: ignore[arg-type]
    desk.message_user(request, f"{_mails(len(changed))} {choice.done}.")
    if left := len(asked) - len(changed):
        why = "not in doubt any more, or the edition was stopped for good or is long past"
        told = f"{_mails(left)} left as before: {why}."
        desk.message_user(request, told, messages.WARNING)
    return back


def _page(
    desk: "admin.ModelAdmin[Delivery]",
    request: HttpRequest,
    form: DecisionForm,
    numbers: Sequence[int],
    choice: str,
) -> HttpResponse:
    rows = Delivery.objects.filter(pk__in=numbers, state=Delivery.State.IN_DOUBT)
    by_edition = rows.order_by("edition__date").values_list("edition__date", "edition__state")
    readers = dict(rows.order_by().values_list("subscriber__state").annotate(Count("pk")))
    context: dict[str, Any] = {
        **desk.admin_site.each_context(request),
        "title": CHOICES[choice].title,
        "opts": Delivery._meta,
        "form": form,
        "choice": choice,
        "button": CHOICES[choice].button,
        "total": sum(readers.values()),
        "editions": [
            (date, Edition.State(state).label, n) for (date, state), n in Counter(by_edition).items()
        ],
        "gone": sum(n for state, n in readers.items() if state != Subscriber.State.ACTIVE),
        "reasons": Counter(rows.values_list("reason", flat=True)).most_common(5),
    }
    return TemplateResponse(request, "admin/newsletter/delivery/decide.html", context)


def _mails(n: int) -> str:
    return f"{n:,} mail{' is' if n == 1 else 's are'}"
