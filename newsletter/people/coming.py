"""Coming in: the coupon, the button behind the mailed link, the welcome; and the way to the preferences."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from newsletter import signup
from newsletter.doorbell import ring_after_commit
from newsletter.forms.asking import AskForm, SubscribeForm
from newsletter.limits import exceeded
from newsletter.mixes import mix_for
from newsletter.models import Subscriber
from newsletter.people.behind_link import bad_link, behind_mailed_link
from newsletter.signup import Outcome
from newsletter.tokens import link_token
from papers.models import Topic

SIGNUPS_PER_HOUR = 30


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
        return bad_link(request)
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
