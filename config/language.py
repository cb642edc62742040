"""Which language a page speaks: what the reader chose, else what the browser asks for, else English.

The choice is a cookie, set by nothing but the switch at the foot of the pages: no address holds a language,
and no GET changes it. The admin stays English.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

# Without a CSRF token, which would put a cookie into every page: all that another site could change is the
# language of our pages, and the reader changes it back with one press.
switch_language = csrf_exempt(set_language)


class SpokenLanguage:
    """Middleware: a language for one request, and headers that keep caches from mixing them up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_admin = request.path_info.startswith("/admin/")
        language = "en" if is_admin else translation.get_language_from_request(request)
        with translation.override(language):
            response = self.get_response(request)
        if not is_admin and _is_spoken(response):
            response.headers["Content-Language"] = language
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response


def _is_spoken(response: HttpResponse) -> bool:
    """Whether this is a page. Feeds, JSON, robots.txt and the like are the same in every language; those that
    have words say which language it is by themselves."""
    if "Content-Language" in response.headers:
        return False
    # "Not modified" has no type, and must name the same Vary as the page itself.
    return response.headers.get("Content-Type", "").startswith("text/html") or response.status_code == 304
