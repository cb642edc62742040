"""Leaving: a page with one button, and RFC 8058 one-click; then the ways back, or out for good."""

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter import signup, staying
from newsletter.doorbell import ring_after_commit
from newsletter.mixes import LENGTHS
from newsletter.models import Subscriber
from newsletter.own_data import links
from newsletter.people.behind_link import bad_link, behind_mailed_link
from newsletter.staying import Instead
from newsletter.tokens import link_token, subscriber_for


@behind_mailed_link
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """One button, and RFC 8058 one-click: no cookie, no redirect, and again is no different from once.

    Who has just left is offered less instead, and undo; whoever left, a link to come back or to be erased.
    """
    reader = subscriber_for("unsubscribe", token)
    if reader is None:
        return bad_link(request)
    if request.method != "POST":
        return _page(request, reader)
    one_click = request.POST.get("List-Unsubscribe") == "One-Click"
    act = _leave if one_click else next((act for key, act in _BUTTONS.items() if key in request.POST), None)
    if act is None:
        message = _("Nothing was changed: the request did not say what to do.")
        return render(request, "400.html", {"message": message}, status=400)
    return act(request, reader)


def _leave(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    staying.unsubscribe(reader.pk, now=timezone.now())
    reader.refresh_from_db()
    return _page(request, reader)


def _come_back(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    try:
        instead = Instead(request.POST["instead"])
        left_at = datetime.fromisoformat(request.POST.get("left", ""))
    except ValueError:
        return _page(request, reader, too_late=True)
    if not staying.come_back(reader.pk, left_at=left_at, instead=instead, now=timezone.now()):
        reader.refresh_from_db()
        return _page(request, reader, too_late=True)
    link = link_token("preferences", reader.handle, reader.secret)
    return HttpResponseRedirect(f"{reverse('preferences', args=[link])}?back=1")


def _return_by_mail(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    signup.request_return(reader.pk, now=timezone.now())
    ring_after_commit()
    return render(request, "newsletter/check_inbox.html")


def _mail_private_link(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    links.request_link(reader.pk, now=timezone.now())
    ring_after_commit()
    return render(request, "newsletter/private_mailed.html")


_BUTTONS: dict[str, Callable[[HttpRequest, Subscriber], HttpResponse]] = {
    "leave": _leave,
    "instead": _come_back,
    "return": _return_by_mail,
    "private": _mail_private_link,
}


def _page(request: HttpRequest, reader: Subscriber, *, too_late: bool = False) -> HttpResponse:
    """`too_late`: they wanted back, and the moment for that is over."""
    left_at = reader.unsubscribed_at
    may_undo = staying.may_undo(reader, now=timezone.now())
    context: dict[str, object] = {
        "has_left": reader.state not in (Subscriber.State.ACTIVE, Subscriber.State.PENDING),
        "may_return": reader.state == Subscriber.State.UNSUBSCRIBED,
        "left": left_at.isoformat() if may_undo and left_at else "",
        "too_late": too_late,
        "may_be_weekly": reader.weekdays.bit_count() > 1,
        "fewer": LENGTHS[0] if reader.mix.length > LENGTHS[0] else 0,
        "preferences_token": link_token("preferences", reader.handle, reader.secret),
        "is_reader": reader.state == Subscriber.State.ACTIVE,
    }
    return render(request, "newsletter/unsubscribe.html", context, status=409 if too_late else 200)
