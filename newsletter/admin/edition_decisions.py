"""The buttons of an edition's page: each a POST, by right, with a line in its history."""

from collections.abc import Callable, Mapping

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from config.durability import UnsafeDatabase, refuse_unsafe
from newsletter import edition as editing
from newsletter import editorial, heartbeat
from newsletter.models import Delivery, Edition, EditionPaper
from papers.bell import ring

LONGEST_REASON = 300


def decide(desk: "admin.ModelAdmin[Edition]", request: HttpRequest, number: int, verb: str) -> HttpResponse:
    """Do one of the decisions that need no further question, and go back to the page."""
    edition = _edition(desk, request, number)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    reason = " ".join(request.POST.get("reason", "").split())[:LONGEST_REASON].rstrip(" .")
    reason = reason or f"by {request.user.get_username()}"
    verbs: dict[str, tuple[str, Callable[[], object]]] = {
        "approve": ("Approved.", lambda: editorial.approve(number, now=timezone.now())),
        "pause": (f"Paused: {reason}.", lambda: editorial.pause(number, reason, now=timezone.now())),
        "resume": ("Resumed.", lambda: editorial.resume(number, now=timezone.now())),
        "hold": (f"Held: {reason}.", lambda: editorial.hold(number, reason, now=timezone.now())),
        "freeze": (
            "Frozen in spite of its sources.",
            lambda: _freeze(number),
        ),
    }
    words, act = verbs[verb]
    try:
        with transaction.atomic():
            if not act():
                desk.message_user(request, "It was so already: nothing was changed.", messages.WARNING)
                return _page_of(number)
            desk.log_change(request, edition, words)
    except (editorial.EditorialError, editing.EditionError) as error:
        desk.message_user(request, f"{error}.", messages.ERROR)
        return _page_of(number)
    desk.message_user(request, words)
    return _page_of(number)


def _freeze(number: int) -> bool:
    """Freeze an edition that waits for its sources; False, and no change, where it does not wait."""
    # Locked: of two that press at once the second sees what the first did.
    edition = Edition.objects.select_for_update().get(pk=number)
    if edition.state not in editing.WAITING or edition.entries.exists():
        return False
    editing.build(edition.date, now=timezone.now())
    return True


def cancel(desk: "admin.ModelAdmin[Edition]", request: HttpRequest, number: int) -> HttpResponse:
    """Ask with the counts; then cancel for good."""
    edition = _edition(desk, request, number)
    if request.method == "POST":
        try:
            with transaction.atomic():
                done = editorial.cancel(number, now=timezone.now())
                words = (
                    f"Cancelled: {done.skipped:,} mails skipped, {done.papers:,} papers are candidates again."
                )
                if done.changed:
                    desk.log_change(request, edition, words)
        except editorial.EditorialError as error:
            desk.message_user(request, f"{error}.", messages.ERROR)
            return _page_of(number)
        told = words if done.changed else "It was cancelled already: nothing was changed."
        desk.message_user(request, told, messages.SUCCESS if done.changed else messages.WARNING)
        return _page_of(number)
    rows = Delivery.objects.filter(edition=edition)
    waiting = rows.filter(state__in=[Delivery.State.PENDING, Delivery.State.CLAIMED])
    context = {
        "waiting": waiting.count(),
        "gone": rows.exclude(handed_over_at=None).count(),
        "papers": edition.entries.count(),
        "papers_go_back": not editorial.was_handed_over(edition),
    }
    return _ask(
        desk, request, edition, "cancel", f"Cancel the edition of {edition.date:%A %d %B %Y}", context
    )


def withdraw(
    desk: "admin.ModelAdmin[Edition]", request: HttpRequest, number: int, entry: int
) -> HttpResponse:
    """Ask, then take one paper out of the mails that have not left."""
    edition = _edition(desk, request, number)
    chosen = get_object_or_404(EditionPaper, pk=entry, edition=edition)
    title = chosen.card.get("title") or f"paper {chosen.paper_id}"
    if request.method == "POST":
        try:
            with transaction.atomic():
                removed = editorial.withdraw(number, [chosen.paper_id])
                words = (
                    f"Taken out: {title}." if removed else "It was taken out already: nothing was changed."
                )
                if removed:
                    desk.log_change(request, edition, words)
        except editorial.EditorialError as error:
            desk.message_user(request, f"{error}.", messages.ERROR)
            return _page_of(number)
        desk.message_user(request, words, messages.SUCCESS if removed else messages.WARNING)
        return _page_of(number)
    rows = Delivery.objects.filter(edition=edition)
    waiting = rows.filter(state__in=[Delivery.State.PENDING, Delivery.State.CLAIMED])
    context = {"paper": title, "waiting": waiting.count(), "gone": rows.exclude(handed_over_at=None).count()}
    return _ask(desk, request, edition, "withdraw", "Take a paper out", context)


def tick(desk: "admin.ModelAdmin[Edition]", request: HttpRequest, number: int) -> HttpResponse:
    """Do at once what the next tick would do, and wake the senders."""
    edition = _edition(desk, request, number)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        refuse_unsafe(connection)
    except UnsafeDatabase as error:
        desk.message_user(request, f"Nothing was done: {error}.", messages.ERROR)
        return _page_of(number)
    planned = heartbeat.beat(now=timezone.now()).planned
    for task in ("newsletter.tasks.send_outbox", "newsletter.tasks.drain"):
        ring(task)
    words = f"Ticked: {planned:,} mails newly planned, and the senders are woken."
    desk.log_change(request, edition, words)
    desk.message_user(request, words)
    return _page_of(number)


def _edition(desk: "admin.ModelAdmin[Edition]", request: HttpRequest, number: int) -> Edition:
    edition = get_object_or_404(Edition, pk=number)
    if not desk.has_change_permission(request, edition):
        raise PermissionDenied
    return edition


def _page_of(number: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:newsletter_edition_change", args=[number]))


def _ask(
    desk: "admin.ModelAdmin[Edition]",
    request: HttpRequest,
    edition: Edition,
    name: str,
    title: str,
    context: Mapping[str, object],
) -> HttpResponse:
    every = desk.admin_site.each_context(request)
    context = {**every, **context, "title": title, "opts": Edition._meta, "edition": edition}
    return TemplateResponse(request, f"admin/newsletter/edition/{name}.html", context)
