"""Coming in: the form, and the button behind the mailed link; and asking for the link to the preferences."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from newsletter import signup
from newsletter.doorbell import ring_after_commit
from newsletter.forms.asking import AskForm, SubscribeForm
from newsletter.language import language_now
from newsletter.limits import asks_too_often
from newsletter.mixes import mix_for
from newsletter.people.behind_link import bad_link, behind_mailed_link
from newsletter.people.counter import active_topics, counter, prefilled
from newsletter.people.evenly import in_even_time
from newsletter.people.welcoming import choice_in_words, welcome_page
from newsletter.signup import Confirmation, Outcome
from newsletter.times import times_after, times_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@in_even_time
def subscribe(request: HttpRequest) -> HttpResponse:
    """The form. Its answer is the same for every address, known or not."""
    topics = active_topics()
    if request.method != "POST":
        return counter(request, prefilled(request, topics, request.GET))
    form = SubscribeForm(request.POST, topics=topics)
    if asks_too_often(request):
        return render(request, "429.html", status=429)
    if not form.is_valid():
        return counter(request, form, status=400)
    if not form.is_trapped:
        mix = mix_for(form.weights(), length=form.cleaned_data["length"], language=language_now())
        signup.request_subscription(
            form.address, mix, times=form.times(), zone_if_new=form.zone_if_new, now=timezone.now()
        )
        ring_after_commit()
    return render(request, "newsletter/check_inbox.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@in_even_time
def preferences_link(request: HttpRequest) -> HttpResponse:
    """Mails the way to the preferences again, to readers; says the same to everybody."""
    if request.method != "POST":
        return render(request, "newsletter/preferences_link.html", {"form": AskForm()})
    form = AskForm(request.POST)
    if asks_too_often(request):
        return render(request, "429.html", status=429)
    if not form.is_valid():
        return render(request, "newsletter/preferences_link.html", {"form": form}, status=400)
    if not form.is_trapped:
        signup.request_preferences_link(form.address, now=timezone.now())
        ring_after_commit()
    return render(request, "newsletter/check_inbox.html", {"for_preferences": True})


@behind_mailed_link
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with the whole choice and one button; pressing it puts the choice in force."""
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
        return render(request, "newsletter/confirm.html", {"choice": _what_it_brings(seen)})
    return welcome_page(request, seen.subscriber, now=now)


def _what_it_brings(seen: Confirmation) -> dict[str, object]:
    """What is in force after the button; of a link that was used, what is in force already."""
    reader, mail = seen.subscriber, seen.mail
    assert reader is not None and mail is not None  # noqa: S101  for the type checker
    if mail.used_at is not None or mail.mix is None:
        return choice_in_words(reader.mix, times_of(reader))
    return choice_in_words(mail.mix, times_after(mail, reader))
