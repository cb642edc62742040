"""The preferences of a reader, behind the link that stands in every mail."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from newsletter import staying, tasting
from newsletter.doorbell import ring_after_commit
from newsletter.expecting import next_mail
from newsletter.forms.preferring import PauseForm, PreferencesForm
from newsletter.mixes import mix_for
from newsletter.models import MixTopic, Subscriber
from newsletter.own_data import links
from newsletter.people.behind_link import behind_preferences_link, masked
from newsletter.schedule import zone_or_utc
from newsletter.times import in_words, times_of
from newsletter.tokens import link_token
from papers.models import Topic

# What the page says after a change; the words stand in its template.
SAID = ("saved", "paused", "resumed", "mailed", "back")


@behind_preferences_link
def preferences(request: HttpRequest, reader: Subscriber, token: str) -> HttpResponse:
    """Topics and how much of each, the mail, its time, a pause; and the way to what is stored."""
    if request.method != "POST":
        return _page(request, reader, token)
    act = next((act for button, act in _BUTTONS.items() if button in request.POST), _save)
    return act(request, reader, token)


def _save(request: HttpRequest, reader: Subscriber, token: str) -> HttpResponse:
    form = PreferencesForm(request.POST, topics=_topics(), reader=reader)
    if not form.is_valid():
        return _page(request, reader, token, form=form)
    answers = form.cleaned_data
    mix = mix_for(
        form.weights() | _choices_of_resting_topics(reader),
        length=answers["length"],
        language=answers["language"] or reader.mix.language,
        when_empty=answers["when_empty"],
    )
    staying.change_preferences(reader.pk, mix, when=form.when(), now=timezone.now())
    return _say("saved", token)


def _pause(request: HttpRequest, reader: Subscriber, token: str) -> HttpResponse:
    form = PauseForm(request.POST, today=_today(reader))
    if not form.is_valid():
        return _page(request, reader, token, pause=form)
    staying.pause(reader.pk, until=form.day, now=timezone.now())
    return _say("paused", token)


def _resume(request: HttpRequest, reader: Subscriber, token: str) -> HttpResponse:
    staying.pause(reader.pk, until=None, now=timezone.now())
    return _say("resumed", token)


def _mail_private_link(request: HttpRequest, reader: Subscriber, token: str) -> HttpResponse:
    links.request_link(reader.pk, now=timezone.now())
    ring_after_commit()
    return _say("mailed", token)


_BUTTONS: dict[str, Callable[[HttpRequest, Subscriber, str], HttpResponse]] = {
    "pause": _pause,
    "resume": _resume,
    "private": _mail_private_link,
}


def _say(what: str, token: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('preferences', args=[token])}?{what}=1")


def _page(
    request: HttpRequest,
    reader: Subscriber,
    token: str,
    *,
    form: PreferencesForm | None = None,
    pause: PauseForm | None = None,
) -> HttpResponse:
    """The page; with a form, the one that was wrong."""
    wrong = form or pause
    today = _today(reader)
    context: dict[str, Any] = {
        "form": form or PreferencesForm(topics=_topics(), reader=reader),
        "pause": pause or PauseForm(today=today),
        "errors": wrong.errors if wrong else {},
        "masked": masked(reader.email),
        "when": in_words(times_of(reader)),
        "zone": zone_or_utc(reader.timezone),
        "next": _next_mail(reader),
        "paused_until": reader.paused_until if reader.paused_until and reader.paused_until > today else None,
        "changes": tasting.lately(reader, now=timezone.now()),
        "preferences_token": token,
        "unsubscribe_token": link_token("unsubscribe", reader.handle, reader.secret),
        "said": "" if wrong else next((word for word in SAID if word in request.GET), ""),
    }
    return render(request, "newsletter/preferences.html", context, status=400 if wrong else 200)


def _next_mail(reader: Subscriber) -> datetime | None:
    """The first moment at which mail can come to who chose an hour; None: with the next edition."""
    if reader.hour is None:
        return None
    zone = zone_or_utc(reader.timezone)
    return next_mail(zone=zone, hour=reader.hour, weekdays=reader.weekdays, after=timezone.now(), freezes=[])


def _topics() -> list[Topic]:
    return list(Topic.objects.filter(is_active=True))


def _today(reader: Subscriber) -> date:
    """The date on the reader's clock."""
    return timezone.now().astimezone(zone_or_utc(reader.timezone)).date()


def _choices_of_resting_topics(reader: Subscriber) -> dict[Topic, str]:
    """Topics that an editor switched off are not on the page; what the reader chose of them is kept."""
    resting: list[MixTopic] = list(reader.mix.choices.filter(topic__is_active=False).select_related("topic"))
    return {choice.topic: choice.weight for choice in resting}
