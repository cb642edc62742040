"""Leaving: a page with one button, and RFC 8058 one-click."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from newsletter import signup, staying
from newsletter.doorbell import ring_after_commit
from newsletter.models import Subscriber
from newsletter.people.behind_link import bad_link, behind_mailed_link
from newsletter.tokens import link_token, subscriber_for


@behind_mailed_link
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """One button, and RFC 8058 one-click: no cookie, no redirect, and again is no different from once."""
    reader = subscriber_for("unsubscribe", token)
    if reader is None:
        return bad_link(request)
    now = timezone.now()
    if request.method == "POST":
        if request.POST.get("List-Unsubscribe") == "One-Click" or "leave" in request.POST:
            staying.unsubscribe(reader.pk, now=now)
        elif "return" in request.POST:
            signup.request_return(reader.pk, now=now)
            ring_after_commit()
            return render(request, "newsletter/check_inbox.html")
        else:
            context = {"message": "Nothing was changed: the request did not say what to do."}
            return render(request, "400.html", context, status=400)
        reader.refresh_from_db()
    page: dict[str, object] = {
        "has_left": reader.state not in (Subscriber.State.ACTIVE, Subscriber.State.PENDING),
        "may_return": reader.state == Subscriber.State.UNSUBSCRIBED,
        "preferences_token": link_token("preferences", reader.handle, reader.secret),
        "is_reader": reader.state == Subscriber.State.ACTIVE,
    }
    return render(request, "newsletter/unsubscribe.html", page)
