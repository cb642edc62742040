"""The mail of an edition as a reader or a mix would get it, shown without being sent.

It covers the editions of that reader's window, or as many as were asked for.

A reader's mail holds links that change that reader's choice, so it takes the right to change subscribers to
see it whole; with the right to view them only, the same mail is shown without personal links.
"""

from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin

from newsletter.addresses import AddressError, parse_address
from newsletter.mail import preview
from newsletter.mixes import topics_in_words
from newsletter.models import Delivery, Edition, Subscriber, TopicMix
from newsletter.shelf import up_to, window
from newsletter.windows import MOST, WIDEST

MIXES_OFFERED = 30
# How many editions a mail may be shown of, and who gets so many.
WINDOWS = {
    1: "this edition alone",
    3: "the last three, as after a weekend",
    MOST: "the last seven, as a weekly reader",
}
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
    editions: list[Edition]
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
    chosen = None if form.errors else _chosen(request, edition)
    offered = list(TopicMix.objects.order_by("pk").prefetch_related("choices__topic")[:MIXES_OFFERED])
    context = {
        **desk.admin_site.each_context(request),
        "title": f"The mail of {edition.date:%A %d %B %Y}",
        "opts": Edition._meta,
        "edition": edition,
        "form": form,
        "may_see_readers": _may(request, "view"),
        "mixes": [(mix.pk, f"{topics_in_words(mix)} · {_length(mix)}") for mix in offered],
        "windows": WINDOWS.items(),
        "chosen": chosen,
        "sandbox": SANDBOX,
        "mail": preview(chosen.editions, chosen.mix, chosen.subscriber) if chosen else None,
    }
    return TemplateResponse(request, "admin/newsletter/edition/preview.html", context)


@xframe_options_sameorigin
def html_part(desk: "admin.ModelAdmin[Edition]", request: HttpRequest, number: int) -> HttpResponse:
    """The HTML part alone, for the frame on the page; its links open in new tabs."""
    edition = _edition(desk, request, number)
    chosen = _chosen(request, edition)
    html = preview(chosen.editions, chosen.mix, chosen.subscriber).html if chosen else ""
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


def _chosen(request: HttpRequest, edition: Edition) -> Chosen | None:
    """Read `?subscriber=` or `?mix=` (row numbers), and `&editions=` (how many); None without the first two.

    404 where it is none of ours.
    """
    if "subscriber" in request.GET:
        if not _may(request, "view"):
            raise PermissionDenied
        readers = Subscriber.objects.select_related("mix").prefetch_related("mix__choices__topic")
        reader = get_object_or_404(readers, pk=_number(request.GET["subscriber"]))
        editions = _asked_for(request, edition) or _owed(reader, edition)
        shown = reader if _may(request, "change") else None
        words = f"as {reader.email} gets it" + ("" if shown else ", without the personal links")
        query = f"subscriber={reader.pk}&editions={len(editions)}"
        return Chosen(reader.mix, editions, shown, words + _over(editions), query)
    if "mix" in request.GET:
        mixes = TopicMix.objects.prefetch_related("choices__topic")
        mix = get_object_or_404(mixes, pk=_number(request.GET["mix"]))
        editions = _asked_for(request, edition) or [edition]
        words = f"for {topics_in_words(mix)}, {_length(mix)}" + _over(editions)
        return Chosen(mix, editions, None, words, f"mix={mix.pk}&editions={len(editions)}")
    return None


def _asked_for(request: HttpRequest, edition: Edition) -> list[Edition]:
    if "editions" not in request.GET:
        return []
    count = _number(request.GET["editions"])
    if not 1 <= count <= WIDEST:
        raise Http404(f"a mail covers 1 to {WIDEST} editions")
    return up_to(edition, count)


def _owed(reader: Subscriber, edition: Edition) -> list[Edition]:
    """What this reader's mail covers: by its row where there is one, else what planning would give now."""
    rows = Delivery.objects.filter(subscriber=reader).order_by("-last_on")
    planned = rows.filter(edition=edition).first()
    if planned is not None:
        return window(planned.first_on, planned.last_on) or [edition]
    covered = rows.filter(covers=True).values_list("last_on", flat=True).first()
    if covered is None:
        return up_to(edition, MOST if reader.weekdays.bit_count() == 1 else 1)
    return [one for one in up_to(edition, MOST) if one == edition or one.date > covered]


def _length(mix: TopicMix) -> str:
    """ "10 papers", and in which language where that is not the desk's own."""
    said = f"{mix.length} papers"
    if mix.language == settings.LANGUAGE_CODE:
        return said
    return f"{said}, in {dict(settings.LANGUAGES).get(mix.language, mix.language)}"


def _over(editions: list[Edition]) -> str:
    return f", over {len(editions)} editions" if len(editions) > 1 else ""


def _number(text: str) -> int:
    """A row number; 0, which no row has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
