"""The Content-Security-Policy header, with the names that Django 6 gives the setting and the decorator."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Policy = dict[str, list[str]]
HEADER = "Content-Security-Policy"


class ContentSecurityPolicyMiddleware:
    """Adds SECURE_CSP to every answer that has no policy of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = header_of(settings.SECURE_CSP)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault(HEADER, self.policy)
        return response


def csp_override(
    **changes: list[str],
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """For one view: SECURE_CSP with some directives replaced, as in `@csp_override(frame_src=["'none'"])`."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def wrapped(*args: Any, **kwargs: Any) -> HttpResponse:
            response = view(*args, **kwargs)
            named = {name.replace("_", "-"): sources for name, sources in changes.items()}
            response.headers[HEADER] = header_of({**settings.SECURE_CSP, **named})
            return response

        return wrapped

    return decorate


def header_of(policy: Policy) -> str:
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())
