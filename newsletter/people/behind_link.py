"""Pages behind a mailed link: never stored or named to others, and without CSRF token.

The link itself, which no other site can know, is the authority, no cookie is; besides, `no-referrer` makes
browsers send `Origin: null`, which the CSRF check refuses.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from newsletter.limits import exceeded
from newsletter.models import Subscriber
from newsletter.tokens import link_token, subscriber_for

BAD_LINKS_PER_HOUR = 60
# Each stores something, and a link in a mail lasts. Leaving is not counted: a mail program asks for many.
CHANGES_PER_HOUR = 300

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
ReadersView = Callable[Concatenate[HttpRequest, Subscriber, str, P], HttpResponse]


def behind_mailed_link(view: View[P]) -> Callable[..., HttpResponse]:
    """For pages whose URL is a secret: not cached, no referrer, not indexed, without CSRF token."""

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Subscriber.DoesNotExist:  # erased in this moment, by another request
            response = bad_link(request)
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex"
        return response

    return wrapped


def behind_preferences_link(view: ReadersView[P]) -> Callable[..., HttpResponse]:
    """For the pages that the link to the preferences opens: the view is given its reader before the token.

    Who has left is led to where they left. Presses of buttons are counted here.
    """

    @behind_mailed_link
    def opened(request: HttpRequest, /, token: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        reader = subscriber_for("preferences", token)
        if reader is None:
            return bad_link(request)
        if reader.state != Subscriber.State.ACTIVE:
            leave = link_token("unsubscribe", reader.handle, reader.secret)
            return HttpResponseRedirect(reverse("unsubscribe", args=[leave]))
        if request.method == "POST" and exceeded(request, "change", limit=CHANGES_PER_HOUR):
            return render(request, "429.html", status=429)
        return view(request, reader, token, *args, **kwargs)

    return wraps(view)(opened)


def bad_link(request: HttpRequest) -> HttpResponse:
    """A link that is nobody's. Guessing them is slowed down; a good link is never counted."""
    if exceeded(request, "bad-link", limit=BAD_LINKS_PER_HOUR):
        return render(request, "429.html", status=429)
    return render(request, "newsletter/link_unknown.html", status=404)


def masked(email: str) -> str:
    """ "ada@example.org" -> "a•••@example.org": mails get forwarded, and this page with them."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}•••@{domain}"
