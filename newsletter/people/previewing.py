"""The very mail that a choice would bring today, before an address is given. Writes nothing."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe

from config.headers import PAGES
from newsletter.forms.choosing import ChoiceForm
from newsletter.language import language_now
from newsletter.limits import exceeded
from newsletter.mail.previews import Preview, preview_of
from newsletter.models import Edition, TopicMix
from newsletter.people.counter import active_topics, counter, prefilled, total
from newsletter.shelf import shown, up_to
from newsletter.times import in_words
from newsletter.usual import usual
from newsletter.windows import MOST

LOOKS_PER_HOUR = 300
# The mail carries its own styles; alone in a frame they can do no harm, and its links open in new tabs.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail of a choice, of the latest edition that has something for it."""

    edition: Edition
    preview: Preview
    passed: int  # newer editions that have nothing for it


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def look(request: HttpRequest) -> HttpResponse:
    """The page around the mail, with a form that only wants the address.

    The form may be posted here, so that an address that was typed already comes back and is in no URL.
    """
    data = request.POST if request.method == "POST" else request.GET
    topics = active_topics()
    choice = ChoiceForm(_as_fields(data), topics=topics)
    if exceeded(request, "look", limit=LOOKS_PER_HOUR):
        return render(request, "429.html", status=429)
    form = prefilled(request, topics, data)
    if not choice.is_valid():
        return _unlisted(counter(request, form, errors=choice.errors, status=400))
    query = _query(choice)
    context: dict[str, Any] = {
        "form": form,
        "mail": mail_of(choice),
        "today": timezone.now().date(),
        "choice": {
            "topics": [{"name": topic.name, "weight": "normal"} for topic in choice.weights()],
            "length": choice.cleaned_data["length"],
            "when": in_words(choice.shown_times()),
        },
        "total": total(usual(), choice),
        "carried": [pair for pair in query if pair[0] != "topic"],
        "slugs": choice.cleaned_data["topics"],
        "change": f"{reverse('subscribe')}?{urlencode(query)}",
        "frame": f"{reverse('preview_mail')}?{urlencode(query)}",
    }
    response = _unlisted(render(request, "newsletter/preview.html", context))
    response["Content-Security-Policy"] = f"{PAGES}; frame-src 'self'"
    return response


@never_cache
@require_safe
@xframe_options_sameorigin
def mail(request: HttpRequest) -> HttpResponse:
    """The HTML part alone, for the frame on that page."""
    if exceeded(request, "look-mail", limit=LOOKS_PER_HOUR):
        return render(request, "429.html", status=429)
    choice = ChoiceForm(_as_fields(request.GET), topics=active_topics())
    found = mail_of(choice) if choice.is_valid() else None
    if found is None:
        raise Http404("no edition is printed, or there is no such choice")
    html = found.preview.html.replace("<head>", '<head><base target="_blank">', 1)
    return _unlisted(HttpResponse(html, headers={"Content-Security-Policy": MAIL_POLICY}))


def mail_of(choice: ChoiceForm) -> Mail | None:
    """The mail of the latest edition with something for this choice, else of the latest, which says so; None
    where none is printed. Weekly readers get seven editions, as their mail has."""
    weekly = choice.shown_times().weekly
    printed = shown(today=timezone.now().date()).filter(state__in=Edition.PRINTED)
    latest: Mail | None = None
    for passed, edition in enumerate(printed[: 1 if weekly else MOST]):
        found = preview_of(
            up_to(edition, MOST if weekly else 1),
            weights=choice.weights(),
            length=choice.cleaned_data["length"],
            language=language_now(),
            when_empty=TopicMix.WhenEmpty.SKIP,
        )
        if found.papers:
            return Mail(edition, found, passed)
        latest = latest or Mail(edition, found, passed)
    return latest


def _as_fields(data: QueryDict) -> QueryDict:
    """With `topic`, as links name it, under the name of the field."""
    fields = data.copy()
    fields.setlist("topics", [*data.getlist("topics"), *data.getlist("topic")])
    return fields


def _query(choice: ChoiceForm) -> list[tuple[str, str]]:
    """The choice as parameters of a URL; what is as usual is left out, and an address never is in it."""
    values = choice.cleaned_data
    pairs = [("topic", slug) for slug in values["topics"]]
    for name in ("length", "days", "hour", "timezone"):
        if name in choice.data and values[name] not in (None, ""):
            pairs.append((name, str(values[name])))
    return pairs


def _unlisted(response: HttpResponse) -> HttpResponse:
    response["X-Robots-Tag"] = "noindex"
    return response
