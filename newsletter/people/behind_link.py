"""Pages behind a mailed link: never stored or named to others, and without CSRF token.

The link itself, which no other site can know, is the authority, no cookie is; besides, `no-referrer` makes
browsers send `Origin: null`, which the CSRF check refuses.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from newsletter.limits import exceeded
from newsletter.models import Subscriber

BAD_LINKS_PER_HOUR = 60
# Each stores something, and a link in a mail lasts. Leaving is not counted: a mail program asks for many.
CHANGES_PER_HOUR = 300

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


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


def bad_link(request: HttpRequest) -> HttpResponse:
    """A link that is nobody's. Guessing them is slowed down; a good link is never counted."""
    if exceeded(request, "bad-link", limit=BAD_LINKS_PER_HOUR):
        return render(request, "429.html", status=429)
    return render(request, "newsletter/link_unknown.html", status=404)


def changes_too_often(request: HttpRequest) -> bool:
    """Count a press of a button that stores a choice; True where a network pressed too many in an hour."""
    return request.method == "POST" and exceeded(request, "change", limit=CHANGES_PER_HOUR)


def masked(email: str) -> str:
    """ "ada@example.org" -> "a•••@example.org": mails get forwarded, and this page with them."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}•••@{domain}"
