"""What every answer says to the browser, and what is said when nothing else can be."""

import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# Our pages have one stylesheet, small scripts of our own from files, and load nothing from anybody.
PAGES = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Django's admin brings scripts of its own, from files, and a few inline styles.
ADMIN = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)


class ContentSecurityPolicy:
    """Middleware: a strict policy on every answer that does not bring its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        is_admin = match is not None and "admin" in match.app_names
        response.headers.setdefault("Content-Security-Policy", ADMIN if is_admin else PAGES)
        return response


def server_error(request: HttpRequest) -> HttpResponse:
    """503 where the database does not answer, else 500. Neither page asks the database anything."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        return render(request, "503.html", status=503)
    return render(request, "500.html", status=500)
