"""The mail of an edition as a reader or a mix would get it, shown without being sent.

A reader's mail holds links that change that reader's choice, so it takes the right to change subscribers to
see it whole; with the right to view them only, the same mail is shown without personal links.
"""

from dataclasses import dataclass

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin

from newsletter.addresses import AddressError, parse_address
from newsletter.mail import preview
from newsletter.mixes import topics_in_words
from newsletter.models import Edition, Subscriber, TopicMix

MIXES_OFFERED = 30
# A link of the mail opens in a tab of its own, which is free and knows nothing of the desk.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
# The mail carries its own styles, which the desk's policy may forbid; alone in a frame they can do no harm.
MAIL_POLICY = (
    f"sandbox {SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
    "base-uri 'none'; frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True)
class Chosen:
    mix: TopicMix
    subscriber: Subscriber | None  # None: no personal links in the mail
    words: str
    query: str  # what names this choice in the address bar: numbers, never an address


class ReaderForm(forms.Form):
    """Posted, so that no address stands in a URL or a log."""

    address = forms.CharField(max_length=320, label="as this reader gets it")

    def clean_address(self) -> Subscriber:
        try:
            key = parse_address(self.cleaned_data["address"]).key
        except AddressError as error:
            raise forms.ValidationError(str(error)) from error
        found = Subscriber.objects.filter(email_key=key).first()
        if found is None:
            raise forms.ValidationError("No reader has this address.")
        return found


def page(desk: "admin.ModelAdmin[Edition]", request: HttpRequest, number: int) -> HttpResponse:
    edition = _edition(desk, request, number)
    form = ReaderForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and not _may(request, "view"):
        raise PermissionDenied
    if form.is_valid():
        here = reverse("admin:newsletter_edition_preview", args=[number])
        return HttpResponseRedirect(f"{here}?subscriber={form.cleaned_data['address'].pk}")
    chosen = None if form.errors else _chosen(request)
    offered = list(TopicMix.objects.order_by("pk").prefetch_related("choices__topic")[:MIXES_OFFERED])
    context = {
        **desk.admin_site.each_context(request),
        "title": f"The mail of {edition.date:%A %d %B %Y}",
        "opts": Edition._meta,
        "edition": edition,
        "form": form,
        "may_see_readers": _may(request, "view"),
        "mixes": [(mix.pk, f"{topics_in_words(mix)} · {mix.length} papers") for mix in offered],
        "chosen": chosen,
        "sandbox": SANDBOX,
        "mail": preview([edition], chosen.mix, chosen.subscriber) if chosen else None,
    }
    return TemplateResponse(request, "admin/newsletter/edition/preview.html", context)


@xframe_options_sameorigin
def html_part(desk: "admin.ModelAdmin[Edition]", request: HttpRequest, number: int) -> HttpResponse:
    """The HTML part alone, for the frame on the page; its links open in new tabs."""
    edition = _edition(desk, request, number)
    chosen = _chosen(request)
    html = preview([edition], chosen.mix, chosen.subscriber).html if chosen else ""
    html = html.replace("<head>", '<head><base target="_blank">', 1)
    return HttpResponse(
        html, headers={"Content-Security-Policy": MAIL_POLICY, "Referrer-Policy": "no-referrer"}
    )


def _edition(desk: "admin.ModelAdmin[Edition]", request: HttpRequest, number: int) -> Edition:
    edition = get_object_or_404(Edition, pk=number)
    if not desk.has_view_permission(request, edition):
        raise PermissionDenied
    return edition


def _may(request: HttpRequest, right: str) -> bool:
    user = request.user
    return user.has_perm("newsletter.change_subscriber") or user.has_perm(f"newsletter.{right}_subscriber")


def _chosen(request: HttpRequest) -> Chosen | None:
    """Read `?subscriber=` or `?mix=` (row numbers); None without either, 404 where it is none of ours."""
    if "subscriber" in request.GET:
        if not _may(request, "view"):
            raise PermissionDenied
        readers = Subscriber.objects.select_related("mix")
        reader = get_object_or_404(readers, pk=_number(request.GET["subscriber"]))
        shown = reader if _may(request, "change") else None
        words = f"as {reader.email} gets it" + ("" if shown else ", without the personal links")
        return Chosen(reader.mix, shown, words, f"subscriber={reader.pk}")
    if "mix" in request.GET:
        mix = get_object_or_404(TopicMix, pk=_number(request.GET["mix"]))
        return Chosen(mix, None, f"for {topics_in_words(mix)}, {mix.length} papers", f"mix={mix.pk}")
    return None


def _number(text: str) -> int:
    """A row number; 0, which no row has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
