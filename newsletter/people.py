"""The pages through which people come in, change their mind, and leave.

GET and HEAD change nothing here, since mail scanners open every link: each change is a POST from a page with
a button. Pages behind a mailed link are never stored or named to others, and their POSTs carry no CSRF token:
the link itself, which no other site can know, is the authority, no cookie is; besides, `no-referrer` makes
browsers send `Origin: null`, which the CSRF check refuses.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from newsletter import signup
from newsletter.doorbell import ring_after_commit
from newsletter.forms import AskForm, PreferencesForm, SubscribeForm
from newsletter.limits import exceeded
from newsletter.mixes import mix_for
from newsletter.models import MixTopic, Subscriber
from newsletter.signup import Outcome
from newsletter.tokens import link_token, subscriber_for
from papers.models import Topic

SIGNUPS_PER_HOUR = 30
BAD_LINKS_PER_HOUR = 60

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def behind_mailed_link(view: View[P]) -> Callable[..., HttpResponse]:
    """For pages whose URL is a secret: not cached, no referrer, not indexed, without CSRF token."""

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex"
        return response

    return wrapped


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest) -> HttpResponse:
    """The coupon. Its answer is the same for every address, known or not."""
    topics = list(Topic.objects.filter(is_active=True))
    if request.method != "POST":
        wanted = request.GET.getlist("topic")
        form = SubscribeForm(topics=topics, initial={"topics": wanted})
        return render(request, "newsletter/subscribe.html", {"form": form, "topics": topics})
    form = SubscribeForm(request.POST, topics=topics)
    if exceeded(request, "ask", limit=SIGNUPS_PER_HOUR):
        return render(request, "429.html", status=429)
    if not form.is_valid():
        return render(request, "newsletter/subscribe.html", {"form": form, "topics": topics}, status=400)
    if not form.is_trapped:
        signup.request_subscription(form.address, mix_for(form.weights()), now=timezone.now())
        ring_after_commit()
    return render(request, "newsletter/check_inbox.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preferences_link(request: HttpRequest) -> HttpResponse:
    """Mails the way to the preferences again, to readers; says the same to everybody."""
    if request.method != "POST":
        return render(request, "newsletter/preferences_link.html", {"form": AskForm()})
    form = AskForm(request.POST)
    if exceeded(request, "ask", limit=SIGNUPS_PER_HOUR):
        return render(request, "429.html", status=429)
    if not form.is_valid():
        return render(request, "newsletter/preferences_link.html", {"form": form}, status=400)
    if not form.is_trapped:
        signup.request_preferences_link(form.address, now=timezone.now())
        ring_after_commit()
    return render(request, "newsletter/check_inbox.html", {"for_preferences": True})


@behind_mailed_link
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with one button; pressing it puts the choice in force."""
    now = timezone.now()
    if request.method != "POST":
        seen = signup.look_up_confirmation(token, now=now)
    else:
        seen = signup.confirm(token, now=now)
    if seen.outcome is Outcome.UNKNOWN or seen.subscriber is None:
        return _bad_link(request)
    if seen.outcome is not Outcome.CONFIRMED:
        return render(request, "newsletter/link_expired.html", {"outcome": seen.outcome.value}, status=410)
    if request.method != "POST":
        return render(request, "newsletter/confirm.html")
    return _welcome(request, seen.subscriber)


def _welcome(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    context = {
        "reader": reader,
        "choices": list(reader.mix.choices.select_related("topic").order_by("topic")),
        "preferences_token": link_token("preferences", reader.handle, reader.secret),
    }
    return render(request, "newsletter/welcome.html", context)


@behind_mailed_link
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Topics and how much of each, the length of a mail, and what to do on a day without a match."""
    reader = subscriber_for("preferences", token)
    if reader is None:
        return _bad_link(request)
    unsubscribe_token = link_token("unsubscribe", reader.handle, reader.secret)
    if reader.state != Subscriber.State.ACTIVE:
        return HttpResponseRedirect(reverse("unsubscribe", args=[unsubscribe_token]))
    topics = list(Topic.objects.filter(is_active=True))
    form = PreferencesForm(request.POST if request.method == "POST" else None, topics=topics, mix=reader.mix)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            answers = form.cleaned_data
            weights = form.weights() | _choices_of_resting_topics(reader)
            mix = mix_for(
                weights,
                length=answers["length"],
                language=reader.mix.language,
                when_empty=answers["when_empty"],
            )
            signup.change_preferences(reader.pk, mix)
            return HttpResponseRedirect(f"{reverse('preferences', args=[token])}?saved=1")
        status = 400
    context = {
        "form": form,
        "masked": _masked(reader.email),
        "unsubscribe_token": unsubscribe_token,
        "saved": "saved" in request.GET and request.method != "POST",
    }
    return render(request, "newsletter/preferences.html", context, status=status)


@behind_mailed_link
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """One button, and RFC 8058 one-click: no cookie, no redirect, and again is no different from once."""
    reader = subscriber_for("unsubscribe", token)
    if reader is None:
        return _bad_link(request)
    now = timezone.now()
    if request.method == "POST":
        if request.POST.get("List-Unsubscribe") == "One-Click" or "leave" in request.POST:
            signup.unsubscribe(reader.pk, now=now)
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


def _bad_link(request: HttpRequest) -> HttpResponse:
    """A link that is nobody's. Guessing them is slowed down; a good link is never counted."""
    if exceeded(request, "bad-link", limit=BAD_LINKS_PER_HOUR):
        return render(request, "429.html", status=429)
    return render(request, "newsletter/link_unknown.html", status=404)


def _choices_of_resting_topics(reader: Subscriber) -> dict[Topic, str]:
    """Topics that an editor switched off are not on the page; what the reader chose of them is kept."""
    resting: list[MixTopic] = list(reader.mix.choices.filter(topic__is_active=False).select_related("topic"))
    return {choice.topic: choice.weight for choice in resting}


def _masked(email: str) -> str:
    """ "ada@example.org" -> "a•••@example.org": mails get forwarded, and this page with them."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}•••@{domain}"
